"""The slide: a photograph plus a little of nothing much is a photograph of something else."""

from __future__ import annotations

import io
import textwrap

import numpy as np
import PIL.Image
from matplotlib.figure import Figure
from torch import Tensor

from potmeter.media import Image, escape_formulas

SIDE = 448
"""Side of an image on the slide, in pixels."""
GAP, EDGE, BELOW = 132, 20, 112
"""Room for the signs between the images, around all, and for the words below them, in pixels."""
DPI = 120
ANSWER, SENTENCE = 34, 40
"""Letters of what is written large below an image, and of a line of what is longer."""


def draw_slide(panels: list[tuple[Tensor, str, str]], size: str) -> Image:
    """Three images with + and = between them, and under each what the network takes it for, and what it is.

    Args:
        panels: Image (C, H, W) in [0, 1], what it is, what the network takes it for.
        size: What the middle one is multiplied by.
    """
    width, height = 3 * SIDE + 2 * (GAP + EDGE), SIDE + EDGE + BELOW
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    large = all(len(answer) <= ANSWER for _, _, answer in panels)  # one size for all three
    for number, (image, what, answer) in enumerate(panels):
        left = EDGE + number * (SIDE + GAP)
        axes = figure.add_axes((left / width, BELOW / height, SIDE / width, SIDE / height))
        axes.imshow(to_pixels(image))
        axes.axis("off")
        middle = (left + SIDE / 2) / width
        lines = textwrap.wrap(answer, SENTENCE) if len(answer) > ANSWER else [answer]  # a sentence is small
        figure.text(middle, 76 / height, escape_formulas("\n".join(lines)), ha="center", va="center",
                    fontsize=16 if large else 12, weight="bold")  # fmt: skip
        figure.text(middle, 34 / height, escape_formulas(what), ha="center", va="center", fontsize=12, color="0.35")
    for number, sign in enumerate((f"+\n{size} ×", "=")):
        x = (EDGE + SIDE + GAP / 2 + number * (SIDE + GAP)) / width
        figure.text(x, (BELOW + SIDE / 2) / height, sign, ha="center", va="center", fontsize=18, linespacing=1.6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.from_pil(PIL.Image.open(buffer))


def to_pixels(image: Tensor) -> np.ndarray:
    """(H, W, 3) of 8 bits, enlarged by whole factors so that small images can be seen."""
    picture = Image.from_tensor(image)
    return picture.enlarge(max(1, SIDE // max(picture.size))).pixels


def magnify(perturbation: Tensor) -> Tensor:
    """A perturbation (C, H, W) as an image: grey where it is 0, its largest values black and white."""
    return 0.5 + 0.5 * perturbation / perturbation.abs().max().clamp(min=1e-12)


def describe_answer(probabilities: Tensor, classes: tuple[str, ...], number: int | None = None) -> str:
    """The likeliest class (or the given one) of probabilities (classes,), as text: ``gibbon, 99.3 %``."""
    number = int(probabilities.argmax()) if number is None else number
    name = classes[number]
    share = 100 * float(probabilities[number])
    return f"{name}, {share:.1f} %" if len(name) <= 24 else f"{name[:23]}…, {share:.1f} %"
