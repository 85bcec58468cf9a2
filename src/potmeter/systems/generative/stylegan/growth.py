"""Progressive growing: which resolution is being learned, and how far it has faded in.

Karras et al. 2017, "Progressive Growing of GANs" (arXiv:1710.10196), section 2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .model import Config, upsample


def growth_stage(config: Config, images_seen: int) -> tuple[int, float]:
    """The resolution, and how far it has faded in (α, 0 to 1), after so many real pictures.

    Example:
        >>> config = Config(stable_kimg=1.0, fade_kimg=1.0)
        >>> [growth_stage(config, seen) for seen in (0, 1000, 1500, 2000)]
        [(1, 1.0), (1, 1.0), (2, 0.5), (2, 1.0)]
    """
    period = config.stable_kimg + config.fade_kimg
    whole, rest = divmod(images_seen / 1000, period) if period else (config.last_level, 0.0)
    grown = whole + max(0.0, rest - config.stable_kimg) / config.fade_kimg if config.fade_kimg else whole
    level = min(config.first_level + grown, config.last_level)
    finest = math.ceil(level)
    return finest, 1.0 if level == finest else level - (finest - 1)


def downsample_to(
    images: Float[Tensor, "b c h w"], config: Config, level: int, alpha: float
) -> Float[Tensor, "b c i j"]:
    """Pictures at a resolution, blended with the upsampled coarser one as far as the networks are (α)."""
    images = F.avg_pool2d(images, 2 ** (config.last_level - level)) if level < config.last_level else images
    return images if alpha == 1 else torch.lerp(upsample(F.avg_pool2d(images, 2)), images, alpha)


def upsample_to(images: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c i j"]:
    """Pictures at full size by nearest neighbours, whatever the resolution that was learned so far."""
    return images if images.shape[-2:] == size else F.interpolate(images, size, mode="nearest")
