"""Make the shipped weights: train by the recipes below, store in float16, measure on the test set, write the card.

python tools/ship.py                      all of them, hours on two cores
python tools/ship.py vae.plane            one of them
python tools/ship.py vae.plane --runs R   continue, or only measure, the training run in R/vae.plane
"""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from potmeter import registry
from potmeter.cli import execute
from potmeter.core.evaluation import summarise
from potmeter.core.loading import load
from potmeter.data.fetching.packages import PACKAGES
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import take_evenly

RECIPES = {
    "gpt2.austen": "--preset lecture --steps 8000 --eval-every 500",
    "blackbox.moons": "--preset moons --steps 3000",
    "blackbox.sine": "--preset sine --steps 3000",
    "classifier.digits": "--preset digits --budget 5m",
    "classifier.fashion": "--preset fashion --budget 570s",
    "classifier.photos4": "--preset lecture --steps 240 --eval-every 40",
    "classifier.faces": "--preset faces --steps 400",
    "classifier.robust": "--preset robust --steps 3000 --eval-every 500",
    "autoencoder.digits": (
        "--preset lecture --budget 44m",
        "--preset lecture --noise 0.15 --lr 1e-3 --muon-lr 0.005 --budget 4m",
    ),
    "vae.digits": "--preset lecture --budget 55m",
    "vae.plane": "--preset plane --budget 7m",
    "vae.faces": "--preset faces --steps 4000",
    "gan.digits": "--preset lecture --steps 10000 --eval-every 1000",
    "stylegan.faces": (
        "--preset lecture --r1 0.3 --r1-every 16 --haze 0 --steps 3640",
        "--preset lecture --steps 12000",
        "--preset lecture --steps 1500",
        "--preset lecture --r1 8 --haze 0.03 --steps 1916",
        "--preset lecture --r1 8 --haze 0.03 --mapping-rate 0.1 --steps 995",
        "--preset lecture --r1 8 --haze 0.01 --mapping-rate 0.1 --steps 4308",
        "--preset lecture --r1 8 --haze 0.01 --mapping-rate 0.1 --lr 1e-3 --steps 3610",
        "--preset lecture --r1 8 --haze 0.01 --mapping-rate 0.1 --lr 3e-4 --steps 3000 --eval-every 1000",
    ),
    "word2vec.english": "--preset lecture --steps 880 --eval-every 1000",
    "translator.plain": "--preset plain --steps 15000 --eval-every 1000",
    "translator.en-hu": "--preset lecture --steps 15000 --eval-every 1000",  # in one go; its card tells the shipped one's
}
"""Flags of ``potmeter train`` for each folder of weights; of several trainings each begins ``--from`` the one before."""

PRETRAINED = {"classifier.photos4": "mobilenet"}
"""The packages of networks that a recipe begins with."""


def train(name: str, runs: Path) -> tuple[str, dict[str, Any]]:
    """Train (or continue) by a recipe, the last of its trainings in a folder of that name.

    Returns:
        The commands, and what the last training tells of itself, with the steps and seconds of all.
    """
    system_name, recipe = name.partition(".")[0], RECIPES[name]
    stages = (recipe,) if isinstance(recipe, str) else recipe
    commands, told, before = [], [], ""
    for number, flags in enumerate(stages, 1):
        command = f"train {system_name} {flags}" + (f" --from {{runs}}/{before}" if before else "")
        before = name if number == len(stages) else f"{name}-{number}"
        if execute(shlex.split(f"{command} --out {{runs}}/{before} --resume".format(runs=runs))):
            raise SystemExit(f"{name}: training failed")
        commands.append("potmeter " + command.format(runs="runs"))
        told.append(load(system_name, runs / before).card["recipe"])
    return "; ".join(commands), told[-1] | {key: sum(each[key] for each in told) for key in ("steps", "seconds")}


def command_of(folder: Path, command: str, recipe: dict[str, Any]) -> str:
    """The command for the card in a folder of weights.

    Where these are of the same training, its card's: somebody may have resumed it with other flags than the recipe has.
    """
    path = folder / "card.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    return str(known["command"]) if known.get("recipe") == recipe else command


def origins(data: str, pretrained: str | None) -> list[dict[str, Any]]:
    """The packages and libraries behind a data set, and behind the network that training began with, for the card."""
    record = DATA_SETS.get(data)
    tags = [*(record.packages if record else ()), *([pretrained] if pretrained else [])]
    libraries = record.libraries.items() if record else ()
    return [asdict(PACKAGES[tag]) for tag in tags] + [
        {"name": library, "version": version(library), "licence": licence} for library, licence in libraries
    ]


def ship(name: str, runs: Path, count: int | None) -> None:
    """Train (or continue) one recipe and put its weights, measured on ``count`` test samples or all, into the package."""
    system_name = name.partition(".")[0]
    command, recipe = train(name, runs)
    folder = registry.WEIGHTS / name
    trained = load(system_name, runs / name)
    trained.card = {
        "command": command_of(folder, command, recipe),
        "recipe": recipe,
        "data": origins(recipe["data"], PRETRAINED.get(name)),
    }
    trained.save_pretrained(folder, half=True)

    system = load(system_name, folder)  # from here on: what users get
    splits = system.data(system.config)
    if count is not None:
        splits = replace(splits, test=take_evenly(splits.test, count))
    with torch.no_grad():
        metrics, errors = summarise(system.evaluate(splits.test))
    baselines = system.baselines(splits)
    measured = {"metrics": metrics, "errors": errors, "baselines": baselines, "samples": len(splits.test)}
    card = json.dumps(system.card | measured, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(card + "\n")
    print(name, metrics, baselines)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME.TAG", help=", ".join(RECIPES))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--count", type=int, help="measure on this many test samples, spread evenly")
    options = parser.parse_args()
    for name in options.names or RECIPES:
        ship(name, options.runs, options.count)


if __name__ == "__main__":
    main()
