"""Whether a user's pictures are of the kind that weights were trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from potmeter.data.sets.records import DATA_SETS
from potmeter.media import Image
from potmeter.notices import note

FLAT = 0.6
"""Share of neighbouring pixels alike from which on a picture counts as drawn: 0.71 to 0.84 in drawn faces, 0.14 to 0.57 in
most photographs of things and people."""


def note_photographs(images: Sequence[Image], dataset: str) -> None:
    """Note for the user that photographs are far from all that weights trained on a set of drawings have seen."""
    if dataset in DATA_SETS and DATA_SETS[dataset].drawn and any(flatness(image) < FLAT for image in images):
        note(f"These weights were trained on {DATA_SETS[dataset].what}: a photograph is far from all they have seen.")


def flatness(image: Image) -> float:
    """The share of pixels that differ from their right neighbour by one step of 255 at most."""
    steps = np.abs(np.diff(image.pixels.astype(np.int16), axis=1)).max(-1)
    return float((steps <= 1).mean()) if steps.size else 1.0
