"""The slide as one picture: the photo without and with the patch, and what the network takes each for."""

from __future__ import annotations

import io

import PIL.Image
from matplotlib.figure import Figure

from potmeter.media import Bars, Image, escape_formulas

PLAIN, TARGET = "#303540", "#d4442e"
"""Colours of the words."""


def draw_comparison(photo: Image, patched: Image, before: Bars, after: Bars, target: str | None) -> Image:
    """Two photos side by side, below each the likeliest class, in red where it is the patch's own.

    Args:
        photo, patched: Without and with the patch.
        before, after: What the network says, the likeliest first.
        target: The class that the patch is for, if that is known.
    """
    height, width = photo.pixels.shape[:2]
    figure = Figure(figsize=(9.6, 4.8 * height / width + 0.5), dpi=100, layout="constrained")
    for axes, image, bars in zip(figure.subplots(1, 2), (photo, patched), (before, after), strict=True):
        axes.imshow(image.pixels)
        axes.set(xticks=(), yticks=())
        axes.spines[:].set_visible(False)
        name, share = next(iter(bars.values.items()))
        colour = TARGET if name == target else PLAIN
        axes.set_xlabel(
            f"{escape_formulas(name)}, {100 * share:.1f} %", fontsize=15, weight="bold", color=colour, labelpad=10
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.from_pil(PIL.Image.open(buffer))
