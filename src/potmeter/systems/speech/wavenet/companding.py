"""µ-law companding (ITU-T G.711) and pre-emphasis: how a wave becomes what the network predicts, and back."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

LEVELS = 256
"""Levels of the µ-law."""
MU = LEVELS - 1


def encode_levels(wave: Float[Tensor, ...]) -> Int[Tensor, ...]:
    """The nearest µ-law level, 0 to 255, of samples in [-1, 1]: sign(x) ln(1 + µ|x|) / ln(1 + µ), evenly quantised.

    Example:
        >>> encode_levels(torch.tensor([-1.0, 0.0, 0.01, 1.0]))
        tensor([  0, 128, 157, 255])
    """
    companded = wave.sign() * torch.log1p(MU * wave.abs().clamp(max=1)) / math.log1p(MU)
    return ((companded + 1) / 2 * MU + 0.5).floor().long()


def decode_levels(levels: Int[Tensor, ...]) -> Float[Tensor, ...]:
    """The sample that a level stands for; the inverse of ``encode_levels``."""
    companded = 2 * levels.float() / MU - 1
    return companded.sign() * torch.expm1(companded.abs() * math.log1p(MU)) / MU


def emphasise(wave: Float[Tensor, "*b t"], emphasis: float) -> Float[Tensor, "*b t_less_1"]:
    """x[t] - emphasis · x[t - 1], in [-1, 1], of all samples but the first."""
    return (wave[..., 1:] - emphasis * wave[..., :-1]).clamp(-1, 1)


def deemphasise(spoken: np.ndarray, emphasis: float, before: float = 0.0) -> np.ndarray:
    """The inverse of ``emphasise``: y[t] = x[t] + emphasis · y[t - 1], float64 (time,), where ``before`` is y[-1]."""
    from scipy.signal import lfilter

    wave: np.ndarray = lfilter([1.0], [1.0, -emphasis], spoken.astype(np.float64), zi=[emphasis * before])[0]
    return wave
