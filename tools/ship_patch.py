"""Make the shipped patches: train, measure on photos that were not trained on, write the card. See ``ship.py``.

A patch takes about ten minutes of one core.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from origins import list_origins
from potmeter import registry
from potmeter.core.capabilities import class_index
from potmeter.core.loading import load
from potmeter.core.signature import parameters
from potmeter.data.samples import sample
from potmeter.presentation.arguments import parse
from potmeter.probes.fusion import fuse_batch_norms
from potmeter.probes.patch import measure
from potmeter.probes.patch.artefact import PatchArtefact, load_patch, make_card
from potmeter.probes.patch.trials import PLACEMENTS, TEST_PHOTOS
from potmeter.probes.second_network import second_network


def inputs_of(probe: Any, flags: str) -> dict[str, Any]:
    """What ``patch:make`` is given by the flags of a recipe; a disguise is one of ``potmeter.data.samples``."""
    known = parameters(probe.make)
    values = parse("potmeter run patch:make", known, shlex.split(flags))
    values = {p.name: values[p.name] for p in known if values[p.name] != p.default}
    return values | ({"disguise": sample(Path(values["disguise"]).stem)} if "disguise" in values else {})


def train(probe: Any, inputs: dict[str, Any], folder: Path) -> PatchArtefact:
    """The trained patch; each stage of it is saved, so that a run that is cut off goes on from there."""
    done = 0
    if (folder / "patch.png").is_file():
        begun = load_patch(str(folder))
        done = begun.card.facts["training"]["steps"]
        inputs = inputs | {"start": begun.patch, "steps": inputs["steps"] - done}
    if inputs["steps"] > 0:
        for made in probe.make(**inputs):
            facts = made.card.facts
            if done:
                facts["training"] |= {"steps": done + facts["training"]["steps"], "continued_after": done}
            made.patch.save(folder / "patch.png")
            make_card(facts).save(folder / "card.json")
            print(facts["training"], flush=True)
    return load_patch(str(folder))


def ship(tag: str, runs: Path) -> None:
    """Train (or continue) one recipe and put its patch, measured, into the package."""
    name, probe = f"patch.{tag}", load("patch")
    facts = registry.entries()["patch"].artefacts[tag]
    (flags,) = facts.recipe
    made = train(probe, inputs_of(probe, flags), runs / name)
    number, model = class_index(probe.model.classes, made.target), fuse_batch_norms(probe.model)
    metrics = measure.measure_success(model, made.pixels, number)
    transferred = measure.measure_success(second_network(), made.pixels, number, (0.25,))
    plain = probe.controls
    told = {
        "command": f"potmeter run patch:make {flags}",
        **made.card.facts,
        "data": list_origins(facts),
        "metrics": metrics | {"transfer_success_25": transferred["success_25"]},
        "baselines": {"control_success_25": measure.best_control(plain), "no_patch_success_25": plain["none"]},
        "controls": plain,
        "samples": len(TEST_PHOTOS) * PLACEMENTS,
    }
    made.patch.save(registry.WEIGHTS / name / "patch.png")
    make_card(told).save(registry.WEIGHTS / name / "card.json")
    print(name, told["metrics"], plain)
