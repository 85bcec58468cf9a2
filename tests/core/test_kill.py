"""A run that is killed, at whatever moment, goes on from a whole checkpoint."""

import multiprocessing
import os
import random
import signal
import time

import pytest
import torch

from fixtures.line import Line
from potmeter.core import runs
from potmeter.core.training import checkpoints

from .helpers import lines, trainer

ROUNDS = 50
TINY = Line.presets["tiny"]


def train(run):
    """In the child: save after every step, until killed."""
    os.setsid()
    trainer(Line, TINY, run, steps=10**6, eval_every=1, resume=True).fit()


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_killed_run_always_goes_on(tmp_path):
    run, fork = tmp_path / "run", multiprocessing.get_context("fork")  # a fork has torch imported already
    moments, before, caught_writing = random.Random(0), 0, 0
    for _ in range(ROUNDS):
        child = fork.Process(target=train, args=(run,))
        child.start()
        deadline = time.monotonic() + 30
        while newest(run) <= before:
            assert time.monotonic() < deadline and child.is_alive(), "resume did not go on"
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.08))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        caught_writing += bool(list(run.glob(".[bmw]*")))  # of .best.json, .metrics.jsonl, .writing-*
        folder, state, _ = checkpoints.read_newest(run, torch.device("cpu"))
        assert folder == runs.list_checkpoints(run)[0], "every checkpoint under its own name is whole"
        assert Line.from_pretrained(folder).config == TINY
        assert Line.from_pretrained(run).config == TINY, "the best one can be loaded too"
        assert state["progress"]["step"] >= newest(run) > before
        before = newest(run)
    assert caught_writing > 5, "the kills missed the moments that matter"
    trainer(Line, TINY, run, steps=before + 2, eval_every=1, resume=True).fit()
    assert newest(run) == before + 2
    assert [row["step"] for row in lines(run) if "valid_mse" in row] == list(range(1, before + 3))
    assert len(runs.list_checkpoints(run)) <= checkpoints.NUM_KEPT + 1
    assert not [path.name for path in run.iterdir() if path.name[0] == "." or path.name[-1] == "~"]


def newest(run) -> int:
    """The step of the newest checkpoint."""
    return max((int(path.name[5:].rstrip("~")) for path in runs.list_checkpoints(run)), default=0)
