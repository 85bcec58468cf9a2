"""Make the shipped patches: train by the recipes below, measure on photos that were not trained on, write the card.

python tools/ship_patch.py                       both, about ten minutes of one core each
python tools/ship_patch.py patch.crab --runs R   continue, or only measure, the run in R/patch.crab
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from potmeter import registry
from potmeter.core.loading import load
from potmeter.data.fetching.packages import PACKAGES
from potmeter.data.samples import sample
from potmeter.probes.patch import measure
from potmeter.probes.patch.artefact import Made, card
from potmeter.probes.patch.artefact import load as load_patch
from potmeter.probes.patch.fusion import fused
from potmeter.probes.patch.trials import JUDGED, PLACEMENTS
from potmeter.probes.second_network import second_network

RECIPES: dict[str, dict[str, Any]] = {
    "patch.toaster": {"steps": 1100},
    "patch.crab": {"steps": 400, "disguise": "crab", "strength": 0.15},
}
"""What ``potmeter run patch:make`` is given; a disguise is one of ``potmeter.data.samples``."""
PACKAGES_USED = ("gcompris", "mobilenet")


def train(probe: Any, inputs: dict[str, Any], folder: Path) -> Made:
    """The trained patch; each stage of it is saved, so that a run that is cut off goes on from there."""
    done = 0
    if (folder / "patch.png").is_file():
        begun = load_patch(str(folder))
        done = begun.card.facts["recipe"]["steps"]
        inputs = inputs | {"start": begun.patch, "steps": inputs["steps"] - done}
    if inputs["steps"] > 0:
        for made in probe.make(**inputs):
            facts = made.card.facts
            if done:
                facts["recipe"] |= {"steps": done + facts["recipe"]["steps"], "continued_after": done}
            made.patch.save(folder / "patch.png")
            card(facts).save(folder / "card.json")
            print(facts["recipe"], flush=True)
    return load_patch(str(folder))


def ship(name: str, probe: Any, runs: Path) -> None:
    """Train (or continue) one recipe and put its patch, measured, into the package."""
    recipe = RECIPES[name]
    inputs = recipe | ({"disguise": sample(recipe["disguise"])} if "disguise" in recipe else {})
    made = train(probe, inputs, runs / name)
    number, model = probe.class_number(made.target), fused(probe.model)
    metrics = measure.measured(model, made.pixels, number)
    transferred = measure.measured(second_network(), made.pixels, number, (0.25,))
    plain = probe.controls
    flags = "".join(f" --{key} {value}{'.png' if key == 'disguise' else ''}" for key, value in recipe.items())
    facts = {
        "command": f"potmeter run patch:make{flags}",
        **made.card.facts,
        "data": [asdict(PACKAGES[tag]) for tag in PACKAGES_USED],
        "metrics": metrics | {"transfer_success_25": transferred["success_25"]},
        "baselines": {"control_success_25": measure.best(plain), "no_patch_success_25": plain["none"]},
        "controls": plain,
        "samples": len(JUDGED) * PLACEMENTS,
    }
    made.patch.save(registry.WEIGHTS / name / "patch.png")
    card(facts).save(registry.WEIGHTS / name / "card.json")
    print(name, facts["metrics"], plain)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="patch.TAG", help=", ".join(RECIPES))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    probe = load("patch")  # one for all, since it measures the control pictures once
    for name in options.names or RECIPES:
        ship(name, probe, options.runs)


if __name__ == "__main__":
    main()
