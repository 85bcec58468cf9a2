"""Small random transformations of a picture before every step: what only one exact position would show cannot grow.

Distill 2017, section "Transformation Robustness". The sequence there (pad, jitter, scale, rotate, jitter again) is one
affine map, so it costs one interpolation here instead of two, and each picture of a batch moves by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Transforms:
    """How far pictures of about 128 pixels are transformed."""

    pad: float = 12
    """Pixels of background added on each side."""
    jitter: float = 8
    """Range of a first random shift, in pixels."""
    scale: tuple[float, float] = (0.9, 1.1)
    """Least and largest enlargement."""
    angle: float = 10
    """Largest rotation in degrees, either way."""
    last_jitter: float = 4
    """Range of a shift after the rotation, in pixels."""

    def __post_init__(self) -> None:
        min(self.pad, self.jitter, self.angle, self.last_jitter) >= 0 or reject(
            "pad, jitter and angle must not be negative.", self
        )
        0 < self.scale[0] <= self.scale[1] or reject("scale goes from a positive number to no smaller one.", self.scale)

    def rescale(self, factor: float) -> Self:
        """The same for pictures of another size: distances times ``factor``."""
        return replace(self, pad=self.pad * factor, jitter=self.jitter * factor, last_jitter=self.last_jitter * factor)

    @property
    def border(self) -> int:
        """Pixels by which what the network sees is larger than the picture."""
        return max(0, round(2 * self.pad - self.jitter - self.last_jitter))

    def affine_maps(self, count: int, rng: RandomStream) -> Float[Tensor, "b 2 3"]:
        """Affine maps, in pixels from the middle, from what the network sees back to the picture."""
        draws = rng.uniform(count, 6)
        first, last = (draws[:, :2] - 0.5) * self.jitter, (draws[:, 2:4] - 0.5) * self.last_jitter  # (B, 2)
        low, high = self.scale
        size = low + (high - low) * draws[:, 4]
        turn = (2 * draws[:, 5] - 1) * math.radians(self.angle)
        cos, sin = turn.cos() / size, turn.sin() / size
        back = torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 1)  # (B, 2, 2): turned, shrunk
        shift = first + (back @ last[:, :, None])[:, :, 0]
        return torch.cat([back, shift[:, :, None]], 2)

    def __call__(
        self, images: Float[Tensor, "b c h w"], rng: RandomStream, background: Tensor, size: int | None = None
    ) -> Float[Tensor, "b c s s"]:
        """Move each picture.

        Args:
            images: Square pictures in [0, 1].
            rng: Where the movements are drawn from.
            background: (C, 1, 1), what lies around a picture.
            size: Side of what is returned; default: the picture's and ``border``.
        """
        side = images.shape[-1]
        size = size or side + self.border
        maps = self.affine_maps(len(images), rng).to(images)
        maps = maps * images.new_tensor([size / side, size / side, 2 / side])  # grid_sample counts from −1 to 1
        grid = F.affine_grid(maps, [len(images), images.shape[1], size, size], align_corners=False)
        moved = F.grid_sample(images - background, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return moved + background


NONE = Transforms(pad=0, jitter=0, scale=(1.0, 1.0), angle=0, last_jitter=0)
"""The picture as it is."""
