"""Mel spectrograms, what synthesis and vocoder agree on, and Griffin–Lim, which turns them back without a network."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from potmeter.errors import reject

LINEAR_STEP = 200 / 3
"""Hertz to a mel below 1 kHz (Slaney, "Auditory Toolbox", 1998)."""
BREAK, BREAK_MEL = 1000.0, 15.0
"""Where the scale turns from linear to logarithmic, in Hz and in mels."""
LOG_STEP = math.log(6.4) / 27
"""Logarithm of the factor from one mel to the next above it."""
MOMENTUM = 0.99
"""Of the fast Griffin–Lim algorithm."""
MAX_FRAMES = 200_000
"""Longest spectrogram that Griffin–Lim takes, about an hour: all of it is in memory at once."""


@dataclass(frozen=True, kw_only=True)
class MelConfig:
    """How a mel spectrogram is computed; the defaults are those of NVIDIA's Tacotron 2, but for 16 kHz.

    Raises:
        UserError: For sizes that do not fit each other.
    """

    sample_rate: int = 16_000
    """Samples per second of the wave."""
    n_fft: int = 1024
    """Points of the Fourier transform."""
    win_length: int = 1024
    """Samples under the Hann window."""
    hop_length: int = 256
    """Samples from one frame to the next."""
    n_mels: int = 80
    """Mel bands."""
    f_min: float = 0.0
    """Lower end of the lowest band in Hz."""
    f_max: float = 8000.0
    """Upper end of the highest band in Hz."""
    floor: float = 1e-5
    """Magnitudes are raised to this before the logarithm."""

    def __post_init__(self) -> None:
        sizes = (self.sample_rate, self.n_fft, self.win_length, self.hop_length, self.n_mels)
        all(size >= 1 for size in sizes) or reject("The sizes of a mel spectrogram are at least 1.", sizes)
        self.hop_length < self.win_length <= self.n_fft or reject(  # windows overlap: else no wave can be had back
            "A mel spectrogram takes hop_length < win_length ≤ n_fft.", sizes[1:4]
        )
        self.n_fft % 2 == 0 or reject(
            "A mel spectrogram takes an even n_fft, so that a frame has a centre.", self.n_fft
        )
        0 <= self.f_min < self.f_max <= self.sample_rate / 2 or reject(
            f"Mel bands lie between 0 and {self.sample_rate / 2:g} Hz, half the sample rate.",
            f"{self.f_min:g} to {self.f_max:g}",
        )
        self.floor > 0 or reject("The floor of magnitudes is above 0.", self.floor)

    @property
    def min_samples(self) -> int:
        """The shortest wave that has a spectrogram: it is mirrored by half of ``n_fft`` at either end."""
        return self.n_fft // 2 + 1

    @property
    def silence(self) -> float:
        """What the bands of digital silence are: the logarithm of the floor."""
        return math.log(self.floor)


def mel_spectrogram(wave: Float[Tensor, "*b time"], config: MelConfig) -> Float[Tensor, "*b mels frames"]:
    """The natural logarithm of the magnitudes in mel bands (Shen et al., arXiv:1712.05884, section 2.1).

    Frame k is centred at sample k · hop_length; at the ends the wave is mirrored.

    Args:
        wave: Samples in [-1, 1], at least ``config.min_samples`` of them.
        config: What it is computed with.

    Returns:
        (…, n_mels, 1 + time // hop_length).

    Raises:
        UserError: For a wave that is too short.

    Example:
        >>> mel_spectrogram(torch.zeros(16_000), MelConfig()).shape
        torch.Size([80, 63])
    """
    wave.shape[-1] >= config.min_samples or reject(
        f"A mel spectrogram takes at least {config.min_samples} samples "
        f"({1000 * config.min_samples / config.sample_rate:.0f} ms at {config.sample_rate} Hz).",
        f"{wave.shape[-1]} samples",
    )
    filters = mel_filterbank(config).to(wave)
    return (filters @ stft(wave, config).abs()).clamp_min(config.floor).log()


@functools.lru_cache(maxsize=16)
def mel_filterbank(config: MelConfig) -> Float[Tensor, "mels bins"]:
    """Triangles over the bins of the spectrum, of equal width on Slaney's mel scale and of equal area in Hz."""
    low, high = hertz_to_mel(config.f_min), hertz_to_mel(config.f_max)
    mels = torch.linspace(low, high, config.n_mels + 2, dtype=torch.float64)
    edges = torch.tensor([mel_to_hertz(mel) for mel in mels.tolist()], dtype=torch.float64)[:, None]
    bins = torch.linspace(0, config.sample_rate / 2, config.n_fft // 2 + 1, dtype=torch.float64)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = torch.minimum(rising, falling).clamp_min(0)
    return (triangles * 2 / (edges[2:] - edges[:-2])).float()


def hertz_to_mel(frequency: float) -> float:
    """Slaney's scale: linear up to 1 kHz, logarithmic above.

    Example:
        >>> [round(hertz_to_mel(frequency), 3) for frequency in (0, 1000, 6400)]
        [0.0, 15.0, 42.0]
    """
    return BREAK_MEL + math.log(frequency / BREAK) / LOG_STEP if frequency >= BREAK else frequency / LINEAR_STEP


def mel_to_hertz(mel: float) -> float:
    """The inverse of ``hertz_to_mel``."""
    return BREAK * math.exp((mel - BREAK_MEL) * LOG_STEP) if mel >= BREAK_MEL else mel * LINEAR_STEP


def stft(wave: Tensor, config: MelConfig) -> Tensor:
    """The complex spectrum (…, n_fft // 2 + 1, frames) of a wave (…, time), mirrored at its ends."""
    window = torch.hann_window(config.win_length, device=wave.device, dtype=wave.dtype)
    flat = wave.reshape(-1, wave.shape[-1])
    spectrum = torch.stft(
        flat, config.n_fft, config.hop_length, config.win_length, window, pad_mode="reflect", return_complex=True
    )
    return spectrum.reshape(*wave.shape[:-1], *spectrum.shape[1:])


def inverse_stft(spectrum: Tensor, config: MelConfig) -> Tensor:
    """The wave (…, (frames − 1) · hop_length) of a spectrum, by overlapping and adding."""
    window = torch.hann_window(config.win_length, device=spectrum.device)
    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    wave = torch.istft(flat, config.n_fft, config.hop_length, config.win_length, window)
    return wave.reshape(*spectrum.shape[:-2], wave.shape[-1])


def linear_magnitudes(mel: Tensor, config: MelConfig, iterations: int = 50) -> Tensor:
    """Magnitudes (…, bins, frames) whose mel bands are nearest to the given ones, none of them negative.

    By multiplicative updates (Lee and Seung 2001), from the filters' transpose.
    """
    filters, bands = mel_filterbank(config).to(mel), mel.exp()
    target, gram = filters.T @ bands, filters.T @ filters
    magnitudes = target.clamp_min(1e-12)
    for _ in range(iterations):
        magnitudes = magnitudes * target / (gram @ magnitudes).clamp_min(1e-12)
    return magnitudes


@torch.no_grad()
def griffin_lim(
    mel: Float[Tensor, "mels frames"],
    config: MelConfig,
    iterations: int = 60,
    *,
    follow: Any = iter,
) -> Float[Tensor, " time"]:
    """A wave with this mel spectrogram, by alternating projections from a random, fixed phase (Griffin and Lim 1984).

    The fast variant is used: each step goes on by ``MOMENTUM`` of the way that it has just gone (Perraudin et al. 2013).

    Args:
        mel: (n_mels, frames), as by ``mel_spectrogram``, at least two frames.
        config: What it was computed with.
        iterations: How many projections.
        follow: Wraps the iterations, to show how far they are: ``progress`` of a frontend.

    Returns:
        (frames − 1) · hop_length samples in [-1, 1]; what lies outside is clipped.

    Raises:
        UserError: For a spectrogram of another number of bands, or one too short or too long.
    """
    check_mel(mel, config)
    iterations >= 1 or reject("Griffin–Lim takes at least one iteration.", iterations)
    frames = mel.shape[1]
    MAX_FRAMES >= frames or reject(f"Griffin–Lim takes up to {MAX_FRAMES:,} frames.", f"{frames:,} frames")
    missing = (
        1 + -(-config.min_samples // config.hop_length) - frames
    )  # a short one goes on as silence, which is cut off
    mel = F.pad(mel.float(), (0, max(missing, 0)), value=config.silence)
    magnitudes = linear_magnitudes(mel, config)
    generator = torch.Generator().manual_seed(0)
    angles = (2 * math.pi * torch.rand(magnitudes.shape, generator=generator)).to(mel.device)
    spectrum = torch.polar(magnitudes, angles)
    before = torch.zeros_like(spectrum)
    steps: Iterable[int] = follow(range(iterations))
    for _ in steps:
        consistent = stft(inverse_stft(spectrum, config), config)
        ahead = consistent + MOMENTUM * (consistent - before)
        spectrum = magnitudes * ahead / ahead.abs().clamp_min(1e-12)
        before = consistent
    return inverse_stft(spectrum, config)[: (frames - 1) * config.hop_length].clamp(-1, 1)


def check_mel(mel: Tensor, config: MelConfig) -> None:
    """Raise UserError for what is no mel spectrogram (n_mels, frames) of finite numbers to speak: of two frames or more."""
    if mel.ndim != 2 or mel.shape[0] != config.n_mels or mel.shape[1] < 2:
        reject(f"A mel spectrogram has the shape ({config.n_mels}, frames), frames ≥ 2.", tuple(mel.shape))
    bool(mel.isfinite().all()) or reject("A mel spectrogram holds finite numbers.", "NaN or infinity")


def describe_difference(wanted: MelConfig, given: MelConfig) -> str:
    """The fields in which two configurations differ, in words; empty where they are equal.

    Example:
        >>> describe_difference(MelConfig(), MelConfig(hop_length=200))
        'hop_length 256, not 200'
    """
    pairs = ((name, getattr(wanted, name), getattr(given, name)) for name in MelConfig.__dataclass_fields__)
    return ", ".join(f"{name} {one:g}, not {other:g}" for name, one, other in pairs if one != other)


def pad_to_frames(wave: Tensor, config: MelConfig) -> Tensor:
    """The wave with zeros after it, so that its length is a multiple of ``hop_length`` and has a spectrogram."""
    hop = config.hop_length
    length = max(-(-wave.shape[-1] // hop), -(-config.min_samples // hop)) * hop
    return F.pad(wave, (0, length - wave.shape[-1]))
