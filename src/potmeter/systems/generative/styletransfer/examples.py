"""The examples: photographs and a film that are not trained on."""

from __future__ import annotations

from functools import cache

import numpy as np
import PIL.Image

from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.media import Video

FRAMES = 12
"""Of the example's film."""


@cache
def pan(name: str, width: int = 288, height: int = 192) -> Video:
    """A short film: a slow look over a photograph, from left to right and closer."""
    picture, frames = sample(name).pil(), []
    for t in np.linspace(0, 1, FRAMES):
        wide = picture.width * (0.8 - 0.15 * t)
        high = wide * height / width
        left, top = (picture.width - wide) * (0.2 + 0.5 * t), (picture.height - high) * 0.4
        box = (left, top, left + wide, top + high)
        frames.append(np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC, box)))
    return Video(np.stack(frames), fps=8, caption="a look over a photograph")


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "wheel-photos":
        return [
            Example("A cat", image=sample("cat").resize(96)),
            Example("At half strength", image=sample("coffee").resize(96), strength=0.5),
        ]
    return [
        Example("A Chinese temple", image=sample("china").resize(640)),
        Example("A cat", image=sample("cat")),
        Example("A cup of coffee, in its own colours", image=sample("coffee").resize(480), own_colours=True),
        Example("A film, painted frame by frame", task="video", clip=pan("china")),
        Example(
            "The slow way: the pixels themselves are optimised, and the loss falls",
            task="gatys", image=sample("cat").resize(128), size=128, steps=20,
        ),
    ]  # fmt: skip
