"""The slide as one picture: the photo without and with the patch, and what the network says to each."""

from __future__ import annotations

import io

import PIL.Image
from matplotlib.figure import Figure

from potmeter.media import Bars, Image

OTHERS, TARGET = "#8a94a6", "#d4442e"
"""Colours of the bars."""


def beside(photo: Image, worn: Image, before: Bars, after: Bars, target: str | None) -> Image:
    """Two photos side by side, below each the likeliest classes as bars, the patch's own in red.

    Args:
        photo, worn: Without and with the patch.
        before, after: What the network says.
        target: The class that the patch is for, if that is known.
    """
    figure = Figure(figsize=(9.6, 6.2), dpi=100, layout="constrained")
    grid = figure.subplots(2, 2, gridspec_kw={"height_ratios": (2.7, 1)})
    for column, (image, bars) in enumerate(((photo, before), (worn, after))):
        above, below = grid[:, column]
        above.imshow(image.pixels)
        above.axis("off")
        names, shares = list(bars.values)[::-1], list(bars.values.values())[::-1]
        colours = [TARGET if name == target else OTHERS for name in names]
        places = range(len(names))
        below.barh(places, shares, color=colours, height=0.7)
        for place, share in zip(places, shares, strict=True):
            below.text(share + 0.02, place, f"{100 * share:.1f} %", va="center", fontsize=10)
        below.set_yticks(places, names, fontsize=11)
        below.set(xlim=(0, 1.2), xticks=())
        below.tick_params(left=False)
        below.spines[["top", "right", "bottom"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.from_pil(PIL.Image.open(buffer))
