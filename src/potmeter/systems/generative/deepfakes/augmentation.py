"""What faces go through before they are learned from, and what untouched and swapped ones go through before they are judged."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.data.face_crops import MARGIN

TURN, ZOOM, SHIFT = 0.17, 0.06, 0.05
"""Largest turn in radians, change of size, and shift as a share of the side, at a strength of 1."""
GRID = 5
"""Points of the warping grid to each side."""


def sample_crops(x: Tensor, maps: Float[Tensor, "b 2 3"], size: int) -> Tensor:
    """Crops (B, C, size, size) of pictures (B, C, S, S), where maps take the crop's [-1, 1]² to the picture's; antialiased."""
    grid = F.affine_grid(maps, [len(x), x.shape[1], 2 * size, 2 * size], align_corners=False)
    sampled = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(sampled, 2)


def middle_crops(x: Tensor, size: int) -> Tensor:
    """The crops without their margin."""
    maps = torch.eye(2, 3, device=x.device).expand(len(x), 2, 3) / MARGIN
    return sample_crops(x, maps, size)


def jitter(x: Tensor, size: int, strength: float, rng: RandomStream) -> Tensor:
    """Crops (B, C, size, size) of pictures with margin, each turned, scaled, shifted and perhaps mirrored at random.

    Args:
        x: Pictures (B, C, S, S).
        size: Of the crops.
        strength: Share of the largest turn, change of size and shift; 0 = at most mirrored.
        rng: Where the numbers come from.
    """
    angle, zoom, right, down = (strength * (2 * rng.uniform(len(x), 4) - 1)).unbind(1)
    scale = (1 + ZOOM * zoom) / MARGIN
    cosine, sine = scale * (TURN * angle).cos(), scale * (TURN * angle).sin()
    mirror = 1 - 2 * (rng.uniform(len(x)) < 0.5).float()
    rows = [mirror * cosine, -sine, SHIFT * right, mirror * sine, cosine, SHIFT * down]
    return sample_crops(x, torch.stack(rows, 1).view(-1, 2, 3), size)


def warp(faces: Float[Tensor, "b c h w"], amount: float, rng: RandomStream) -> Float[Tensor, "b c h w"]:
    """Faces whose pixels are moved as a coarse grid's points are, each at random; what is to be drawn is the face unwarped.

    Args:
        faces: Square.
        amount: Deviation of the points, as a share of the side.
        rng: Where the numbers come from.
    """
    size = faces.shape[-1]
    moves = 2 * amount * rng.normal(len(faces), 2, GRID, GRID)
    moves = F.interpolate(moves, (size, size), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    still = F.affine_grid(torch.eye(2, 3, device=faces.device)[None], [1, 1, size, size], align_corners=False)
    return F.grid_sample(faces, still + moves, mode="bilinear", padding_mode="border", align_corners=False)


def degrade(faces: Float[Tensor, "b c h w"], rng: RandomStream) -> Float[Tensor, "b c h w"]:
    """Every second face, at random, less sharp and noisier, so that a detector cannot go by that alone."""
    strength = rng.uniform(len(faces), 1, 1, 1) * (rng.uniform(len(faces), 1, 1, 1) < 0.5)
    blurred = F.avg_pool2d(F.pad(faces, (1, 1, 1, 1), mode="reflect"), 3, 1)
    noise = 0.02 * rng.uniform(len(faces), 1, 1, 1) * rng.normal(*faces.shape)
    return (faces + strength * (blurred - faces) + noise).clamp(0, 1)
