"""A slider for each attribute vector that comes with the weights, on a face."""

from __future__ import annotations

import torch

from potmeter.core.demo import Knobs
from potmeter.data.samples import sample
from potmeter.media import Image

from .probe import Latents

FACE = "face-15"
"""Whose attributes are moved: a test face that has none of them."""
ENLARGEMENT = 6
"""Factor by which the picture is enlarged."""


def demo(probe: Latents) -> Knobs | None:
    """The sliders; None for weights that no vector comes with."""
    shipped = [vector for name, vector in probe.library().shipped.items() if " by " not in name]
    if not shipped:
        return None
    space = probe.space()
    with torch.no_grad():
        code = space.codes([sample(FACE)], 1, 0)[0]
    steps = torch.stack([vector.tensor(code) for vector in shipped])  # (attributes, d)

    @torch.no_grad()
    def show(coefficients: tuple[float, ...]) -> Image:
        moved = code + torch.tensor(coefficients).to(code) @ steps
        return Image.from_tensor(space.decode(moved[None])[0]).enlarge(ENLARGEMENT)

    return Knobs(
        title="change the face",
        help="A slider adds an attribute's vector to the face's code: at 1 the step from the mean face without to the mean "
        "face with, lengthened to one standard deviation where faces without and with overlap; at −1 the step away. "
        "Move two: do they keep out of each other's way?",
        names=tuple(vector.attribute for vector in shipped), low=-1, high=2, start=(0.0,) * len(shipped), show=show,
    )  # fmt: skip
