"""Drag a point over the plane of two numbers, and the picture follows."""

from __future__ import annotations

import torch

from potmeter.core.demo import Plane
from potmeter.media import Image

from .system import Autoencoder

SIDE, REACH = 20, 2.0
"""Pictures along each side of the map; deviations from its middle to the middle of the outermost."""


def demo(system: Autoencoder) -> Plane | None:
    """The plane of the narrowest code, in deviations of the training pictures' codes; None when it has but one number."""
    net, space = system.net(), next(iter(system.latent_spaces))
    if len(net.code_mean) != 2:
        return None

    @torch.no_grad()
    def show(place: tuple[float, float]) -> Image:
        code = net.code_mean + net.code_std * torch.tensor(place, device=system.device)
        return Image.from_tensor(system.decode(code[None], space)[0])

    edge = REACH * SIDE / (SIDE - 1)
    return Plane(
        title="drag a point",
        help="Every digit has been squeezed into two numbers, a place on this map. Drag the point: the picture is drawn "
        "from its two numbers alone.",
        show=show, map=system.plane(side=SIDE, space=space), low=(-edge, -edge), high=(edge, edge), start=(0.0, 0.0),
    )  # fmt: skip
