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
    seen: Callable[[Tensor], Tensor],
    a: Float[Tensor, "n latent"],
    b: Float[Tensor, "n latent"],
    share: Float[Tensor, " n"],
    *,
    spherical: bool,
    step: float = 1e-4,
    chunk: int = 50,
) -> Float[Tensor, " n"]:
    """E d(G(t), G(t + ε)) / ε² for each pair: how far pictures move, as a network sees them, for a small step of the path.

    The paper's d is VGG's LPIPS. Here it is the squared distance of the directions of a network's features, so that
    figures of one network compare, and those of different ones do not.

    Args:
        seen: From latent vectors to the features of their pictures (B, F).
        a, b: Ends of each path.
        share: Where on the path, 0 to 1.
        spherical: Along the arc, as suits a normal prior, or in a straight line.
        step: ε.
        chunk: Paths at once.
    """
    if spherical:
        a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    between, lengths = slerp if spherical else lerp, []
    for some_a, some_b, t in zip(a.split(chunk), b.split(chunk), share.split(chunk), strict=True):
        pair = torch.cat([between(some_a, some_b, t), between(some_a, some_b, t + step)])
        here, there = F.normalize(seen(pair), dim=1).chunk(2)
        lengths.append((here - there).square().sum(1) / step**2)
    return torch.cat(lengths)
