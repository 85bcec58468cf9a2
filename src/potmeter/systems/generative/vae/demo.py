"""Drag a point over the latent plane, and the picture follows."""

from __future__ import annotations

import torch

from potmeter.core.demo import Plane
from potmeter.media import Image

from .system import VAE

SIDE, SPAN = 20, 0.98
"""Pictures along each side of the map; share of the prior's probability between the middles of the outermost."""


def demo(system: VAE) -> Plane | None:
    """The latent plane, laid out so that equal areas are equally likely; None for codes of other than two numbers."""
    if system.config.latent_dim != 2:
        return None

    @torch.no_grad()
    def show(place: tuple[float, float]) -> Image:
        shares = torch.tensor(place, device=system.device).clamp(0.002, 0.998)
        return Image.from_tensor(system.decode(torch.special.ndtri(shares)[None])[0])

    edge = SPAN / 2 * SIDE / (SIDE - 1)
    return Plane(
        title="drag a point",
        help="The whole latent space, laid out so that equal areas are equally likely. Drag the point: there is a picture "
        "everywhere, and no gap between two digits.",
        show=show, map=system.plane(side=SIDE, span=SPAN), low=(0.5 - edge,) * 2, high=(0.5 + edge,) * 2, start=(0.5, 0.5),
    )  # fmt: skip
