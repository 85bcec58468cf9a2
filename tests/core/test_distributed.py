"""Two processes compute what one computes: plain, with a moving average, with experience, and sharded with FSDP2.

Learning does not depend on how many processes there are, because all randomness is one stream; that holds for the
agent's experience too. What is compared is float32, after 10 steps of Adam.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from .distributed_cases import CASES, TINY, Line, begin, run_all

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("distributed")  # the launch below is worth sharing


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What one process gives, and what each of two gives."""
    out = tmp_path_factory.mktemp("distributed")
    (out / "single").mkdir()
    run_all(out / "single")
    begin(Line, TINY, out / "grown")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    # FSDP warns of units that return views, which is only dangerous for in-place changes of them
    command = [
        sys.executable,
        "-W",
        "error",
        "-W",
        "ignore:FSDP2-wrapped",
        str(TESTS / "core/distributed_cases.py"),
        str(out),
    ]
    processes = [
        subprocess.Popen(
            command, env=os.environ | common | {"RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True
        )
        for rank in "01"
    ]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    two = [torch.load(out / f"results-{rank}.pt") | torch.load(out / f"more-{rank}.pt") for rank in range(2)]
    return torch.load(out / "single" / "results-0.pt"), two


NAMES = [*CASES, *(f"resumed-{name}" for name in CASES)]


@pytest.mark.parametrize("name", NAMES)
def test_both_processes_end_with_equal_weights(results, name):
    _, (first, second) = results
    assert all(torch.equal(tensor, second[name][1][key]) for key, tensor in first[name][1].items())


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_give_the_losses_of_one(results, name):
    one, two = results
    mean = (torch.tensor(two[0][name][0]) + torch.tensor(two[1][name][0])) / 2
    assert len(mean) == (5 if name.startswith("resumed") else 10)
    torch.testing.assert_close(mean, torch.tensor(one[name][0]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_give_the_weights_of_one(results, name):
    one, two = results
    assert one[name][1].keys() == two[0][name][1].keys()
    for key, tensor in one[name][1].items():
        torch.testing.assert_close(two[0][name][1][key], tensor, rtol=0, atol=1e-6)


def test_processes_see_different_halves_of_the_batches(results):
    _, (first, second) = results
    assert first["line"][0] != second["line"][0]


def test_a_run_of_one_process_goes_on_with_two(results):
    one, two = results
    for key, tensor in one["line"][1].items():
        torch.testing.assert_close(two[1]["grown"][1][key], tensor, rtol=0, atol=1e-6)


def test_processes_with_their_own_environments_end_with_equal_weights_and_normalisers(results):
    _, (first, second) = results
    # of eight bouts four have both sides learning; each counts what it sees, and that in the mirror
    for name, learners in (("locomotion", 4), ("sumo", 2 * 12)):
        (losses, weights), (others, same_weights) = first[name], second[name]
        assert losses != others, "each has lived through something else"
        assert weights["policy.normaliser.count"] == 10 * learners * 32, "and they have learnt from all of it"
        assert all(torch.equal(tensor, same_weights[key]) for key, tensor in weights.items())


def test_processes_share_out_the_games_of_self_play_and_learn_the_same(results):
    """But for the moments of batch normalisation, which each process has of its own games, and the first one's are kept."""
    _, (first, second) = results
    (losses, weights), (others, same_weights) = first["alphazero"], second["alphazero"]
    assert losses != others, "each has learnt from games of its own"
    learnt = [key for key in weights if "running_" not in key and "num_batches" not in key]
    assert len(learnt) > 10 and all(torch.equal(weights[key], same_weights[key]) for key in learnt)
    positions = [result["positions"] for result in (first, second)]
    assert [len(states) for states in positions] == [4, 4], "of eight games"
    assert not torch.equal(*positions)


def test_a_step_that_bypasses_the_trainer_is_found_out(results):
    _, two = results
    assert all("weights differ" in result["broken"] for result in two)
