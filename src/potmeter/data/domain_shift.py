"""Domain shift: a user's pictures may be of another kind than those that weights were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from potmeter.data.sets.records import DATA_SETS
from potmeter.media import Image
from potmeter.notices import note

MIN_FLATNESS = 0.6
"""``flatness`` from which on a picture counts as a drawing: drawn faces have 0.71 to 0.84, most photographs of things and
people 0.14 to 0.57."""


def note_domain_shift(images: Sequence[Image], dataset: str) -> None:
    """Note for the user that weights trained on a set of drawings are given a photograph."""
    if dataset in DATA_SETS and DATA_SETS[dataset].drawn and any(flatness(image) < MIN_FLATNESS for image in images):
        note(f"These weights were trained on {DATA_SETS[dataset].what}: a photograph is far from all they have seen.")


def flatness(image: Image) -> float:
    """The share of pixels, 0 to 1, that differ from their right neighbour by 1 of 255 at most in every channel."""
    steps = np.abs(np.diff(image.pixels.astype(np.int16), axis=1)).max(-1)
    return float((steps <= 1).mean()) if steps.size else 1.0
