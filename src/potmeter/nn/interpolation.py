"""Ways from one point of a latent space to another: straight, and along the sphere.

White, "Sampling Generative Networks" (arXiv:1609.04468). Codes of a Gaussian prior of many dimensions lie near a sphere:
the straight way between two of them leads through its inside, where the prior puts nothing; the great circle does not.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

ALMOST = 1e-4
"""Sine of an angle below which two directions count as the same or as opposite."""


def lerp(a: Float[Tensor, "*#n d"], b: Float[Tensor, "*#n d"], shares: Float[Tensor, "*n"]) -> Float[Tensor, "*n d"]:
    """The straight way from a to b at these shares of it: (1 − t) a + t b."""
    return a + shares[..., None] * (b - a)


def slerp(a: Float[Tensor, "*#n d"], b: Float[Tensor, "*#n d"], shares: Float[Tensor, "*n"]) -> Float[Tensor, "*n d"]:
    """The way from a to b along the great circle of their directions, at constant angular speed; lengths go linearly.

    (sin((1 − t) ω) â + sin(t ω) b̂) / sin ω times (1 − t) |a| + t |b|, with ω the angle between a and b (Shoemake 1985).
    Of opposite directions every great circle is as short as the others: the one through the axis is taken along which
    a is smallest, so that the way has no gap and never passes the origin. Where a direction is missing (a code is 0) or
    both are the same, the way is straight.

    Args:
        a, b: Codes: two, or a pair for each share.
        shares: From 0, at a, to 1, at b; beyond them the way goes on.

    Returns:
        A code for each share; exactly a and b at 0 and 1.
    """
    a_length, b_length = (x.norm(dim=-1, keepdim=True) for x in (a, b))
    start, end = F.normalize(a, dim=-1, eps=0), F.normalize(b, dim=-1, eps=0)
    cosine = (start * end).sum(-1, keepdim=True).clamp(-1, 1)
    across = end - cosine * start  # the part of b's direction that a has not
    sine = across.norm(dim=-1, keepdim=True)
    axis = F.one_hot(start.abs().argmin(-1), start.shape[-1]).to(start)
    aside = axis - (axis * start).sum(-1, keepdim=True) * start
    across = F.normalize(torch.where((sine < ALMOST) & (cosine < 0), aside, across), dim=-1, eps=0)
    t = shares[..., None]
    angles = t * torch.atan2(sine, cosine)
    way = ((1 - t) * a_length + t * b_length) * (angles.cos() * start + angles.sin() * across)
    without = (a_length == 0) | (b_length == 0) | ((sine < ALMOST) & (cosine > 0))
    if a.shape[-1] < 2:
        without = torch.ones_like(without)
    way = torch.where(without, lerp(a, b, shares), way)
    return torch.where(t == 0, a, torch.where(t == 1, b, way))


INTERPOLATIONS = {"slerp": slerp, "lerp": lerp}
"""By name."""


def interpolate_path(stops: Float[Tensor, "k d"], frames: int, method: str = "slerp") -> Float[Tensor, "n d"]:
    """From each stop to the next, ``frames`` codes to a stretch, ending on the last stop: (k − 1) · frames + 1 codes."""
    shares = torch.arange(frames, device=stops.device) / frames
    parts = [INTERPOLATIONS[method](a, b, shares) for a, b in pairwise(stops)]
    return torch.cat([*parts, stops[-1:]])
