"""WaveNet: every sample of a wave predicted from those before it, by dilated causal convolutions (arXiv:1609.03499)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.mel import MelConfig

from .companding import LEVELS

UNROLL = 4
"""Channels that the compiled loop multiplies at once: it takes numbers of channels that this divides."""
BLOCKS = 4
"""Between two frames of the spectrogram the features take so many values: each holds for hop_length / BLOCKS samples."""
MARGIN = 2
"""Frames on either side that the features of a frame are made from, too."""
MEL_CENTRE, MEL_SCALE = -5.0, 3.0
"""By which spectrograms, from -11.5 to about 2, are brought to the size of one."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Sizes of the network, and what it hears and speaks."""

    sample_rate: Annotated[int, Range(1000, 192_000)] = 16_000
    """Samples per second; sounds of other rates are resampled."""
    dilations: tuple[int, ...] = (1, 3, 9, 27, 81, 1, 3, 9, 27, 81)
    """Dilation of each residual block's convolution, in samples."""
    kernel_size: Annotated[int, Range(1, 64)] = 3
    """Samples that a convolution sees."""
    residual_channels: Annotated[int, Range(1, 4096)] = 48
    """Channels of the residual stream, and half of those of the gated convolutions; a multiple of 4."""
    skip_channels: Annotated[int, Range(1, 4096)] = 64
    """Channels of the skip connections' sum, and of the layer after it; a multiple of 4."""
    output: Literal["softmax", "logistics"] = "softmax"
    """Distribution of the next sample: a softmax over 256 µ-law levels, or a mixture of logistics over 16 bits."""
    mixtures: Annotated[int, Range(1, 64)] = 10
    """Logistic distributions in the mixture."""
    linear_prediction: Annotated[int, Range(0, 64)] = 0
    """Past samples from which the spectrogram's envelope predicts the next; the network then speaks the excitation, as a
    mixture. 0 = it predicts by itself, as in the paper."""
    emphasis: Annotated[float, Range(0, 1, open="high")] = 0.85
    """Pre-emphasis: the network speaks x[t] - emphasis · x[t - 1], so that its noise hides below the voice; 0 = none."""
    condition: Literal["none", "mel"] = "mel"
    """Whether the wave follows a mel spectrogram, or nothing."""
    condition_channels: Annotated[int, Range(1, 1024)] = 64
    """Channels of the features that a spectrogram is turned into."""
    hop_length: Annotated[int, Range(BLOCKS, 8192)] = 256
    """Samples from one frame of the spectrogram to the next; a multiple of 4."""
    n_fft: Annotated[int, Range(16, 65_536)] = 1024
    """Samples under its window, and points of its Fourier transform."""
    n_mels: Annotated[int, Range(1, 512)] = 80
    """Its bands, up to 8 kHz or half the sample rate."""
    by_speaker: bool = False
    """Whether the voice is chosen by name: each folder of the data is a speaker."""
    speakers: tuple[str, ...] = ()
    """Names of the speakers; found in the data."""
    segment: Annotated[int, Range(BLOCKS, 2**24)] = 4096
    """Samples of a segment that is trained on; a multiple of hop_length."""
    gain: Annotated[float, Range(0, 40)] = 6.0
    """Segments are made louder or quieter by up to so many dB, evenly drawn."""
    muon_lr: Annotated[float, Range(0)] = 0.0
    """Peak learning rate of Muon, which then trains the matrices of the residual blocks; 0 = AdamW trains all. A long
    training wants a weight decay with it: without one the matrices grow as long as the rate is high."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the residual blocks in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        good = bool(self.dilations) and all(1 <= dilation <= 2**20 for dilation in self.dilations)
        good or reject("dilations are whole numbers from 1 on, one a block.", self.dilations)
        for name in ("residual_channels", "skip_channels"):
            size = getattr(self, name)
            size % UNROLL == 0 or reject(f"{name} is a multiple of {UNROLL}.", size)
        self.hop_length % BLOCKS == 0 or reject(f"hop_length is a multiple of {BLOCKS}.", self.hop_length)
        self.segment % self.hop_length == 0 or reject("segment is a multiple of hop_length.", self.segment)
        if self.linear_prediction and (self.condition, self.output) != ("mel", "logistics"):
            reject("linear_prediction takes condition mel and output logistics.", f"{self.condition}, {self.output}")
        self.mel  # refuses what fits no spectrogram

    @property
    def mel(self) -> MelConfig:
        """How the mel spectrogram is computed."""
        return MelConfig(
            sample_rate=self.sample_rate, n_fft=self.n_fft, win_length=self.n_fft, hop_length=self.hop_length,
            n_mels=self.n_mels, f_max=min(8000.0, self.sample_rate / 2),
        )  # fmt: skip

    @property
    def receptive_field(self) -> int:
        """Samples that a prediction hangs on."""
        return (self.kernel_size - 1) * (1 + sum(self.dilations)) + 1

    @property
    def conditioned(self) -> bool:
        """Whether anything but the past steers the wave."""
        return self.condition == "mel" or self.by_speaker

    @property
    def inputs(self) -> int:
        """Numbers that say what a sample is: one-hot levels; itself; or itself and its excitation."""
        return LEVELS if self.output == "softmax" else 2 if self.linear_prediction else 1

    @property
    def outputs(self) -> int:
        """Numbers that describe the distribution of the next sample."""
        return LEVELS if self.output == "softmax" else 3 * self.mixtures


class CausalConv(nn.Module):
    """A convolution over time that sees nothing of the future: y[t] = b + Σⱼ W[:, :, j] x[t - (k - 1 - j) · dilation].

    Before the beginning there are zeros. The weight is that of ``nn.Conv1d``; sequences are (B, T, C).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(
            torch.randn(out_channels, in_channels, kernel_size) / (in_channels * kernel_size) ** 0.5
        )
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def delay(self, tap: int) -> int:
        """By how many samples the input of a tap lies in the past."""
        return (self.weight.shape[2] - 1 - tap) * self.dilation

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t o"]:
        y = self.bias.expand(*x.shape[:2], -1)
        for tap in range(self.weight.shape[2]):
            y = y + F.linear(shift(x, self.delay(tap)), self.weight[:, :, tap])
        return y


