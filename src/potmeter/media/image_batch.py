"""A user's pictures as the batch of tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from potmeter.errors import reject
from potmeter.media.image import Image


def to_batch(images: Sequence[Image], size: int | tuple[int, int], channels: int, *, dark: bool = False) -> Tensor:
    """A user's pictures as (B, channels, H, W) in [0, 1].

    Args:
        images: At least one.
        size: Side in pixels, or (H, W); of a picture of another shape the middle counts.
        channels: 1 for grey, 3 for RGB.
        dark: Turn ink on paper into chalk on a board, for networks that know only that.
    """
    images or reject("At least one picture is needed.", "none")
    x = torch.stack([image.tensor(size, channels) for image in images])
    return to_light_on_dark(x) if dark else x


def to_light_on_dark(images: Tensor) -> Tensor:
    """Pictures (B, C, H, W), those with a light border turned to their negative."""
    border = [images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1]]
    light = torch.stack([side.mean(dim=(1, 2)) for side in border]).mean(0) > 0.5  # (B,)
    return (images - light.float()[:, None, None, None]).abs()
