"""Every system of the catalogue, and those of ``fixtures``, each trained once in its tiny preset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from fixtures.agent import Corridor
from fixtures.gan import Ring
from fixtures.line import Line
from potmeter import registry
from potmeter.core.system import System
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import TINY_STEPS, Options
from potmeter.data.splits import Splits

FIXTURES = {owner.name: owner for owner in (Line, Ring, Corridor)}
SYSTEMS = [*FIXTURES, *(entry.name for entry in registry.built_in_entries() if entry.kind == "system")]
STEPS = {"captioner": 800, "stackgan": 800, "corridor": 150, "ring": 600, "locomotion": 120, "sumo": 160}
"""Steps in which the tiny preset must learn, where TINY_STEPS are not right."""


@dataclass(frozen=True)
class Trained:
    """A tiny system with its data."""

    name: str
    owner: type[System]
    config: Any
    splits: Splits
    system: System
    folder: Path
    """Its weights folder."""


def owner_of(name: str) -> type[System]:
    """The class of a system of the catalogue or of ``fixtures``."""
    return FIXTURES.get(name) or registry.entries()[name].load()


def entry_of(name: str) -> registry.Entry:
    """What the catalogue knows of a system, or would know of one of ``fixtures``."""
    if name in registry.entries():
        return registry.entries()[name]
    folder, goal = Path(__file__).parents[1] / "fixtures", FIXTURES[name].goal
    return registry.Entry(
        name=name, section="basics", slide=0, summary="", target="", source=folder, metrics={goal.metric: goal.better}
    )


def tiny(name: str) -> tuple[type[System], Any, Splits]:
    """Class, Config and data of a tiny preset, as ``potmeter train NAME --preset tiny`` puts them together."""
    owner = owner_of(name)
    splits = owner.data(owner.presets["tiny"])
    return owner, owner.fit_config(owner.presets["tiny"], splits), splits


@pytest.fixture(scope="session")
def trained_once(request, tmp_path_factory):
    """Trains each system at its first use."""
    known: dict[str, Trained] = {}

    def get(name: str) -> Trained:
        if name not in known:
            note_training(request.config, tmp_path_factory.getbasetemp().parent / f"trained-{name}")
            owner, config, splits = tiny(name)
            out = tmp_path_factory.mktemp(name)
            steps = STEPS.get(name, TINY_STEPS)
            options = Options(steps=steps, eval_every=steps // 4, out=out, device="cpu")
            folder = Trainer(build_system(owner, config, 0), splits, options, quiet=True).fit()
            known[name] = Trained(
                name, owner, config, splits, owner.from_pretrained(folder).requires_grad_(False), folder
            )
        return known[name]

    return get


def note_training(config: pytest.Config, mark: Path) -> None:
    """Under ``--dist loadgroup``, fail where another worker has trained the same system."""
    if not config.getoption("loadgroup", False):
        return
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        pytest.fail(f"{mark.name} in two workers: its tests must share one xdist_group")


@pytest.fixture
def trained(request, trained_once) -> Trained:
    """The system that the test is parametrised with; it starts from the same random state each time."""
    torch.manual_seed(0)
    return trained_once(request.param)


def for_systems(*capabilities: str, names: list[str] = SYSTEMS):
    """Parametrise a test over the systems, or over those that the catalogue gives all these capabilities."""
    if capabilities:
        names = [
            e.name
            for e in registry.built_in_entries()
            if e.kind == "system" and set(capabilities) <= set(e.capabilities)
        ]
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("trained", marked, indirect=True, ids=names)
