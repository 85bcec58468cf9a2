"""Many images as one: a grid; and one after the other: a video."""

from __future__ import annotations

import numpy as np
import PIL.Image
import torch.nn.functional as F
from torch import Tensor

from potmeter.media.image import Image
from potmeter.media.video import Video

DISPLAY_SIDE = 112
"""Side in pixels that small pictures are enlarged to, about, so that they can be seen."""
MAX_WIDTH = 1120
"""Width in pixels beyond which a grid is not enlarged."""


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
        max(1, min(DISPLAY_SIDE // (images.shape[-1] - gap), MAX_WIDTH // whole.shape[2]))
    )


def mosaic(images: Tensor, side: int, columns: int, gap: int = 4) -> Image:
    """Square pictures (N, C, S, S) in rows, on white, as one of this width."""
    cell = (side - gap * (columns - 1)) // columns
    rows = -(-len(images) // columns)
    out = PIL.Image.new("RGB", (side, rows * cell + (rows - 1) * gap), "white")
    for number, x in enumerate(images):
        row, column = divmod(number, columns)
        out.paste(resize_to_side(x, cell).pil(), (column * (cell + gap), row * (cell + gap)))
    return Image.from_pil(out)


def resize_to_side(x: Tensor, side: int) -> Image:
    """A picture (C, H, W), its longer side brought to this one: small ones by whole factors, others smoothly.

    Values are clipped to [0, 1].
    """
    picture, longest = Image.from_tensor(x.clamp(0, 1)), max(x.shape[1:])
    if (factor := side // longest) >= 3:
        picture = picture.enlarge(factor)
    height, width = (max(1, round(side * n / longest)) for n in x.shape[1:])
    return Image.from_pil(picture.pil().resize((width, height), PIL.Image.Resampling.LANCZOS))


def walk_video(pictures: Tensor, fps: float = 18) -> Video:
    """A walk through a latent space, pictures (N, C, H, W) clipped to [0, 1], as a video there and back, enlarged."""
    factor = max(1, 2 * DISPLAY_SIDE // pictures.shape[-1])
    frames = [Image.from_tensor(x.clamp(0, 1)).enlarge(factor).pixels for x in pictures]
    return Video(np.stack(frames + frames[::-1]), fps=fps)
