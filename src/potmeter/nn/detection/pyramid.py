"""Feature pyramid (Lin et al. 2017, arXiv:1612.03144): every level knows what the coarser ones saw."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class FeaturePyramid(nn.Module):
    """From a backbone's feature maps to as many of equal width, and a coarser one.

    Each level is a 1×1 convolution of the backbone's, plus the coarser level enlarged (nearest neighbour), then a 3×3
    convolution; the coarsest is every second place of the one before. Modules are named as in torchvision.

    Args:
        inputs: Channels of the backbone's feature maps, from the finest.
        channels: Of every level.

    Example:
        >>> import torch
        >>> maps = [torch.rand(1, 8, 16, 16), torch.rand(1, 16, 8, 8)]
        >>> [tuple(level.shape) for level in FeaturePyramid((8, 16), 4)(maps)]
        [(1, 4, 16, 16), (1, 4, 8, 8), (1, 4, 4, 4)]
    """

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(width, channels, 1)) for width in inputs)
        self.layer_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in inputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Levels (B, channels, h, w) of the backbone's feature maps, from the finest; one more than these."""
        inner: Tensor | None = None
        levels: list[Tensor] = []
        for x, lateral, smooth in zip(
            reversed(maps), reversed(self.inner_blocks), reversed(self.layer_blocks), strict=True
        ):
            above = F.interpolate(inner, x.shape[-2:], mode="nearest") if inner is not None else 0
            inner = lateral(x) + above
            levels.insert(0, smooth(inner))
        return [*levels, F.max_pool2d(levels[-1], 1, 2)]
