"""Make what the package ships, by the recipes in each ``system.json``: weights, a probe's patches and vectors.

Weights are trained, stored in float16 or int8, measured on the test set, and get a card; what a probe ships is made by
``ship_PROBE.py``.

python tools/ship.py                      all of it, hours on two cores
python tools/ship.py vae.plane            one of them
python tools/ship.py vae.plane --runs R   continue, or only measure, the training run in R/vae.plane
"""

from __future__ import annotations

import argparse
import importlib
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from origins import list_origins
from potmeter import registry
from potmeter.cli import execute
from potmeter.core.evaluation import summarise
from potmeter.core.loading import load
from potmeter.core.weights import write_json
from potmeter.data.splits import take_evenly


def train(name: str, runs: Path) -> tuple[str, dict[str, Any]]:
    """Train (or continue) by a recipe, the last of its trainings in a folder of that name.

    Returns:
        The commands, and what the last training tells of itself, with the steps and seconds of all.
    """
    system_name, _, tag = name.partition(".")
    stages = registry.entries()[system_name].weights[tag].recipe
    commands, told, before = [], [], ""
    for number, flags in enumerate(stages, 1):
        command = f"train {system_name} {flags}" + (f" --from {{runs}}/{before}" if before else "")
        before = name if number == len(stages) else f"{name}-{number}"
        if execute(shlex.split(f"{command} --out {{runs}}/{before} --resume".format(runs=runs))):
            raise SystemExit(f"{name}: training failed")
        commands.append("potmeter " + command.format(runs="runs"))
        told.append(load(system_name, runs / before).card["training"])
    return "; ".join(commands), told[-1] | {key: sum(each[key] for each in told) for key in ("steps", "seconds")}


def command_of(folder: Path, command: str, training: dict[str, Any]) -> str:
    """The command for the card in a folder of weights.

    Where these are of the same training, its card's: somebody may have resumed it with other flags than the recipe has.
    """
    path = folder / "card.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return str(known["command"]) if known.get("training") == training else command


def ship(name: str, runs: Path, count: int | None) -> None:
    """Train (or continue) one recipe and put its weights, measured on ``count`` test samples or all, into the package."""
    system_name, _, tag = name.partition(".")
    command, training = train(name, runs)
    folder = registry.WEIGHTS / name
    trained = load(system_name, runs / name)
    trained.card = {
        "command": command_of(folder, command, training),
        "training": training,
        "data": list_origins(registry.entries()[system_name].weights[tag]),
    }
    trained.save_pretrained(folder, dtype=registry.entries()[system_name].weights[tag].dtype)

    system = load(system_name, folder)  # from here on: what users get
    splits = system.data(system.config)
    if count is not None:
        splits = replace(splits, test=take_evenly(splits.test, count))
    with torch.no_grad():
        metrics, errors = summarise(system.evaluate(splits.test))
    baselines = system.baselines(splits)
    measured = {"metrics": metrics, "errors": errors, "baselines": baselines, "samples": len(splits.test)}
    write_json(folder / "card.json", system.card | measured)
    print(name, metrics, baselines)


def list_shipped() -> list[str]:
    """Everything that the package ships, as ``NAME.TAG``: the weights that are not fetched, and what probes made."""
    known = registry.built_in_entries()
    weights = [f"{entry.name}.{tag}" for entry in known for tag, facts in entry.weights.items() if not facts.fetched]
    return weights + [f"{entry.name}.{tag}" for entry in known for tag in entry.artefacts]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME.TAG", help=", ".join(list_shipped()))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--count", type=int, help="measure on this many test samples, spread evenly")
    options = parser.parse_args()
    for name in options.names:
        name in list_shipped() or parser.error(f"{name} is not shipped")
    for name in options.names or list_shipped():
        owner, _, tag = name.partition(".")
        if registry.entries()[owner].kind == "probe":
            importlib.import_module(f"ship_{owner}").ship(tag, options.runs)
        else:
            ship(name, options.runs, options.count)


if __name__ == "__main__":
    main()
