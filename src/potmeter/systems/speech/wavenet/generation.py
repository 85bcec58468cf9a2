"""The network as a voice that goes on: chunks of a wave, each from the state that the one before left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from .companding import LEVELS, decode_levels, deemphasise, encode_levels
from .kernel import PANEL, State, Steering, Weights, generate
from .linear_prediction import LARGEST, prediction_filters
from .logistics import MIN_LOG_SCALE
from .model import BLOCKS, MARGIN, ResidualBlock, WaveNet

CHUNK = 16
"""Frames that are spoken at once: a quarter of a second, usually."""


def pack_panels(weight: Tensor, depth: int | None = None) -> np.ndarray:
    """The matrix (out, in) as panels (out / PANEL, in, PANEL), filled up with zeros."""
    out, inner = weight.shape
    panels = torch.zeros(-(-out // PANEL) * PANEL, depth or inner)
    panels[:out, :inner] = weight.detach().float().cpu()
    return panels.unflatten(0, (-1, PANEL)).transpose(1, 2).contiguous().numpy()


def pack_bias(bias: Tensor) -> np.ndarray:
    """The bias (out,), filled up to whole panels."""
    padded = torch.zeros(-(-len(bias) // PANEL) * PANEL)
    padded[: len(bias)] = bias.detach().float().cpu()
    return padded.numpy()


def pack_weights(network: WaveNet) -> Weights:
    """The network's weights as the compiled loop reads them."""
    c, blocks = network.config, cast(list[ResidualBlock], list(network.blocks))
    conv = [pack_panels(b.conv.weight.transpose(1, 2).flatten(1)) for b in blocks]  # (2R, taps · R), the oldest first
    nothing = torch.zeros(c.residual_channels, c.residual_channels)
    out = [
        pack_panels(torch.cat([nothing if b.residual is None else b.residual.weight.cpu(), b.skip.weight.cpu()]))
        for b in blocks
    ]
    delays = [(c.kernel_size - 1) * dilation for dilation in c.dilations]
    softmax = int(c.output == "softmax")
    return Weights(
        first=network.first.weight.detach().float().cpu().permute(2, 1, 0).contiguous().numpy(),
        first_bias=network.first.bias.detach().float().cpu().numpy(),
        conv=np.stack(conv),
        out=np.stack(out),
        hidden=pack_panels(network.hidden.weight),
        hidden_bias=pack_bias(network.hidden.bias),
        head=pack_panels(network.head.weight),
        head_bias=pack_bias(network.head.bias),
        sizes=np.array([c.residual_channels, c.skip_channels, c.outputs, c.kernel_size, softmax]),
        delays=np.array(delays),
    )


def begin(network: WaveNet) -> State:
    """The state before the first sample: one of silence has been heard, and nothing before it."""
    c = network.config
    delays = [(c.kernel_size - 1) * dilation for dilation in c.dilations]
    starts = np.cumsum([0, *delays])
    levels = np.full(c.kernel_size, -1, np.int64)
    levels[-1] = int(encode_levels(torch.zeros(()))) if c.output == "softmax" else 0
    return State(
        queues=np.zeros((int(starts[-1]), c.residual_channels), np.float32),
        starts=starts[:-1].astype(np.int64),
        places=np.zeros(len(delays), np.int64),
        levels=levels,
        heard=np.zeros((c.kernel_size, c.inputs if c.output == "logistics" else 1), np.float32),
        past=np.zeros(c.linear_prediction, np.float32),
    )


