"""A catalogue of fake stops, in place of the real one."""

import importlib
import json
from pathlib import Path

import pytest

from potmeter import registry
from potmeter.cli import execute
from potmeter.registry import Entry, Weights


@pytest.fixture
def fakes():
    """The module with the fake systems, importable by its name."""
    return importlib.import_module("tour.fake_stops")


@pytest.fixture
def catalogue(monkeypatch, tmp_path, fakes):
    """Put fake entries into the catalogue: ``catalogue(entry("seer", 11), …)``. Nothing can be fetched."""
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))

    def use(*entries: Entry) -> None:
        monkeypatch.setattr(registry, "entries", lambda: {entry.name: entry for entry in entries})

    return use


def entry(name: str, slide: int, *weights: str, **changes) -> Entry:
    facts = {
        "section": "vision",
        "summary": f"What {name} does",
        "target": f"fake_stops:{name.title()}",
        "weights": {tag: Weights() for tag in weights},
        "source": Path(__file__).parent,
        "package": "tour",
    }
    return Entry(name=name, slide=slide, **facts | changes)


def run(out: Path, *flags: str) -> int:
    """The exit code of ``potmeter tour``, as a shell sees it."""
    try:
        return execute(["tour", "--out", str(out), *flags])
    except SystemExit as stop:
        return int(stop.code or 0)


def recorded(out: Path) -> list[dict]:
    return json.loads((out / "tour.json").read_text())


def page(out: Path) -> str:
    return (out / "index.html").read_text()
