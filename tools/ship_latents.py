"""Make the shipped attribute vectors, of ``vae.faces`` and the faces it was trained on: seconds.

python tools/ship_latents.py
"""

from __future__ import annotations

import torch

from potmeter import registry
from potmeter.core.load import load

ATTRIBUTES = ("smiling", "glasses", "bearded", "feminine styling", "fair skin", "black hair", "blond hair", "red hair")
"""Those that get a vector."""
FOLDER = registry.WEIGHTS / "latents.faces"


def main() -> None:
    """Write a file for each attribute."""
    library = load("latents", "vae.faces").library
    FOLDER.mkdir(exist_ok=True)
    for attribute in ATTRIBUTES:
        with torch.no_grad():
            vector = library.made(attribute, None, "mean", None, "classifier.faces")
        path = FOLDER / f"{attribute.replace(' ', '-')}.json"
        path.write_text(vector.text(), "utf-8")
        path.chmod(0o644)
        print(path.name, vector.count)


if __name__ == "__main__":
    main()
