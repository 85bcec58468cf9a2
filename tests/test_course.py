"""The lecture's homework, as a student starts it."""

import os
import subprocess
import sys
from pathlib import Path

HOMEWORK = Path(__file__).parents[1] / "course" / "homework.py"


def homework(folder, *flags):
    """Run it with an empty cache and no network."""
    environment = {**os.environ, "POTMETER_CACHE": str(folder / "cache"), "POTMETER_OFFLINE": "1"}
    command = [sys.executable, str(HOMEWORK), *flags]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_without_cifar10_it_says_so_and_goes_on_with_digits(tmp_path):
    done = homework(tmp_path, "--budget", "4s")
    assert done.returncode == 0, done.stderr
    assert "CIFAR-10 is not at" in done.stderr and "handwritten digits instead" in done.stderr
    assert (tmp_path / "image-12.png").is_file() and "the first test image is a" in done.stdout
    assert any((tmp_path / "runs" / "tiny-homework").glob("step-*"))


def test_a_folder_that_is_named_and_lacks_it_is_an_error(tmp_path):
    done = homework(tmp_path, "--data", str(tmp_path))
    assert done.returncode == 1 and done.stderr.startswith("homework: error: CIFAR-10 is not at ")
    assert "--data" in done.stderr and len(done.stderr.splitlines()) == 1