class LevelConv(CausalConv):
    """The first causal convolution where the input is one of 256 levels, a one-hot vector: columns are looked up."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.bias.expand(*x.shape, -1)
        for tap in range(self.weight.shape[2]):
            y = y + shift(F.embedding(x, self.weight[:, :, tap].t()), self.delay(tap))
        return y


def shift(x: Float[Tensor, "b t c"], steps: int) -> Float[Tensor, "b t c"]:
    """The sequence delayed by some steps, with zeros before it."""
    return F.pad(x, (0, 0, steps, 0))[:, : x.shape[1]] if steps else x


class ResidualBlock(nn.Module):
    """z = tanh(W₁ ∗ x + V₁ c) ⊙ σ(W₂ ∗ x + V₂ c); x + W₃ z goes on, W₄ z is skipped to the end (equations 2 and 3).

    The last block has no W₃, since nothing hears it. W₃ and W₄ need no bias: those of what follows take its place.
    """

    def __init__(self, config: Config, dilation: int, *, last: bool = False) -> None:
        super().__init__()
        c = config
        self.conv = CausalConv(c.residual_channels, 2 * c.residual_channels, c.kernel_size, dilation)
        self.condition = nn.Linear(c.condition_channels, 2 * c.residual_channels, bias=False) if c.conditioned else None
        self.residual = None if last else nn.Linear(c.residual_channels, c.residual_channels, bias=False)
        self.skip = nn.Linear(c.residual_channels, c.skip_channels, bias=False)

    def forward(self, x: Tensor, features: Tensor | None) -> tuple[Tensor, Tensor]:
        """The residual stream (B, T, R) and the skip connection (B, T, S); features (B, blocks, C), or none."""
        z = self.conv(x)
        if self.condition is not None and features is not None:
            held = self.condition(features).repeat_interleave(x.shape[1] // features.shape[1], dim=1)
            z = z + held
        filtered, gate = z.chunk(2, dim=2)
        z = filtered.tanh() * gate.sigmoid()
        return x if self.residual is None else x + self.residual(z), self.skip(z)


class Conditioner(nn.Module):
    """Turns a mel spectrogram, and who speaks, into features of time that steer every block."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, width = config, config.condition_channels
        self.mel = None
        if c.condition == "mel":
            self.mel = nn.Sequential(nn.Conv1d(c.n_mels, width, 3), nn.ReLU(), nn.Conv1d(width, width, 3))
        self.speaker = nn.Embedding(len(c.speakers), width) if c.by_speaker and c.speakers else None

    def forward(self, mel: Tensor | None, speaker: Tensor | None, frames: int) -> Tensor | None:
        """Features (B, frames · BLOCKS, C): linear between the frames.

        Args:
            mel: (B, frames + 1 + 2 · MARGIN, n_mels), or None where it is not conditioned on it.
            speaker: Its number (B,), or None.
            frames: How many frames are to be spoken.
        """
        features = None
        if self.mel is not None and mel is not None:
            at_frames = self.mel(((mel - MEL_CENTRE) / MEL_SCALE).transpose(1, 2)).transpose(1, 2)  # (B, frames + 1, C)
            place = (torch.arange(BLOCKS).to(at_frames) + 0.5)[:, None] / BLOCKS
            features = torch.lerp(at_frames[:, :-1, None], at_frames[:, 1:, None], place).flatten(1, 2)
        if self.speaker is not None and speaker is not None:
            who = self.speaker(speaker)[:, None]
            features = who.expand(-1, frames * BLOCKS, -1) if features is None else features + who
        return features


