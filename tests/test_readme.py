"""The README's commands and Python lines run as they are printed, in order, with the inputs that they name."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from potmeter.data.fetching.fetch import cache_folder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```$", README, re.M | re.S)
SHELL = [line.partition(" #")[0].strip() for kind, block in BLOCKS if kind == "console" for line in block.splitlines()]
ELSEWHERE = {
    "make tour": "it sets everything up, minutes of it; .ci/run and tests/tour try what it does",
    "make test": "it would run these tests",
    "source .venv/bin/activate": "the tests run in an environment that is active",
    "potmeter gallery": "it serves until it is stopped; the Python lines below talk to one",
}
"""Lines that are not run here, and why."""
COMMANDS = [line for line in SHELL if line and line not in ELSEWHERE]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
BRIEF = "--budget 8s"
"""In place of the printed budgets: what is tried is that the commands work, not what they learn in hours."""


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """A folder that holds what the README says is there, and a new user's environment, with ``potmeter`` on the PATH."""
    folder, home = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "examples", folder / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told = {"PATH": path, "EDITOR": "true", "PYTHONWARNINGS": "default", "HOME": str(home)}
    return folder, {**os.environ, "POTMETER_CACHE": str(cache_folder()), **told}  # packages are not fetched anew


def test_every_kind_of_line_is_tried():
    assert len(COMMANDS) > 20 and len(PYTHON) == 2
    assert all(line.startswith(("potmeter ", "$EDITOR ")) for line in COMMANDS)
    assert ELSEWHERE.keys() <= {*SHELL}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_as_printed(command, newcomer):
    folder, environment = newcomer
    brief = re.sub(r"--budget \w+", BRIEF, command)
    done = subprocess.run(brief, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    for name in re.findall(r"--out (\S+)", command):
        assert (folder / name).stat().st_size > 0


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.xdist_group("readme")
def test_the_python_lines_work_as_printed(newcomer):
    folder, environment = newcomer
    done = subprocess.run(
        [sys.executable, "-c", PYTHON[0]], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Egyptian cat" in done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("readme")
def test_the_gallery_answers_the_python_lines_as_printed(newcomer):
    folder, environment = newcomer
    pytest.importorskip("gradio_client")
    command = ["potmeter", "gallery", "--port", "0", "--no-browser"]  # the printed port may be taken here
    gallery = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = re.search(r"http://\S+:(\d+)/", gallery.stdout.readline())
        lines = PYTHON[1].replace(":7860/", f":{address[1]}/") + "print(values)\n"
        done = subprocess.run(
            [sys.executable, "-c", lines], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "3" in done.stdout
    finally:
        gallery.send_signal(signal.SIGINT)
        started = time.monotonic()
        gallery.wait(timeout=60)
        gallery.stdout.close()
        assert time.monotonic() - started < 60
