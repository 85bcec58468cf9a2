"""A user's pictures as the batch of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from potmeter.errors import reject
from potmeter.media.image import Image


def to_batch(
    images: Sequence[Image], size: int | tuple[int, int], channels: int, *, light_on_dark: bool = False
) -> Tensor:
    """A user's pictures as one float tensor (B, channels, H, W) in [0, 1].

    Args:
        images: At least one.
        size: Side in pixels, or (H, W): a picture is scaled to cover that, and the middle is cut out.
        channels: 1 for grey, 3 for RGB.
        light_on_dark: Turn dark on light (ink on paper) into its negative, for networks trained on light on dark (MNIST).
    """
    images or reject("At least one picture is needed.", "none")
    x = torch.stack([image.tensor(size, channels) for image in images])
    return to_light_on_dark(x) if light_on_dark else x


def to_light_on_dark(images: Tensor) -> Tensor:
    """Pictures (B, C, H, W) in [0, 1], those with a light border turned into their negative."""
    border = [images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1]]
    light = torch.stack([side.mean(dim=(1, 2)) for side in border]).mean(0) > 0.5  # (B,)
    return (images - light.float()[:, None, None, None]).abs()