class WaveNet(nn.Module):
    """The network: what the sample after each one may be.

    Args:
        config: The sizes.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = self.config = config
        first = LevelConv if c.output == "softmax" else CausalConv
        self.first = first(c.inputs, c.residual_channels, c.kernel_size)
        count = len(c.dilations)
        self.blocks = nn.ModuleList(
            ResidualBlock(c, dilation, last=number == count) for number, dilation in enumerate(c.dilations, 1)
        )
        self.hidden = nn.Linear(c.skip_channels, c.skip_channels)
        self.head = nn.Linear(c.skip_channels, c.outputs)
        self.conditioner = Conditioner(c)
        if c.output == "softmax":  # neighbouring levels begin with neighbouring vectors
            level = torch.linspace(-1, 1, LEVELS)[:, None]
            waves = torch.cat([level, torch.cos(torch.pi * level * torch.arange(1, 16)), level.sign()], 1)
            mix = torch.randn(waves.shape[1], c.residual_channels * c.kernel_size) / (4 * c.kernel_size**0.5)
            self.first.weight.data = (
                (waves @ mix).view(LEVELS, c.residual_channels, c.kernel_size).transpose(0, 1).clone()
            )

    def forward(
        self, inputs: Tensor, features: Float[Tensor, "b blocks c"] | None = None
    ) -> Float[Tensor, "b t outputs"]:
        """The distribution of each next sample.

        Args:
            inputs: The samples: levels int64 (B, T) for the softmax, float (B, T, inputs) for the mixture.
            features: Of the ``Conditioner``; T is a multiple of their number. None = not conditioned.

        Returns:
            Logits of the levels, or the parameters of the mixture.
        """
        x = self.first(inputs)
        skips: Tensor | float = 0.0
        for block in self.blocks:
            x, skip = block(x, features)
            skips = skips + skip
        return self.read_out(skips)

    def read_out(self, skips: Tensor | float) -> Tensor:
        """The two layers after the sum of the skip connections."""
        assert isinstance(skips, Tensor)
        logits: Tensor = self.head(F.relu(self.hidden(F.relu(skips))))
        return logits
