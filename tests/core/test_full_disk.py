"""A full disk is the user's to mend: told in one line, and the last good checkpoint stays good."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from fixtures.line import Line
from potmeter.core import runs
from potmeter.core.training import checkpoints
from potmeter.errors import UserError

from .helpers import trainer

WIDE = Line.Config(width=300)
"""About 1 MB with the optimiser's state."""


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True).returncode
    ):
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_told_and_the_last_checkpoint_stays(small_disk):
    run = small_disk / "run"
    with pytest.raises(
        UserError, match=r"step \d+ cannot be written.*the last good checkpoint: step-0.*Received: [01] MiB free"
    ):
        trainer(Line, WIDE, run, steps=40, eval_every=2).fit()
    assert not list(run.glob(".writing-*"))
    folder, _, _ = checkpoints.read_newest(run, torch.device("cpu"))
    assert folder == runs.list_checkpoints(run)[0] and Line.from_pretrained(folder).config == WIDE


def test_after_making_room_the_run_goes_on(small_disk):
    run, ballast = small_disk / "run", small_disk / "ballast"
    config = Line.presets["tiny"]
    ready = trainer(Line, config, run, steps=20, eval_every=2)
    step = ready.system.step

    def filling(batch, t):
        if t.step == 6:
            fill(ballast)
        return step(batch, t)

    ready.system.step = filling
    with pytest.raises(UserError, match="cannot be written"):
        ready.fit()
    ballast.unlink()
    again = trainer(Line, config, run, steps=20, eval_every=2, resume=True)
    again.fit()
    assert again.step == 20


def fill(path: Path) -> None:
    """Write to a file until nothing more fits."""
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while file.write(bytes(1024)):
            pass


PROGRAM = """
import resource, signal, sys
import torch
from fixtures.line import Line
from core.helpers import trainer
from core.test_full_disk import WIDE
from pathlib import Path
torch.set_num_threads(1)
ready = trainer(Line, WIDE, Path(sys.argv[1]), steps=8, eval_every=2)
step = ready.system.step
def limited(batch, t):
    if t.step == 5:  # from here on no file may grow beyond 64 KiB
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
    return step(batch, t)
ready.system.step = limited
try:
    ready.fit()
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_file_that_cannot_grow_is_told_and_the_last_checkpoint_stays(tmp_path):
    run, tests = tmp_path / "run", Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(run)],
        env=os.environ | {"PYTHONPATH": str(tests)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.startswith("UserError The checkpoint of step 6 cannot be written"), done.stderr
    assert "the last good checkpoint: step-00000004" in done.stdout and "Received:" in done.stdout
    assert not list(run.glob(".writing-*"))
    assert checkpoints.read_newest(run, torch.device("cpu"))[0].name == "step-00000004"
    assert Line.from_pretrained(run).config == WIDE
