"""Structural similarity."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

C1, C2 = 0.01**2, 0.03**2


def ssim(x: Float[Tensor, "b c h w"], y: Float[Tensor, "b c h w"], window: int = 7) -> Float[Tensor, "b c h w"]:
    """Structural similarity of pictures in [0, 1], at each pixel (Wang et al. 2004, equation 13), -1 to 1.

    Args:
        x: One batch.
        y: The other.
        window: Odd side of the square over which statistics are taken; at the edges it is mirrored.
    """
    edge = (window // 2,) * 4

    def mean(z: Tensor) -> Tensor:  # rows, then columns: 14 terms instead of 49
        rows = F.avg_pool2d(F.pad(z, edge, mode="reflect"), (1, window), 1)
        return F.avg_pool2d(rows, (window, 1), 1)

    x, y = x.contiguous(), y.contiguous()  # pooling three channels that lie beside each other is slow

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return luminance * (2 * covariance + C2) / (variance_x + variance_y + C2)
