"""Make the shipped attribute vectors, of ``vae.faces`` and the faces it was trained on: seconds. See ``ship.py``."""

from __future__ import annotations

from pathlib import Path

import torch

from potmeter import registry
from potmeter.core.loading import load

ATTRIBUTES = ("smiling", "glasses", "bearded", "feminine styling", "fair skin", "black hair", "blond hair", "red hair")
"""Those that get a vector."""
PLANTED = ("smiling", "feminine styling")
"""The attribute that gets a biased and a balanced vector, and the one that is made to correlate with it."""


def ship(tag: str, runs: Path) -> None:
    """Write a file for each attribute; nothing is trained, so ``runs`` stays empty."""
    library = load("latents", f"vae.{tag}").library()
    folder = registry.WEIGHTS / f"latents.{tag}"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    with torch.no_grad():
        made = [library.make_vector(attribute) for attribute in ATTRIBUTES]
        made += library.planted_pair(*PLANTED)
    for vector in made:
        path = folder / f"{vector.attribute.replace(' ', '-')}.json"
        path.write_text(vector.text(), "utf-8")
        path.chmod(0o644)
        print(path.name, vector.count)
