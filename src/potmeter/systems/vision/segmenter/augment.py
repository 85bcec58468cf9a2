"""How training pictures (B, C, H, W) in [0, 1] and their masks are varied, a minibatch at a time, from one explicit stream."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.data.mask_data import VOID


def flip(images: Tensor, masks: Tensor, rng: RandomStream) -> tuple[Tensor, Tensor]:
    """Mirror each picture, with its mask, left to right with probability one half."""
    mirrored = (rng.uniform(len(images)) < 0.5)[:, None, None]
    return torch.where(mirrored[:, None], images.flip(-1), images), torch.where(mirrored, masks.flip(-1), masks)


def turn_and_scale(
    images: Tensor, masks: Tensor, rng: RandomStream, *, degrees: float = 15.0, zoom: float = 1.5
) -> tuple[Tensor, Tensor]:
    """Turn, scale and move each picture with its mask; what comes in repeats the edge, and its class is ``VOID``.

    Args:
        images: (B, C, H, W).
        masks: (B, H, W).
        rng: Where the draws come from.
        degrees: Largest rotation to either side.
        zoom: Largest factor of magnification, and of reduction.
    """
    angle, size, right, down = (2 * rng.uniform(len(images), 4) - 1).unbind(1)  # each in [−1, 1)
    angle, factor = angle * math.radians(degrees), zoom**-size
    cos, sin = angle.cos() * factor, angle.sin() * factor
    theta = torch.stack([cos, -sin, right / 4, sin, cos, down / 4], dim=-1).unflatten(1, (2, 3))
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)  # (B, H, W, 2)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    labels = masks[:, None].float() - VOID  # what comes in is 0, which is VOID
    labels = F.grid_sample(labels, grid, mode="nearest", padding_mode="zeros", align_corners=False)[:, 0] + VOID
    return moved, labels.round().long()


def recolour(images: Tensor, rng: RandomStream) -> Tensor:
    """Other colours, contrast and light: of a quarter the channels mixed anew, of a tenth none left."""
    n, _, _, _ = images.shape
    chosen, mix, gain, shift = rng.uniform(n, 4), rng.uniform(n, 3, 3), rng.uniform(n, 3), rng.uniform(n, 3)
    anew = mix / mix.sum(2, keepdim=True)  # each new channel a mean of the old ones
    identity = torch.eye(3).to(images).expand(n, 3, 3)
    grey = torch.full((n, 3, 3), 1 / 3).to(images)
    matrix = torch.where((chosen[:, 0] < 0.25)[:, None, None], 1.5 * anew - 0.5 / 3, identity)
    matrix = torch.where((chosen[:, 0] > 0.9)[:, None, None], grey, matrix)
    mixed = torch.einsum("bij,bjhw->bihw", matrix, images)
    gain, shift = 0.7 + 0.6 * gain, 0.3 * (shift - 0.5)
    gain, shift = gain[:, :, None, None], shift[:, :, None, None]
    return torch.where((chosen[:, 1] < 0.7)[:, None, None, None], (mixed - 0.5) * gain + 0.5 + shift, mixed).clamp(0, 1)


def relight(images: Tensor, rng: RandomStream) -> Tensor:
    """Light that changes over the picture and, finer, texture: products with smooth random fields of three scales."""
    n, _, height, width = images.shape
    amounts, light = rng.uniform(n, 3), torch.zeros(n, 1, height, width).to(images)
    for number, (side, most) in enumerate(((3, 0.3), (max(2, height // 8), 0.15), (max(2, height // 2), 0.12))):
        field = rng.normal(n, 1, side, side)
        amount = most * (amounts[:, number] - 0.4).clamp(min=0)[:, None, None, None] / 0.6
        light = light + amount * F.interpolate(field, (height, width), mode="bilinear", align_corners=False)
    return (images * (1 + light)).clamp(0, 1)


def blur(images: Tensor, rng: RandomStream) -> Tensor:
    """A quarter of the pictures less sharp, as small photographs enlarged."""
    coarse = F.interpolate(F.avg_pool2d(images, 2), images.shape[2:], mode="bilinear", align_corners=False)
    return torch.where((rng.uniform(len(images)) < 0.25)[:, None, None, None], coarse, images)


def augment(images: Tensor, masks: Tensor, kind: str, rng: RandomStream) -> tuple[Tensor, Tensor]:
    """The variation that a Config names."""
    if kind == "none":
        return images, masks
    images, masks = flip(images, masks, rng)
    if kind == "people":
        varied, moved = turn_and_scale(images, masks, rng)
        varied = blur(relight(recolour(varied, rng), rng), rng)
        chosen = (rng.uniform(len(images)) < 0.5)[:, None, None]  # half of them stay as they were drawn
        images, masks = torch.where(chosen[:, None], varied, images), torch.where(chosen, moved, masks)
    return images, masks
