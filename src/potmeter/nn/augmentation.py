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


DIFF_NUMBERS = 7
"""Uniform random numbers that ``diff_augment`` takes for each picture."""
TRANSLATION, CUTOUT = 1 / 8, 1 / 2
"""By what share of their sides pictures are moved at most; side of the square that is cut out, as a share of theirs."""


def diff_augment(images: Float[Tensor, "b 3 h w"], numbers: Float[Tensor, "b 7"]) -> Float[Tensor, "b 3 h w"]:
    """Differentiable augmentation: color, translation and cutout (DiffAugment, Zhao et al. 2020, arXiv:2006.10738).

    Real and generated pictures are augmented alike before a discriminator sees either, and the generator's gradients go back
    through it: the discriminator memorises a small training set later, and what is generated bears no trace of it.

    Args:
        images: In [−1, 1]; the results may lie outside.
        numbers: Uniform random numbers in [0, 1), ``DIFF_NUMBERS`` for each picture: of brightness, saturation and contrast,
            how far it is moved down and right, and where the piece is.

    Example:
        >>> diff_augment(torch.zeros(2, 3, 8, 8), torch.rand(2, 7)).shape
        torch.Size([2, 3, 8, 8])
    """
    numbers = numbers.to(images.device)[:, :, None, None, None]
    brightness, saturation, contrast, *places = numbers.unbind(1)  # (B, 1, 1, 1) each
    x = images + brightness - 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + 2 * saturation * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (contrast + 0.5) * (x - mean)
    y_shift, x_shift, y_cut, x_cut = (place.flatten() for place in places)
    rows, inside_y, cut_y = moved_places(images.shape[2], y_shift, y_cut)
    columns, inside_x, cut_x = moved_places(images.shape[3], x_shift, x_cut)
    batch = torch.arange(len(x), device=x.device)[:, None, None]
    x = x[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)  # (B, 3, H, W)
    inside = inside_y[:, :, None] & inside_x[:, None, :]
    return x * (inside & ~(cut_y[:, :, None] & cut_x[:, None, :]))[:, None]


def moved_places(size: int, shift: Float[Tensor, " b"], cut: Float[Tensor, " b"]) -> tuple[Tensor, Tensor, Tensor]:
    """Along one side of pictures: where each pixel comes from, whether that is in the picture, and whether it is cut out.

    Args:
        size: Pixels of the side.
        shift, cut: Uniform random numbers in [0, 1) for each picture: how far it is moved, and the middle of the piece.

    Returns:
        Tensors (B, size): int64, bool and bool.
    """
    most, piece = round(size * TRANSLATION), round(size * CUTOUT)
    places = torch.arange(size, device=shift.device)
    source = places - ((2 * most + 1) * shift).long()[:, None] + most
    first = ((size + 1 - piece % 2) * cut).long()[:, None] - piece // 2
    return source.clamp(0, size - 1), (source >= 0) & (source < size), (places >= first) & (places < first + piece)
