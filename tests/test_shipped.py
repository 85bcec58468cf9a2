"""What is shipped stays small, and what the README and LICENSES.md say of it is what the cards and catalogue say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from potmeter import registry

REPOSITORY = Path(__file__).parents[1]
LIMIT, OF_ALL = 4.0, 95.0
"""Megabytes of one folder of weights, and of all: the wheel stays below the 100 MB that a package index takes."""
LARGER = {"tacotron2.flite": 8.0}
"""Those that are allowed more, because the method has no smaller form."""


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


@pytest.mark.parametrize("folder", sorted(registry.WEIGHTS.iterdir()), ids=lambda folder: folder.name)
def test_weights_stay_small(folder):
    assert megabytes(folder) <= LARGER.get(folder.name, LIMIT)


def test_all_weights_together_fit_into_a_wheel():
    assert megabytes(registry.WEIGHTS) <= OF_ALL


def test_the_readme_s_figures_are_those_of_the_cards():
    tool = [sys.executable, str(REPOSITORY / "tools" / "readme.py"), "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_licences_of_weights_are_listed():
    listed = {}
    for line in (REPOSITORY / "LICENSES.md").read_text(encoding="utf-8").splitlines():
        names = re.findall(r"`([\w.-]+\.[\w-]+)`", line.split("|")[1] if line.startswith("| `") else "")
        listed |= {name: set(line.split("|")[3].strip().split("; ")) for name in names}
    known = {}
    for entry in registry.built_in_entries():
        for tag, facts in (entry.weights | entry.artefacts).items():
            if not facts.fetched and facts.licence != "MIT":
                known[f"{entry.name}.{tag}"] = set(facts.licence.split(" AND "))
    assert listed == known


def test_a_card_names_every_source_of_its_data(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "tools"))
    from origins import list_origins

    for entry in registry.built_in_entries():
        for tag, facts in (entry.weights | entry.artefacts).items():
            path = registry.WEIGHTS / f"{entry.name}.{tag}" / "card.json"
            if path.is_file():
                named = [source["name"] for source in json.loads(path.read_text(encoding="utf-8")).get("data", [])]
                assert named == [source["name"] for source in list_origins(facts)], f"{entry.name}.{tag}"


def test_every_figure_of_a_card_is_declared():
    for entry in registry.built_in_entries():
        for tag in entry.weights | entry.artefacts:
            path = registry.WEIGHTS / f"{entry.name}.{tag}" / "card.json"
            metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"] if path.is_file() else {}
            assert not [metric for metric in metrics if entry.better(metric) is None], f"{entry.name}.{tag}"


@pytest.mark.parametrize(
    "entry", [e for e in registry.built_in_entries() if e.kind == "system"], ids=lambda entry: entry.name
)
def test_recipes_name_flags_that_there_are(entry):
    from potmeter.core.config import config_parameters
    from potmeter.core.training.options import Options

    fields = {*config_parameters(entry.load().Config), *config_parameters(Options), "preset"}
    for facts in entry.weights.values():
        flags = re.findall(r"--([\w-]+)", " ".join(facts.recipe))
        assert {flag.replace("-", "_") for flag in flags} <= fields
