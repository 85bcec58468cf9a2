"""CONTRIBUTING's system runs as printed: in a folder of one's own, in the package, in a package of somebody else's."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from potmeter import registry
from potmeter.core.demo import Knobs

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./]+\.\w+)`\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
"""The printed files by their printed names."""
COMMANDS = re.search(r"^```console\n(potmeter .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1].splitlines()
DRIVER = """
import contextlib, io, json, sys
from potmeter.cli import execute
for argv in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute(argv)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
"""Runs several command lines in one process, since each would import torch anew."""


def python(*argv: str, path: Path | str, cwd: Path) -> str:
    """The standard output of a Python process that finds packages in ``path`` first."""
    inherited = os.environ.get("PYTHONPATH", "")
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{inherited}"}
    command = [sys.executable, *argv]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def execute_all(*lines: str, path: Path | str, cwd: Path) -> list[list]:
    """Exit code, standard output and standard error of each command line."""
    argv = json.dumps([line.split()[1:] for line in lines])
    return [json.loads(line) for line in python("-c", DRIVER, argv, path=path, cwd=cwd).splitlines()]


@pytest.fixture
def printed(tmp_path) -> Path:
    """A folder with the printed files."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The folder of a copy of the package to which one folder was added, whose weights ``tools/ship.py`` has made."""
    folder = tmp_path_factory.mktemp("added")
    ours = folder / "site" / "potmeter"
    shutil.copytree(registry.ROOT, ours, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    (ours / "weights").mkdir()
    for weights in registry.WEIGHTS.iterdir():
        (ours / "weights" / weights.name).symlink_to(weights, target_is_directory=True)
    for name, text in FILES.items():
        if name.startswith("doubler/"):
            path = ours / "systems" / "basics" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    python(str(REPOSITORY / "tools" / "ship.py"), "doubler.plain", path=ours.parent, cwd=folder)
    return folder


def test_the_page_prints_a_system_its_package_and_a_demo():
    assert FILES.keys() == {
        "doubler/__init__.py", "doubler/system.json", "doubler/system.py", "pyproject.toml", "doubler/demo.py"
    }  # fmt: skip
    assert [line.split()[:3] for line in COMMANDS] == [
        ["potmeter", verb, "./doubler"] for verb in ("train", "eval", "run")
    ]


def test_the_printed_commands_work_in_the_folder_that_holds_it(printed):
    codes, outputs, errors = zip(*execute_all(*COMMANDS, path="", cwd=printed), strict=True)
    assert codes == (0, 0, 0), errors
    assert abs(float(outputs[-1].split()[0]) - 8) < 0.5, "the double of four"


def test_the_printed_demo_turns_its_knobs(printed):
    entry = registry.read_entry(printed / "doubler")
    knobs = entry.import_module("demo").demo(None)
    assert isinstance(knobs, Knobs) and knobs.check(knobs.start) == knobs.start
    assert knobs.show(knobs.start).text == "3 becomes 3.00"
    values, shown = [*knobs.actions["Train"](knobs.start)][-1]
    assert values == pytest.approx((2, 0), abs=0.1) and shown.text.startswith(("3 becomes 6.0", "3 becomes 5.9"))


@pytest.mark.slow
def test_the_printed_package_brings_its_system_along(printed):
    site = printed / "site"
    flags = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(site)]
    python("-m", "pip", "install", *flags, str(printed), path="", cwd=printed)
    shutil.rmtree(printed / "doubler")
    verbs = (
        "potmeter list --json",
        "potmeter train doubler --preset tiny --steps 20",
        "potmeter run doubler 4 --weights runs/doubler",
    )
    (_, listed, _), trained, ran = execute_all(*verbs, path=site, cwd=printed)
    assert "doubler" in [system["name"] for system in json.loads(listed)["systems"]]
    assert (trained[0], ran[0]) == (0, 0), trained[2] + ran[2]


@pytest.mark.slow
@pytest.mark.xdist_group("contributing")
def test_every_verb_and_the_tour_know_a_folder_that_was_added(copy):
    lines = [
        "potmeter list --json",
        "potmeter show doubler --json",
        "potmeter run doubler 4",
        "potmeter eval doubler --json",
        "potmeter train doubler --preset tiny --steps 20 --out runs/mine",
        "potmeter eject doubler mine",
        "potmeter run ./mine 4 --weights runs/mine",
        "potmeter tour --only doubler --out tour --json",
        "potmeter bench doubler",
        "potmeter export doubler",
    ]
    done = execute_all(*lines, path=copy / "site", cwd=copy)
    listed, shown, ran, measured, *_, toured, benched, exported = done
    assert [code for code, _, _ in done] == [0] * 8 + [2] * 2, [error for _, _, error in done]
    row = next(system for system in json.loads(listed[1])["systems"] if system["name"] == "doubler")
    assert (row["section"], row["slide"], row["weights"]) == ("basics", 10, ["plain"])
    assert json.loads(shown[1])["methods"]["run"]["doc"].startswith("Double a number.")
    assert json.loads(shown[1])["weights"]["plain"]["metrics"].keys() == {"mse"}
    assert abs(float(ran[1].split()[0]) - 8) < 0.5
    report = json.loads(measured[1])
    assert report["metrics"]["mse"] < report["baselines"]["nearest_mse"]
    (stop,) = json.loads(toured[1])["stops"]
    assert stop["ok"] and stop["system"] == "doubler.plain" and len(stop["outputs"]) == 2
    assert "doubler has no bench.py. Received: doubler" in benched[2]
    assert "doubler has no fixed graph that could be exported. Received: doubler" in exported[2]


@pytest.mark.slow
@pytest.mark.xdist_group("contributing")
def test_the_gallery_shows_a_folder_that_was_added(copy):
    program = "from potmeter.gallery.index import render_index; print(render_index())"
    page = python("-c", program, path=copy / "site", cwd=copy)
    assert 'href="doubler/"' in page and "A number in, its double out" in page


@pytest.mark.slow
@pytest.mark.xdist_group("contributing")
def test_the_contract_suite_tests_a_folder_that_was_added(copy):
    argv = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "doubler")
    told = python(*argv, path=copy / "site", cwd=REPOSITORY)
    passed = int(re.search(r"(\d+) passed", told)[1])
    assert passed > 10 and "failed" not in told
