"""How the networks grow: which resolution is being learned, and how far it has faded in.

Karras et al. 2017, "Progressive Growing of GANs" (arXiv:1710.10196), section 2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .model import Config, doubled


def stage(config: Config, shown: int) -> tuple[int, float]:
    """The resolution, and how far it has faded in (0 to 1), after ``shown`` real pictures.

    Example:
        >>> config = Config(stable_kimg=1.0, fade_kimg=1.0)
        >>> [stage(config, shown) for shown in (0, 1000, 1500, 2000)]
        [(1, 1.0), (1, 1.0), (2, 0.5), (2, 1.0)]
    """
    one = config.stable_kimg + config.fade_kimg
    whole, rest = divmod(shown / 1000, one) if one else (config.last, 0.0)
    grown = whole + max(0.0, rest - config.stable_kimg) / config.fade_kimg if config.fade_kimg else whole
    level = min(config.first_level + grown, config.last)
    finest = math.ceil(level)
    return finest, 1.0 if level == finest else level - (finest - 1)


def shrunk(images: Float[Tensor, "b c h w"], config: Config, level: int, share: float) -> Float[Tensor, "b c i j"]:
    """Pictures at a resolution, as far faded in as the networks are: between is the one before, doubled."""
    images = F.avg_pool2d(images, 2 ** (config.last - level)) if level < config.last else images
    return images if share == 1 else torch.lerp(doubled(F.avg_pool2d(images, 2)), images, share)


def enlarged(images: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c i j"]:
    """Pictures at full size, each pixel repeated, whatever the resolution that was learned so far."""
    return images if images.shape[-2:] == size else F.interpolate(images, size, mode="nearest")
