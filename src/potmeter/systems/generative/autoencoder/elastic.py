"""Elastic deformation: pictures bent a little, like rubber, so that there are more of them to learn from.

Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis" (2003).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream

KNOTS = 5
"""Points along each side at which a displacement is drawn; between them it is interpolated."""


def deform(images: Float[Tensor, "b c h w"], rng: RandomStream, sigma: float) -> Float[Tensor, "b c h w"]:
    """Deform every second picture, on average, by a smooth random displacement field.

    Args:
        images: The pictures.
        rng: Where the displacements are drawn from.
        sigma: Their standard deviation in pixels.

    Example:
        >>> deform(torch.ones(4, 1, 8, 8), RandomStream(0), 1.0).shape
        torch.Size([4, 1, 8, 8])
    """
    batch, _, height, width = images.shape
    chosen = (rng.uniform(batch) < 0.5).float().view(-1, 1, 1, 1)
    knots = sigma * chosen * rng.normal(batch, 2, KNOTS, KNOTS)  # to the right, and down
    displacement = F.interpolate(knots, (height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    identity = F.affine_grid(torch.eye(2, 3, device=images.device)[None], [1, 1, height, width], align_corners=False)
    grid = identity + displacement * images.new_tensor([2 / width, 2 / height])  # whose coordinates span −1 … 1
    return F.grid_sample(images, grid, align_corners=False)