class Voice:
    """A network that speaks, chunk by chunk; what it has spoken is its own past.

    Args:
        network: The network.
        speaker: Number of the speaker.
        temperature: Of the distributions that samples are drawn from; below 1 tamer.
        seed: Of the random numbers.
    """

    def __init__(self, network: WaveNet, *, speaker: int = 0, temperature: float = 1.0, seed: int = 0) -> None:
        self.network, self.speaker, self.temperature = network, speaker, temperature
        self.weights, self.state = pack_weights(network), begin(network)
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.table = decode_levels(torch.arange(LEVELS)).numpy()

    @torch.no_grad()
    def steer(self, mel: Tensor | None, frames: int) -> Steering:
        """What steers the next frames.

        Args:
            mel: (frames + 1 + 2 · MARGIN, n_mels), or None.
            frames: How many frames.
        """
        network, c, device = self.network, self.network.config, self.network.head.weight.device
        blocks: Any = network.blocks
        who = torch.tensor([self.speaker], device=device)
        features = network.conditioner(None if mel is None else mel[None].to(device), who, frames)
        conditions = torch.stack([block.conv.bias for block in blocks]).expand(frames * BLOCKS, -1, -1)
        if features is not None:
            conditions = conditions + torch.stack([block.condition(features[0]) for block in blocks], dim=1)
        parts = [conditions, torch.zeros(frames * BLOCKS, 0), torch.ones(frames * BLOCKS), torch.ones(frames * BLOCKS)]
        if c.linear_prediction and mel is not None:
            parts[1:] = prediction_filters(mel, c.mel, c.linear_prediction, c.emphasis)
        return Steering(*(part.float().cpu().contiguous().numpy() for part in parts))

    def speak(self, mel: Tensor | None, frames: int) -> np.ndarray:
        """The next frames, (frames · hop_length,) float32, pre-emphasised; ``mel`` as for ``steer``."""
        c = self.network.config
        uniforms = self.rng.random((frames * c.hop_length, 2), np.float32)
        return self.step(self.steer(mel, frames), uniforms)

    def step(
        self,
        steering: Steering,
        uniforms: np.ndarray,
        given: np.ndarray | None = None,
        parameters: np.ndarray | None = None,
    ) -> np.ndarray:
        """The compiled loop once: samples (T,) from uniform numbers (T, 2).

        Args:
            steering: Of ``steer``; the number of its blocks divides T.
            uniforms: In [0, 1).
            given: (T,): samples that are heard in place of those spoken.
            parameters: (T, outputs), is filled by those of the distributions.
        """
        c, length = self.network.config, len(uniforms)
        spoken = np.zeros(length, np.float32)
        heard = np.zeros(0, np.float32) if given is None else given.astype(np.float32)
        generate(
            self.weights, self.state, steering, length // len(steering.gain), self.table, uniforms,
            np.float32(self.temperature), np.float32(MIN_LOG_SCALE), heard,
            np.zeros((0, c.outputs), np.float32) if parameters is None else parameters, spoken, np.float32(LARGEST),
        )  # fmt: skip
        return spoken


def mel_chunks(mel: Tensor, chunk: int = CHUNK) -> Iterator[tuple[Tensor, int]]:
    """A spectrogram (n_mels, frames) in pieces to speak: (frames + 1 + 2 · MARGIN, n_mels) and the number of frames.

    Beyond its ends the first and the last frame stand.
    """
    total = mel.shape[1] - 1
    for start in range(0, total, chunk):
        frames = min(chunk, total - start)
        numbers = torch.arange(start - MARGIN, start + frames + 1 + MARGIN).clamp(0, total)
        yield mel[:, numbers].T, frames


def free_chunks(frames: int, chunk: int = CHUNK) -> Iterator[tuple[None, int]]:
    """The same where no spectrogram is followed."""
    for start in range(0, frames, chunk):
        yield None, min(chunk, frames - start)


def speak_chunks(voice: Voice, chunks: Iterable[tuple[Tensor | None, int]], emphasis: float) -> Iterator[np.ndarray]:
    """The wave, a chunk after the other, float32 in [-1, 1]; what lies outside is clipped."""
    before = 0.0
    for mel, frames in chunks:
        wave = deemphasise(voice.speak(mel, frames), emphasis, before)
        before = float(wave[-1])
        yield wave.astype(np.float32).clip(-1, 1)
