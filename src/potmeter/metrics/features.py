"""Pictures as a network sees them: features of any classifier with an ``embed``, whatever the pictures' size and colours."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 100
"""Pictures embedded at once."""


def features(judge: Any, images: Tensor, side: int) -> Tensor:
    """Features (N, F) of pictures (N, C, H, W) in [0, 1].

    Args:
        judge: An ``Embedder``.
        images: The pictures.
        side: Height and width in pixels that the judge sees them in.
    """
    return torch.cat([judge.embed(fitted(part, judge.input_shape[0], side)) for part in images.split(CHUNK)])


def fitted(images: Tensor, channels: int, side: int) -> Tensor:
    """Pictures (N, C, H, W), scaled bilinearly to a square; grey repeated in three channels, colours as luminance."""
    if channels == 1 and images.shape[1] == 3:
        images = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    images = images.expand(-1, channels, -1, -1)
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
