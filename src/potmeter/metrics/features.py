"""Pictures as a network sees them: features of any classifier with an ``embed``, whatever the pictures' size and colours."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

BATCH = 100
"""Pictures embedded at once."""


def extract_features(embedder: Any, images: Tensor, side: int) -> Tensor:
    """Features (N, F) of pictures (N, C, H, W) in [0, 1].

    Args:
        embedder: A network with the capability ``Embedder``.
        images: The pictures.
        side: Height and width in pixels in which it takes them.
    """
    return torch.cat(
        [embedder.embed(prepare_images(part, embedder.input_shape[0], side)) for part in images.split(BATCH)]
    )


def prepare_images(images: Tensor, channels: int, side: int) -> Tensor:
    """Pictures (N, C, H, W) as a network takes them: scaled bilinearly to a square, grey repeated, or colours as luminance."""
    if channels == 1 and images.shape[1] == 3:
        images = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    images = images.expand(-1, channels, -1, -1)
    if images.shape[-2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
