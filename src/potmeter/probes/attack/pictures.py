"""The slide: a photograph plus a little of nothing much is a photograph of something else."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
from matplotlib.figure import Figure
from torch import Tensor

from potmeter.media import Image, escape_formulas

SHOWN = 448
"""Side of a shown picture, in pixels."""
GAP, EDGE, BELOW = 132, 20, 112
"""Room for the signs between the pictures, around all, and for the words below them, in pixels."""
DPI = 120


def slide(panels: list[tuple[Tensor, str, str]], size: str) -> Image:
    """Three pictures with + and = between them, and under each what the network says it is, and what it is.

    Args:
        panels: Picture (C, H, W) in [0, 1], what it is, what the network says.
        size: What the middle one is multiplied by.
    """
    width, height = 3 * SHOWN + 2 * (GAP + EDGE), SHOWN + EDGE + BELOW
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    for number, (picture, what, says) in enumerate(panels):
        left = EDGE + number * (SHOWN + GAP)
        axes = figure.add_axes((left / width, BELOW / height, SHOWN / width, SHOWN / height))
        axes.imshow(pixels(picture))
        axes.axis("off")
        middle = (left + SHOWN / 2) / width
        figure.text(middle, 76 / height, escape_formulas(says), ha="center", va="center", fontsize=16, weight="bold")
        figure.text(middle, 34 / height, escape_formulas(what), ha="center", va="center", fontsize=12, color="0.35")
    for number, sign in enumerate((f"+\n{size} ×", "=")):
        x = (EDGE + SHOWN + GAP / 2 + number * (SHOWN + GAP)) / width
        figure.text(x, (BELOW + SHOWN / 2) / height, sign, ha="center", va="center", fontsize=18, linespacing=1.6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.from_pil(PIL.Image.open(buffer))


def pixels(picture: Tensor) -> np.ndarray:
    """(H, W, 3) of 8 bits, enlarged by whole factors so that small pictures can be seen."""
    image = Image.from_tensor(picture)
    return image.enlarge(max(1, SHOWN // max(image.size))).pixels


def visible(change: Tensor) -> Tensor:
    """A change (C, H, W) as a picture: grey where nothing changed, its largest values black and white."""
    return 0.5 + 0.5 * change / change.abs().max().clamp(min=1e-12)


def says(probabilities: Tensor, classes: tuple[str, ...], number: int | None = None) -> str:
    """The likeliest class (or the given one) with its probability: ``gibbon, 99.3 %``."""
    number = int(probabilities.argmax()) if number is None else number
    name = classes[number]
    share = 100 * float(probabilities[number])
    return f"{name}, {share:.1f} %" if len(name) <= 24 else f"{name[:23]}…, {share:.1f} %"
