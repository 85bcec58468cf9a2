"""Speed of WaveNet: generation beside the plain loop with a cache, and a training step beside plain convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional as F

from potmeter.core.bench import Row, compare, interleave, is_selected, one_core, stopwatch
from potmeter.core.devices import training_dtype
from potmeter.core.machine import best_rate
from potmeter.nn.compiled import REORDER

from .generation import Voice
from .kernel import Steering
from .linear_prediction import LARGEST
from .logistics import STEP, mixture_nats
from .model import BLOCKS, MARGIN, WaveNet
from .presets import PRESETS
from .stack import fast_forward

FRAMES, EAGER_FRAMES = 64, 4
"""Frames that our loop and the plain one speak in one round."""


def rows() -> Iterator[Row]:
    """The comparisons, on one core."""
    with one_core():
        if is_selected("samples_per_s"):
            yield generation()
        if is_selected("training_samples_per_s"):
            yield training()


def generation() -> Row:
    """Samples a second of a wave that follows a spectrogram, by the lecture's network."""
    config = PRESETS["lecture"]
    network = WaveNet(config).eval().requires_grad_(False)
    voice, plain = Voice(network), EagerLoop(network)
    mel = torch.randn(FRAMES + 1 + 2 * MARGIN, config.n_mels, generator=torch.Generator().manual_seed(0)) - 5
    steering, few = voice.steer(mel, FRAMES), EAGER_FRAMES * config.hop_length
    uniforms = np.random.default_rng(1).random((FRAMES * config.hop_length, 2), np.float32)
    beginning = Steering(*(part[: EAGER_FRAMES * BLOCKS] for part in steering))
    calls = {
        "ours": stopwatch(lambda: voice.step(steering, uniforms)),
        "theirs": stopwatch(lambda: plain.speak(beginning, uniforms[:few])),
    }
    seconds = interleave(calls, rounds=5)
    ours, theirs = len(uniforms) / seconds["ours"], few / seconds["theirs"]
    size = sum(
        part.nbytes for part in (voice.weights.conv, voice.weights.out, voice.weights.hidden, voice.weights.head)
    )
    limit = cache_bandwidth(size) / size
    note = (
        f"{ours / config.sample_rate:.1f} × real time at {config.sample_rate} Hz; limit: {size / 1e6:.2f} MB of "
        "weights a sample over the measured bandwidth of the cache that holds them"
    )
    return compare("samples_per_s", "samples/s", ours, theirs, "eager loop with queues", limit=limit, note=note)


class EagerLoop:
    """The same generation in plain PyTorch: a queue for each layer, one sample after the other."""

    def __init__(self, network: WaveNet) -> None:
        self.network, self.c = network, network.config

    @torch.no_grad()
    def speak(self, steering: Steering, uniforms: np.ndarray) -> np.ndarray:
        """Samples from uniform numbers (T, 2), of which each block has as many."""
        c, blocks = self.c, list(self.network.blocks)
        conditions, coefficients, gain, level = map(torch.from_numpy, steering)
        queues: list[list[Tensor]] = [
            [torch.zeros(c.residual_channels)] * ((c.kernel_size - 1) * d) for d in c.dilations
        ]
        heard, past = torch.zeros(c.kernel_size, c.inputs), torch.zeros(c.linear_prediction)
        hold, spoken = len(uniforms) // len(gain), []
        for t in range(len(uniforms)):
            block = t // hold
            x = self.network.first.bias + torch.einsum("oit,ti->o", self.network.first.weight, heard)
            skips: Any = 0.0
            for layer, each in enumerate(blocks):
                module: Any = each
                queue, dilation = queues[layer], c.dilations[layer]
                seen = torch.stack([*(queue[tap * dilation] for tap in range(c.kernel_size - 1)), x])  # (taps, R)
                queue.append(x)
                queue.pop(0)
                z = torch.einsum("oit,ti->o", module.conv.weight, seen) + conditions[block, layer]
                filtered, gate = z.chunk(2)
                z = filtered.tanh() * gate.sigmoid()
                skips = skips + module.skip(z)
                x = x if module.residual is None else x + module.residual(z)
            logits, means, log_scales = self.network.read_out(skips).chunk(3)
            chosen = min(int((logits.softmax(0).cumsum(0) <= uniforms[t, 0]).sum()), c.mixtures - 1)
            expected = coefficients[block] @ past
            excitation = means[chosen] + log_scales[chosen].exp() * torch.logit(torch.tensor(uniforms[t, 1]))
            sample = (((expected + gain[block] * excitation) / STEP).round() * STEP).clamp(-1, 1)
            past = torch.cat([sample[None], past[:-1]])
            now = torch.stack([sample / level[block], (sample - expected) / gain[block]]).clamp(-LARGEST, LARGEST)
            heard = torch.cat([heard[1:], now[None]])
            spoken.append(float(sample))
        return np.array(spoken, np.float32)


