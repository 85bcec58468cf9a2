"""Between a user's pictures and a network's tensors: pictures in, sheets and walks out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.errors import reject
from potmeter.media import Image, Video

SHOWN = 112
"""Pictures are enlarged to about this side, in pixels, to be seen."""
PAGE = 1120
"""A sheet is not enlarged beyond this width."""


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
    return on_dark(x) if dark else x


def on_dark(images: Tensor) -> Tensor:
    """Pictures (B, C, H, W), those with a light border turned to their negative."""
    border = [images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1]]
    light = torch.stack([side.mean(dim=(1, 2)) for side in border]).mean(0) > 0.5  # (B,)
    return (images - light.float()[:, None, None, None]).abs()


def image_grid(images: Tensor, columns: int | None = None, gap: int = 2) -> Image:
    """Pictures (N, C, H, W) as one, row by row with a grey gap, enlarged so that they can be seen.

    Args:
        images: The pictures; values are clipped to [0, 1].
        columns: How many side by side; default: a sheet about 1.6 times as wide as high.
        gap: Pixels between them, before enlarging.
    """
    columns = columns or max(1, round((1.6 * len(images)) ** 0.5))
    rows = -(-len(images) // columns)
    missing = rows * columns - len(images)
    images = F.pad(images, (0, gap, 0, gap), value=0.5)
    images = F.pad(images, (0, 0, 0, 0, 0, 0, 0, missing), value=0.5)
    whole = images.reshape(rows, columns, *images.shape[1:]).permute(
        2, 0, 3, 1, 4
    )  # (C, rows, H + gap, columns, W + gap)
    whole = whole.flatten(1, 2).flatten(2, 3)
    whole = whole[:, : whole.shape[1] - gap, : whole.shape[2] - gap]
    return Image.from_tensor(whole.clamp(0, 1)).enlarge(
        max(1, min(SHOWN // (images.shape[-1] - gap), PAGE // whole.shape[2]))
    )


def walk_video(pictures: Tensor, fps: float = 18) -> Video:
    """Pictures (N, C, H, W), values clipped to [0, 1], as a video there and back, enlarged so that they can be seen."""
    factor = max(1, 2 * SHOWN // pictures.shape[-1])
    frames = [Image.from_tensor(x.clamp(0, 1)).enlarge(factor).pixels for x in pictures]
    return Video(np.stack(frames + frames[::-1]), fps=fps)
