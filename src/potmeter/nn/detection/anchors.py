"""Anchors (Faster R-CNN, section 3.1.1): boxes of several shapes around every place of a feature map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .boxes import to_full_precision


def base_anchors(size: float, ratios: Sequence[float]) -> Float[Tensor, "a 4"]:
    """Boxes of one area around (0, 0), rounded to whole pixels.

    Args:
        size: Side of the square of that area.
        ratios: Of height to width.

    Example:
        >>> base_anchors(32, (1.0, 2.0))
        tensor([[-16., -16.,  16.,  16.],
                [-11., -23.,  11.,  23.]])
    """
    roots = torch.tensor(ratios, dtype=torch.float32).sqrt()
    width, height = size / roots, size * roots
    return (torch.stack([-width, -height, width, height], 1) / 2).round()


def grid_anchors(base: Float[Tensor, "a 4"], height: int, width: int, stride: tuple[int, int]) -> Float[Tensor, "n 4"]:
    """The base anchors around every place of a feature map: row by row, in each by place, at each by shape.

    Args:
        base: As ``base_anchors`` gives them.
        height, width: Of the feature map.
        stride: Its steps in pixels, down and across.
    """
    y = torch.arange(height, device=base.device, dtype=base.dtype) * stride[0]
    x = torch.arange(width, device=base.device, dtype=base.dtype) * stride[1]
    y, x = torch.meshgrid(y, x, indexing="ij")
    places = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4)
    return (places + base).reshape(-1, 4)


def pyramid_anchors(
    sizes: Sequence[float], ratios: Sequence[float], maps: Sequence[Tensor], height: int, width: int
) -> list[Float[Tensor, "n 4"]]:
    """The anchors of every level of a pyramid.

    Args:
        sizes: One for each level, in pixels.
        ratios: Of height to width.
        maps: Feature maps (B, C, h, w), from the finest.
        height, width: Of the pictures that they are of, padding included.
    """
    anchors = []
    for size, features in zip(sizes, maps, strict=True):
        h, w = features.shape[-2:]
        base = base_anchors(size, ratios).to(to_full_precision(features[:0]))
        anchors.append(grid_anchors(base, h, w, (height // h, width // w)))
    return anchors
