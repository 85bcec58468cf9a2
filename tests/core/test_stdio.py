"""Readers that go, terminals that close, encodings that lack a character: none of them costs a training or a result."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from potmeter.core import runs
from potmeter.core.stdio import UnbreakableStream, harden_streams

TRAIN = [sys.executable, "-m", "potmeter", "train", "vae", "--preset", "tiny", "--device", "cpu"]


def start(words, tmp_path, **more):
    """A command in a folder of its own."""
    environment = dict(os.environ, OMP_NUM_THREADS="1") | more.pop("env", {})
    return subprocess.Popen([*map(str, words)], cwd=tmp_path, env=environment, **more)


def wait_for_metrics(run):
    """Until the first steps are done."""
    deadline = time.monotonic() + 120
    while not (run / "metrics.jsonl").is_file() or not (run / "metrics.jsonl").stat().st_size:
        assert time.monotonic() < deadline, "nothing was trained"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_log_reader_that_goes_away_does_not_end_a_training(tmp_path):
    training = start([*TRAIN, "--steps", 60, "--eval-every", 5, "--out", "run"], tmp_path,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    training.stdout.readline()
    training.stdout.close()  # `2>&1 | head -1`
    assert training.wait(timeout=300) == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[-1]["step"] == 60
    assert runs.list_checkpoints(tmp_path / "run")[0].name == "step-00000060"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal here")
def test_the_end_of_the_terminal_saves_as_ctrl_c_does(tmp_path):
    training = start([*TRAIN, "--steps", 10**6, "--out", "run"], tmp_path, stderr=subprocess.PIPE)
    wait_for_metrics(tmp_path / "run")
    training.send_signal(signal.SIGHUP)
    training.send_signal(signal.SIGHUP)  # from the kernel and from the shell
    _, errors = training.communicate(timeout=120)
    assert training.returncode == 130 and b"interrupted" in errors and b"Traceback" not in errors
    assert len(runs.list_checkpoints(tmp_path / "run")) == 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal here")
def test_nohup_outlives_the_terminal(tmp_path):
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    training = start([*TRAIN, "--budget", "4s", "--out", "run"], tmp_path, stderr=subprocess.PIPE, preexec_fn=ignore)
    wait_for_metrics(tmp_path / "run")
    training.send_signal(signal.SIGHUP)
    training.communicate(timeout=120)
    assert training.returncode == 0


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "iso-8859-1"])
def test_characters_that_the_output_lacks_are_replaced(tmp_path, encoding):
    shown = start([sys.executable, "-m", "potmeter", "show", "vae"], tmp_path,
                  env={"PYTHONIOENCODING": encoding}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    output, errors = shown.communicate(timeout=60)
    assert shown.returncode == 0 and not errors and "potmeter run vae" in output.decode(encoding)


@pytest.mark.slow
def test_a_training_under_a_latin_locale_is_read_everywhere(tmp_path):
    """Files are UTF-8 whatever the locale says; where that one is not installed it is C, and text ASCII."""
    latin = {"LC_ALL": "ISO-8859-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [*TRAIN, "--steps", 2, "--out", "Läufe"]
    for command in (words, [sys.executable, "-m", "potmeter", "eval", "vae", "--weights", "Läufe", "--json"]):
        done = start(command, tmp_path, env=latin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = done.communicate(timeout=300)
        assert done.returncode == 0, errors.decode("utf-8", "replace")
    assert json.loads(output)["metrics"]


class Gone(io.StringIO):
    """A stream without a reader."""

    def write(self, text):
        raise BrokenPipeError


def test_a_broken_stream_swallows_what_it_is_given():
    stream = UnbreakableStream(Gone())
    assert stream.write("lost") == 4 and stream.flush() is None and stream.getvalue() == ""


def test_streams_are_as_before_after_a_command():
    before = sys.stdout, sys.stderr
    with harden_streams():
        assert sys.stderr is not before[1] and sys.stderr.encoding == before[1].encoding
    assert (sys.stdout, sys.stderr) == before
