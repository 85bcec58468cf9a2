"""Paths from one point of a latent space to another: straight (lerp), and along the sphere (slerp).

White, "Sampling Generative Networks" (arXiv:1609.04468). Codes of a Gaussian prior of many dimensions lie near a sphere:
the straight line between two of them leads through its inside, where the prior puts nothing; the great circle does not.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

MIN_SINE = 1e-4
"""Sine of an angle below which two directions count as the same or as opposite."""


def lerp(a: Float[Tensor, "*#n d"], b: Float[Tensor, "*#n d"], t: Float[Tensor, "*n"]) -> Float[Tensor, "*n d"]:
    """Points (…, d) on the straight line from a (t = 0) to b (t = 1): (1 − t) a + t b; ``torch.lerp`` with a t for each."""
    return a + t[..., None] * (b - a)


def slerp(a: Float[Tensor, "*#n d"], b: Float[Tensor, "*#n d"], t: Float[Tensor, "*n"]) -> Float[Tensor, "*n d"]:
    """Points (…, d) on the great circle from a to b, at constant angular speed; their lengths go linearly.

    (sin((1 − t) ω) â + sin(t ω) b̂) / sin ω times (1 − t) |a| + t |b|, with ω the angle between a and b (Shoemake 1985).
    Of opposite directions every great circle is as short as the others: the one through the axis is taken along which
    a is smallest, so that the path has no gap and never passes the origin. Where a direction is missing (a code is 0) or
    both are the same, the path is straight.

    Args:
        a, b: Codes: two, or a pair for each t.
        t: From 0, at a, to 1, at b; beyond them the path goes on.

    Returns:
        A code for each t; exactly a and b at 0 and 1.
    """
    a_length, b_length = (x.norm(dim=-1, keepdim=True) for x in (a, b))
    start, end = F.normalize(a, dim=-1, eps=0), F.normalize(b, dim=-1, eps=0)
    cosine = (start * end).sum(-1, keepdim=True).clamp(-1, 1)
    across = end - cosine * start  # the part of b's direction that a has not
    sine = across.norm(dim=-1, keepdim=True)
    axis = F.one_hot(start.abs().argmin(-1), start.shape[-1]).to(start)
    aside = axis - (axis * start).sum(-1, keepdim=True) * start
    across = F.normalize(torch.where((sine < MIN_SINE) & (cosine < 0), aside, across), dim=-1, eps=0)
    t = t[..., None]
    angles = t * torch.atan2(sine, cosine)
    path = ((1 - t) * a_length + t * b_length) * (angles.cos() * start + angles.sin() * across)
    straight = (a_length == 0) | (b_length == 0) | ((sine < MIN_SINE) & (cosine > 0))
    if a.shape[-1] < 2:
        straight = torch.ones_like(straight)
    path = torch.where(straight, a + t * (b - a), path)
    return torch.where(t == 0, a, torch.where(t == 1, b, path))


INTERPOLATIONS = {"slerp": slerp, "lerp": lerp}
"""By the names that ``interpolation`` takes."""


def interpolate_path(stops: Float[Tensor, "k d"], frames: int, method: str = "slerp") -> Float[Tensor, "n d"]:
    """From each of k codes to the next, ``frames`` codes to a stretch, ending on the last: n = (k − 1) · frames + 1 codes."""
    t = torch.arange(frames, device=stops.device) / frames
    parts = [INTERPOLATIONS[method](a, b, t) for a, b in pairwise(stops)]
    return torch.cat([*parts, stops[-1:]])
