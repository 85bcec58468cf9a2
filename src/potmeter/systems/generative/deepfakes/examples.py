"""What is worth swapping: people who do not exist, in photographs that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.media import Image, Video

FRAMES = 16
"""Of the example's film."""


def portrait(number: int, side: int = 384) -> Image:
    """A generated person's portrait, about as fine as the drawn faces."""
    picture = sample(f"person-{number}").pil()
    return Image(np.array(picture.resize((side, side))), f"person-{number}.png")


@cache
def film(number: int) -> Video:
    """A person who turns the head while the expression changes, between two photographs that were not trained on."""
    from potmeter.data.head_views import draw_view
    from potmeter.data.sets.people import HELD_OUT, read_photographs

    crops = list(read_photographs(number, HELD_OUT["test"][:2]).values())
    frames = []
    for t in np.linspace(0, 2 * np.pi, FRAMES, endpoint=False):
        share = (1 - np.cos(t)) / 2
        picture, _ = draw_view(crops, (1 - share, share), 0.3 * np.sin(t), 0.1 * np.sin(2 * t))
        edge = len(picture) // 10 // 2 * 2  # without the margin
        frames.append(picture[edge:-edge, edge:-edge].round().astype(np.uint8))
    return Video(np.stack(frames), fps=8, caption="a head that turns")


def examples(identities: Sequence[str]) -> list[Example]:
    """The examples of weights that draw these identities."""
    first, last = identities[0], identities[-1]
    return [
        Example(f"A man as {last}, with his expression", image=portrait(7), identity=last, consent=True),
        Example(f"A woman as {first}, with hers", image=portrait(10), identity=first, consent=True),
        Example(f"Somebody else as {first}, who was not trained on", image=portrait(6), identity=first, consent=True),
        Example("A film, frame by frame", task="video", clip=film(10), identity=first, consent=True),
        Example("What a picture says of itself, and what a network sees in it", task="detect", image=portrait(10)),
    ]