@njit(fastmath=REORDER, cache=True)
def sum_again(array, times):  # type: ignore[no-untyped-def]
    """The sum of an array, read so many times."""
    total = np.float32(0)
    for _ in range(times):
        for i in range(len(array)):
            total += array[i]
        array[0] += np.float32(1)  # so that no sum is the one before
    return total


def cache_bandwidth(size: int) -> float:
    """Bytes per second read again and again from an array of this size."""
    array, times = np.ones(size // 4, np.float32), 200
    return best_rate(lambda: sum_again(array, times), times * array.nbytes)


def training() -> Row:
    """Samples a second of a training step's forward and backward pass, of the lecture's network."""
    config = PRESETS["lecture"]
    torch.manual_seed(0)
    network = WaveNet(config)
    frames = config.segment // config.hop_length
    inputs = torch.randn(config.batch_size, config.segment, config.inputs)
    mel = torch.randn(config.batch_size, frames + 1 + 2 * MARGIN, config.n_mels)
    dtype = training_dtype(config.precision, torch.device("cpu"))

    def step(forward: Any) -> None:
        features = network.conditioner(mel, None, frames)
        loss = mixture_nats(forward(inputs, features), inputs[..., 0].clamp(-1, 1)).mean()
        network.zero_grad()
        loss.backward()

    calls = {
        "ours": stopwatch(lambda: step(lambda x, f: fast_forward(network, x, f, dtype))),
        "theirs": stopwatch(lambda: step(lambda x, f: plain_forward(network, x, f))),
    }
    rates = {name: config.batch_size * config.segment / value for name, value in interleave(calls, rounds=5).items()}
    note = f"the same network, ours in {str(dtype).removeprefix('torch.')} with whole matrix products"
    return compare(
        "training_samples_per_s", "samples/s", rates["ours"], rates["theirs"], "torch's Conv1d, float32", note=note
    )


def plain_forward(network: WaveNet, inputs: Tensor, features: Tensor) -> Tensor:
    """The network as one would write it with torch's convolutions, channels first."""
    c = network.config

    def causal(x: Tensor, conv: Any) -> Tensor:
        return F.conv1d(
            F.pad(x, ((c.kernel_size - 1) * conv.dilation, 0)), conv.weight, conv.bias, dilation=conv.dilation
        )

    x, skips = causal(inputs.transpose(1, 2), network.first), torch.zeros(())
    for block in network.blocks:
        module: Any = block
        held = module.condition(features).transpose(1, 2).repeat_interleave(x.shape[2] // features.shape[1], dim=2)
        filtered, gate = (causal(x, module.conv) + held).chunk(2, dim=1)
        z = filtered.tanh() * gate.sigmoid()
        skips = skips + F.conv1d(z, module.skip.weight[..., None])
        x = x if module.residual is None else x + F.conv1d(z, module.residual.weight[..., None])
    hidden = F.conv1d(F.relu(skips), network.hidden.weight[..., None], network.hidden.bias)
    return F.conv1d(F.relu(hidden), network.head.weight[..., None], network.head.bias).transpose(1, 2)
