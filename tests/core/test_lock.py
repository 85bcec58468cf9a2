"""Two trainings never share a folder, and one that was killed holds none."""

import json
import os
import socket
import subprocess
import sys

import pytest

from fixtures.line import Line
from potmeter.core.training.lock import HOLDER, LOCK, lock_run
from potmeter.errors import UserError

from .helpers import lines, stop_after, trainer

TINY = Line.presets["tiny"]


def test_a_folder_in_use_is_refused_and_who_uses_it_is_named(tmp_path):
    run = tmp_path / "run"
    stop_after(2, trainer(Line, TINY, run, steps=4, eval_every=2))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with lock_run(run):
        says = f"is in use: process {os.getpid()} on {socket.gethostname()} has been training there since 20.*--out"
        for resume, told in ((True, says), (False, "holds a run: --resume continues it, --out names another")):
            with pytest.raises(UserError, match=told):
                trainer(Line, TINY, run, steps=4, resume=resume).fit()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    trainer(Line, TINY, run, steps=4, eval_every=2, resume=True).fit()
    assert [row["step"] for row in lines(run) if "valid_mse" in row] == [2, 4]


def test_a_lock_whose_holder_is_gone_does_not_block(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    code = f"""
import os
from pathlib import Path
from potmeter.core.training.lock import lock_run
with lock_run(Path({str(run)!r})):
    os._exit(9)  # as if killed: nothing is tidied up
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 9
    assert (run / LOCK).is_file() and json.loads((run / HOLDER).read_text())["process"] != os.getpid()
    trainer(Line, TINY, run, steps=2).fit()
    assert not (run / LOCK).exists() and not (run / HOLDER).exists()


def test_a_folder_in_which_nothing_was_left_is_removed_and_a_users_own_stays(tmp_path):
    with lock_run(tmp_path / "new"):
        assert (tmp_path / "new" / LOCK).is_file()
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    with lock_run(tmp_path / "mine"):
        pass
    assert not list((tmp_path / "mine").iterdir())


def test_a_holder_that_cannot_be_read_is_still_a_holder(tmp_path):
    with lock_run(tmp_path / "run"):
        (tmp_path / "run" / HOLDER).write_text("{")
        with pytest.raises(UserError, match="is in use: another training is at work there"), lock_run(tmp_path / "run"):
            pass
