"""Augmentation of training pictures (B, C, H, W) in [0, 1], a minibatch at a time, every draw from one explicit stream."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.random import RandomStream


def flip(images: Tensor, rng: RandomStream) -> Tensor:
    """Mirror each picture (B, C, H, W) left to right with probability one half."""
    mirrored = rng.uniform(len(images)) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, rng: RandomStream, *, pixels: int = 1) -> Tensor:
    """Move each picture by a whole number of pixels, at most ``pixels`` along either axis, with zeros around it.

    Whole pixels keep the texture sharp, which interpolation would not.
    """
    _, _, height, width = images.shape
    padded = F.pad(images, (pixels,) * 4)
    top, left = rng.integers(2 * pixels + 1, len(images), 2).unbind(1)
    rows = top[:, None] + torch.arange(height, device=images.device)  # (B, H)
    columns = left[:, None] + torch.arange(width, device=images.device)  # (B, W)
    picture = torch.arange(len(images), device=images.device)[:, None, None]
    moved = padded[picture, :, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
    return moved.permute(0, 3, 1, 2)  # (B, C, H, W)


def affine(
    images: Tensor,
    rng: RandomStream,
    *,
    degrees: float = 10.0,
    scale: float = 0.1,
    shear: float = 0.1,
    pixels: float = 2.0,
) -> Tensor:
    """Rotate, scale, shear and translate each picture a little, with bilinear interpolation and zeros around it.

    Args:
        images: (B, C, H, W).
        rng: Where the draws come from.
        degrees: Largest rotation to either side.
        scale: Largest relative change of size, drawn for each axis by itself.
        shear: Largest sideways displacement per unit of height.
        pixels: Largest displacement along either axis.
    """
    batch, _, height, width = images.shape
    angle, slant, zoom_x, zoom_y, move_x, move_y = (2 * rng.uniform(batch, 6) - 1).unbind(1)  # each in [−1, 1)
    angle, slant = angle * math.radians(degrees), slant * shear
    zoom_x, zoom_y = 1 + scale * zoom_x, 1 + scale * zoom_y
    move_x, move_y = 2 * pixels / width * move_x, 2 * pixels / height * move_y  # the grid's coordinates span −1 … 1
    cos, sin = angle.cos(), angle.sin()
    rotate = torch.stack([cos, -sin, sin, cos], dim=-1).unflatten(1, (2, 2))
    stretch = torch.stack([zoom_x, slant, torch.zeros_like(slant), zoom_y], dim=-1).unflatten(1, (2, 2))
    move = torch.stack([move_x, move_y], dim=-1)[:, :, None]
    theta = torch.cat([rotate @ stretch, move], dim=-1)  # (B, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)  # (B, H, W, 2)
    return F.grid_sample(images, grid, align_corners=False)


def crop(images: Tensor, rng: RandomStream, *, min_area: float = 0.5) -> Tensor:
    """Cut a random square of at least ``min_area`` of each picture's area and scale it to the whole picture's size."""
    batch = len(images)
    share, across, down = rng.uniform(batch, 3).unbind(1)
    side = (min_area + (1 - min_area) * share).sqrt()
    theta = torch.zeros(batch, 2, 3, device=images.device)
    theta[:, 0, 0] = theta[:, 1, 1] = side
    theta[:, 0, 2], theta[:, 1, 2] = (1 - side) * (2 * across - 1), (1 - side) * (2 * down - 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="border")


def augment(images: Tensor, kind: str, rng: RandomStream) -> Tensor:
    """Pictures (B, C, H, W) augmented in the way that a Config names."""
    if kind == "digits":
        return affine(images, rng)
    if kind == "clothes":
        return shift(flip(images, rng), rng)
    if kind == "photos":
        return flip(crop(images, rng), rng)
    return images
