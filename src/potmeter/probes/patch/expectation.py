"""Where a patch may lie and how it may be lit: the transformations over which the expectation is taken.

A patch is round and is given as the square around it. Everything is differentiable in the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.errors import reject

MAX_ROTATION = 45
"""Largest rotation of a patch, either way, in degrees."""
GAIN, OFFSET = 0.2, 0.1
"""How much brighter or darker a patch may be than the photo: factors 1 ± GAIN, then ± OFFSET of full brightness."""


@dataclass(frozen=True)
class Placement:
    """Where and how one patch is pasted into each of a batch of pictures. Tensors of shape (B,)."""

    share: float
    """Of each picture's area that the patch covers; the same for the whole batch."""
    x: Tensor
    y: Tensor
    """Place within what the disc leaves free: 0 touches the left or upper edge, 1 the right or lower one."""
    angle: Tensor
    """Degrees, counter-clockwise."""
    gain: Tensor
    offset: Tensor
    """The light: colours are multiplied by the one and the other is added."""


def fixed_placement(share: float, x: float = 0.5, y: float = 0.5, angle: float = 0.0) -> Placement:
    """One placement, in the photo's own light."""
    return Placement(share, *(torch.tensor([value]) for value in (x, y, angle, 1.0, 0.0)))


def random_placements(count: int, share: float, rng: RandomStream) -> Placement:
    """Random places, rotations and lights, all uniform.

    Args:
        count: How many.
        share: Of the picture's area.
        rng: Where the numbers come from.
    """
    x, y, angle, gain, offset = rng.uniform(5, count)
    return Placement(
        share, x, y, MAX_ROTATION * (2 * angle - 1), 1 + GAIN * (2 * gain - 1), OFFSET * (2 * offset - 1)
    )  # fmt: skip


def paste_patch(photos: Tensor, patch: Tensor, where: Placement) -> Tensor:
    """Paste a patch into pictures.

    Args:
        photos: (B, C, H, W) in [0, 1]; C is 3, or 1, for which the patch turns grey (ITU-R 601).
        patch: (3, S, S) in [0, 1]; the disc in it counts.
        where: B placements.

    Returns:
        (B, C, H, W) in [0, 1]. Pixels outside the disc are the photos', to the bit; those on its rim are mixed, so that
        the pixels' shares in the patch add up to ``where.share`` of the picture.

    Raises:
        UserError: When a disc of that size does not fit into the picture.
    """
    height, width = photos.shape[-2:]
    radius = math.sqrt(where.share * height * width / math.pi)
    fits = 0 < 2 * radius <= min(height, width)
    fits or reject(f"A round patch of that share must fit into {width} × {height} pixels.", where.share)
    patch = shrink_patch(patch, math.ceil(2 * radius))
    patch = luminance(patch) if photos.shape[1] == 1 else patch
    x, y, angle, gain, offset = (
        value.to(photos)[:, None, None] for value in (where.x, where.y, where.angle, where.gain, where.offset)
    )
    right = (
        torch.arange(width).to(photos) + 0.5 - radius - x * (width - 2 * radius)
    )  # (B, 1, W), from the disc's centre
    down = torch.arange(height).to(photos)[:, None] + 0.5 - radius - y * (height - 2 * radius)  # (B, H, 1)
    cos, sin = angle.deg2rad().cos(), angle.deg2rad().sin()
    grid = torch.stack([cos * right - sin * down, sin * right + cos * down], -1) / radius  # (B, H, W, 2)
    colours = F.grid_sample(
        patch.expand(len(grid), -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    colours = (gain[:, None] * colours + offset[:, None]).clamp(0, 1)
    cover = (radius + 0.5 - (right.square() + down.square()).sqrt()).clamp(0, 1)[:, None]  # (B, 1, H, W)
    return photos + cover * (colours - photos)


def shrink_patch(patch: Tensor, size: int) -> Tensor:
    """A patch (3, S, S) reduced to the size that it is pasted with, so that rotating it skips no pixels."""
    if size >= patch.shape[-1]:
        return patch
    return F.interpolate(patch[None], (size, size), mode="bilinear", antialias=True, align_corners=False)[0]


def luminance(patch: Tensor) -> Tensor:
    """Luminance (1, S, S) by ITU-R 601, as ``Image.tensor`` takes it."""
    return (patch * patch.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0, keepdim=True)


def disc(size: int) -> Tensor:
    """(size, size): 1 inside the largest disc, 0 outside, shares of pixels on its rim."""
    axis = torch.arange(size) + 0.5 - size / 2
    return (size / 2 + 0.5 - (axis.square() + axis[:, None].square()).sqrt()).clamp(0, 1)
