"""Augmentation of training pictures that are on the device already."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def crop_and_flip(
    images: Float[Tensor, "b c h w"], size: int, numbers: Float[Tensor, "b 3"]
) -> Float[Tensor, "b c {size} {size}"]:
    """A square piece of each picture, anywhere in it, mirrored with probability one half.

    Args:
        images: At least as high and wide as a piece.
        size: Side of a piece in pixels.
        numbers: Uniform random numbers in [0, 1): how far down and right each piece lies, and whether it is mirrored.
    """
    _, _, height, width = images.shape
    pieces = []
    for image, (down, right, mirror) in zip(images, numbers.tolist(), strict=True):
        top, left = int(down * (height - size + 1)), int(right * (width - size + 1))
        piece = image[:, top : top + size, left : left + size]
        pieces.append(piece.flip(-1) if mirror < 0.5 else piece)
    return torch.stack(pieces)
