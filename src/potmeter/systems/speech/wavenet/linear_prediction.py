"""Linear prediction by the spectrogram: the network speaks only what the envelope of the spectrum does not tell.

A frame's mel bands are an envelope; its inverse transform is an autocorrelation, whose predictor of some order is the filter of
the vocal tract (Makhoul 1975). The network then gives the distribution of the excitation, in units of its expected size, and
the sample's is that, scaled and moved by the prediction (LP-WaveNet, arXiv:1811.11913; LPCNet, arXiv:1810.11846).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from potmeter.nn.mel import MelConfig, mel_filterbank

from .model import BLOCKS, MARGIN

QUIETEST = 1e-5
"""Smallest size of an excitation that is expected: what digital silence has."""
LARGEST = 16.0
"""Excitations count as no larger than so many times what is expected."""
LAG_WINDOW = 60.0
"""Hertz by which the peaks of the envelope are widened."""


class Filters(NamedTuple):
    """Of each block of samples how the next one is predicted."""

    coefficients: Tensor
    """(…, blocks, order): of the newest sample first."""
    gain: Tensor
    """(…, blocks): expected size of the excitation."""
    level: Tensor
    """(…, blocks): expected size of a sample."""


@torch.no_grad()
def prediction_filters(mel: Tensor, config: MelConfig, order: int, emphasis: float) -> Filters:
    """The filters of a spectrogram, linear between its frames.

    Args:
        mel: (…, frames + 1 + 2 · MARGIN, n_mels).
        config: What it was computed with.
        order: How many past samples the prediction sees.
        emphasis: Pre-emphasis of the wave that is predicted.
    """
    inner = mel[..., MARGIN : mel.shape[-2] - MARGIN, :].double()
    filters = mel_filterbank(config).to(inner)
    bands = inner.exp() / filters.sum(1)  # mean magnitude in each
    shares = filters / filters.sum(1, keepdim=True)
    shares = shares / shares.sum(0).clamp_min(1e-9)
    covered = (filters.sum(0) > 0).to(inner)
    magnitudes = bands @ shares * covered + bands[..., -1:] * (1 - covered)  # above the bands as in the last
    angles = torch.linspace(0, torch.pi, filters.shape[1], dtype=inner.dtype, device=inner.device)
    power = magnitudes.square() * (1 + emphasis**2 - 2 * emphasis * angles.cos())
    window = torch.hann_window(config.win_length, dtype=inner.dtype, device=inner.device)
    correlation = torch.fft.irfft(power)[..., : order + 1] / window.square().sum()
    place = ((torch.arange(BLOCKS).to(inner) + 0.5) / BLOCKS)[:, None]
    correlation = torch.lerp(correlation[..., :-1, None, :], correlation[..., 1:, None, :], place).flatten(-3, -2)
    lags = torch.arange(order + 1).to(inner)
    correlation = correlation * torch.exp(-0.5 * (2 * torch.pi * LAG_WINDOW / config.sample_rate * lags).square())
    correlation[..., 0] = correlation[..., 0] * (1 + 1e-4) + QUIETEST**2
    rows = correlation[..., (lags[:-1, None] - lags[:-1]).abs().long()]  # (…, blocks, order, order)
    coefficients = torch.linalg.solve(rows, correlation[..., 1:])
    error = correlation[..., 0] - (coefficients * correlation[..., 1:]).sum(-1)
    gain = error.clamp_min(QUIETEST**2).sqrt()
    return Filters(coefficients.float(), gain.float(), correlation[..., 0].sqrt().float())


def predict_and_excite(wave: Tensor, filters: Filters, hold: int) -> tuple[Tensor, Tensor, Tensor]:
    """What is expected of each sample, and what the network hears.

    Args:
        wave: (B, order + T): past samples, the last of them, T, being those before each that is predicted.
        filters: Of T / hold blocks.
        hold: Samples of a block.

    Returns:
        The prediction and the expected size of the excitation (B, T), and the inputs (B, T, 2): the sample before, in units of
        its expected size, and its excitation.
    """
    order = filters.coefficients.shape[-1]
    held = filters.coefficients.repeat_interleave(hold, dim=1)  # (B, T, order)
    gain, level = (one.repeat_interleave(hold, dim=1) for one in (filters.gain, filters.level))
    first = (slice(None), slice(1))  # the sample before the first is taken for one of the first block
    past = wave.unfold(1, order, 1).flip(2)  # (B, T + 1, order), the newest first
    expected = (past * torch.cat([held[first], held], 1)).sum(2)  # (B, T + 1)
    before, size = wave[:, order:], torch.cat([gain[first], gain[:, :-1]], 1)
    excitation = ((before - expected[:, :-1]) / size).clamp(-LARGEST, LARGEST)
    scaled = (before / torch.cat([level[first], level[:, :-1]], 1)).clamp(-LARGEST, LARGEST)
    return expected[:, 1:], gain, torch.stack([scaled, excitation], 2)


def move_mixture(parameters: Tensor, expected: Tensor, gain: Tensor) -> Tensor:
    """The mixture (B, T, 3K) of a sample from that of its excitation: scaled by ``gain``, moved by what is ``expected``."""
    logits, means, log_scales = parameters.chunk(3, dim=-1)
    return torch.cat([logits, expected[..., None] + gain[..., None] * means, log_scales + gain[..., None].log()], -1)
