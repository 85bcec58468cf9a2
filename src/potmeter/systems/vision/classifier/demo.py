"""Draw a digit, and watch what it is taken for while it grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image

from potmeter.core.demo import Sketch
from potmeter.media import Bars, Image, Result

from .system import ImageClassifier

SIDE, BOX = 28, 20
"""Pixels of MNIST's pictures, and of the box in their middle that a digit fills."""


@dataclass(frozen=True)
class Answer(Result):
    """What the network is shown, and what it says."""

    what_it_sees: Image
    what_it_says: Bars


def demo(system: ImageClassifier) -> Sketch | None:
    """A sheet for digits; None for weights that know other things."""
    if system.config.dataset != "mnist":
        return None

    def show(sheet: Image) -> Answer:
        small = to_mnist_format(sheet)
        return Answer(small, system.run(small, top=10))

    return Sketch(
        title="draw a digit",
        help="Draw with mouse or finger. What you draw is centred and shrunk to 28 × 28 pixels, as the training digits were; "
        "the bars are what the network makes of it.",
        show=show,
    )  # fmt: skip


def to_mnist_format(sheet: Image) -> Image:
    """A drawing, white on black, as MNIST has it: in a box of 20 pixels, its centre of mass in the middle of 28."""
    grey = np.asarray(sheet.pil().convert("L"))
    rows, columns = np.nonzero(grey > 20)
    if not len(rows):
        return Image(np.zeros((SIDE, SIDE, 3), np.uint8))
    drawn = PIL.Image.fromarray(grey[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    scale = BOX / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    ink = np.asarray(drawn.resize(size, PIL.Image.Resampling.BOX), np.float64)
    y, x = (float((ink.sum(1 - axis) * np.arange(ink.shape[axis])).sum() / ink.sum()) for axis in (0, 1))
    top = int(np.clip(round(SIDE / 2 - 0.5 - y), 0, SIDE - ink.shape[0]))
    left = int(np.clip(round(SIDE / 2 - 0.5 - x), 0, SIDE - ink.shape[1]))
    whole = np.zeros((SIDE, SIDE), np.uint8)
    whole[top : top + ink.shape[0], left : left + ink.shape[1]] = ink.round()
    return Image(whole[..., None].repeat(3, 2))
