"""How abruptly pictures change along a path through a latent space: perceptual path length.

Karras, Laine and Aila 2018 (arXiv:1812.04948), section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.nn.interpolation import lerp, slerp


def perceptual_path_length(
    embed: Callable[[Tensor], Tensor],
    a: Float[Tensor, "n latent"],
    b: Float[Tensor, "n latent"],
    t: Float[Tensor, " n"],
    *,
    spherical: bool,
    step: float = 1e-4,
    batch_size: int = 50,
) -> Float[Tensor, " n"]:
    """d(G(t), G(t + ε)) / ε² of each pair, whose mean is the perceptual path length (Karras et al., arXiv:1812.04948).

    It says how far pictures move, as a network sees them, for a small step of the path.

    The paper's d is VGG's LPIPS. Here it is the squared distance of the directions of a network's features, so that
    figures of one network compare, and those of different ones do not.

    Args:
        embed: From latent vectors to the features of their pictures (B, F).
        a, b: Ends of each path.
        t: Where on the path, 0 to 1.
        spherical: Along the arc between the directions of a and b, whose lengths are made 1, or in a straight line.
        step: ε.
        batch_size: Paths at once.
    """
    if spherical:
        a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    interpolate, lengths = slerp if spherical else lerp, []
    for start, end, at in zip(a.split(batch_size), b.split(batch_size), t.split(batch_size), strict=True):
        pair = torch.cat([interpolate(start, end, at), interpolate(start, end, at + step)])
        here, there = F.normalize(embed(pair), dim=1).chunk(2)
        lengths.append((here - there).square().sum(1) / step**2)
    return torch.cat(lengths)
