"""What is worth translating; none of it was trained on."""

from __future__ import annotations

import numpy as np

from potmeter.core.system import Example
from potmeter.data.sets.emoji import draw_emoji
from potmeter.data.sets.two_brushes import draw_thing
from potmeter.media import Image


def thing(style: str, seed: int) -> Image:
    """A disc, square or triangle."""
    return Image(draw_thing(style, np.random.default_rng(seed), 32))


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset != "emoji":
        return (
            [
                Example("An even thing, shaded", image=thing("even", 1)),
                Example("A shaded one, made even", image=thing("shaded", 2), to="even"),
            ]
            if dataset == "two-brushes"
            else []
        )
    flat = lambda name: draw_emoji(name, "flat")
    solid = lambda name: draw_emoji(name, "3d")
    return [
        Example("A flat octopus, in 3D", image=flat("1f419")),
        Example("An octopus in 3D, made flat", image=solid("1f419"), to="flat"),
        Example("There and back: what is lost on the way?", task="cycle", image=flat("1f966")),
        Example(
            "Through the space that both styles share, from a face to another",
            task="between", a=flat("1f604"), b=flat("1f62e"),
        ),
        Example(
            "Many at once",
            task="folder", images=[flat(name) for name in ("1f34d", "1f48a", "1f49c", "1f3c6", "1f514")],
        ),
    ]  # fmt: skip
