"""Ways through a latent space: straight, along the sphere, over a grid.

White, "Sampling Generative Networks" (arXiv:1609.04468). Codes of a Gaussian prior of many dimensions lie near a sphere:
the straight way between two of them leads through its inside, where the prior puts nothing; the great circle does not.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

ALMOST = 1e-4
"""Sine of an angle below which two directions count as the same or as opposite."""


def lerp(a: Float[Tensor, " d"], b: Float[Tensor, " d"], shares: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
    """The straight way from a to b at these shares of it: (1 − t) a + t b."""
    return a + shares[:, None] * (b - a)


def slerp(a: Float[Tensor, " d"], b: Float[Tensor, " d"], shares: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
    """The way from a to b along the great circle of their directions, at constant angular speed; lengths go linearly.

    (sin((1 − t) ω) â + sin(t ω) b̂) / sin ω times (1 − t) |a| + t |b|, with ω the angle between a and b (Shoemake 1985).
    Of opposite directions every great circle is as short as the others: the one through the axis is taken along which
    a is smallest, so that the way has no gap and never passes the origin. Where a direction is missing (a code is 0) or
    both are the same, the way is straight.

    Args:
        a, b: Two codes.
        shares: From 0, at a, to 1, at b; beyond them the way goes on.

    Returns:
        A code for each share; exactly a and b at 0 and 1.
    """
    lengths = a.norm(), b.norm()
    if min(lengths) == 0 or a.numel() < 2:
        return lerp(a, b, shares)
    start, end = a / lengths[0], b / lengths[1]
    cosine = (start @ end).clamp(-1, 1)
    across = end - cosine * start  # the part of b's direction that a has not
    sine = across.norm()
    if sine < ALMOST and cosine > 0:
        return lerp(a, b, shares)
    if sine < ALMOST:
        axis = torch.zeros_like(start)
        axis[start.abs().argmin()] = 1
        across = axis - (axis @ start) * start
    across = across / across.norm()
    angles = shares[:, None] * torch.atan2(sine, cosine)
    length = (1 - shares[:, None]) * lengths[0] + shares[:, None] * lengths[1]
    way = length * (angles.cos() * start + angles.sin() * across)
    way = torch.where(shares[:, None] == 0, a, way)
    return torch.where(shares[:, None] == 1, b, way)


WAYS = {"slerp": slerp, "lerp": lerp}
"""By name."""


def along(stops: Float[Tensor, "k d"], frames: int, way: str = "slerp") -> Float[Tensor, "n d"]:
    """From each stop to the next, ``frames`` codes to a stretch, ending on the last stop: (k − 1) · frames + 1 codes."""
    shares = torch.arange(frames, device=stops.device) / frames
    parts = [WAYS[way](a, b, shares) for a, b in pairwise(stops)]
    return torch.cat([*parts, stops[-1:]])


def analogy(a: Float[Tensor, " d"], b: Float[Tensor, " d"], c: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """a is to b as c is to …: c + b − a."""
    return c + (b - a)


def jdiagram(
    a: Float[Tensor, " d"], b: Float[Tensor, " d"], c: Float[Tensor, " d"], side: int, way: str = "slerp"
) -> Float[Tensor, "n d"]:
    """White's J-diagram: a, b and c in three corners, the analogy in the fourth, and what lies between.

    Args:
        a, b, c: Codes of the upper left, the upper right and the lower left corner.
        side: Codes along each side, at least 2.
        way: slerp or lerp.

    Returns:
        side² codes, row by row.
    """
    return mine(torch.stack([a, b, c, analogy(a, b, c)]), 2, side, way)


def mine(anchors: Float[Tensor, "k d"], columns: int, side: int, way: str = "slerp") -> Float[Tensor, "n d"]:
    """A grid of anchors, and what lies between them: along the columns first, then along the rows (White's MINE grid).

    Args:
        anchors: rows × columns codes, row by row; at least two of each.
        columns: Anchors in a row.
        side: Codes from an anchor to the next, both counted.
        way: slerp or lerp.

    Returns:
        ((rows − 1)(side − 1) + 1) × ((columns − 1)(side − 1) + 1) codes, row by row.
    """
    grid = anchors.unflatten(0, (-1, columns))  # (rows, columns, d)
    edges = torch.stack([along(column, side - 1, way) for column in grid.unbind(1)], 1)  # (height, columns, d)
    return torch.cat([along(row, side - 1, way) for row in edges])
