"""What of training pictures is varied: half of them are mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from potmeter.core.random import RandomStream


def flip(images: Tensor, masks: Tensor, sizes: Sequence[tuple[int, int]], rng: RandomStream) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W) and the masks of their things (B, N, H, W), half of them mirrored within their sizes."""
    flipped = rng.uniform(len(images)) < 0.5
    images, masks = images.clone(), masks.clone()
    for place in torch.where(flipped)[0].tolist():
        width = sizes[place][1]
        images[place, :, :, :width] = images[place, :, :, :width].flip(-1)
        masks[place, :, :, :width] = masks[place, :, :, :width].flip(-1)
    return images, masks
