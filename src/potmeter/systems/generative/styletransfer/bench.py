"""Speed of style transfer: beside the network of pytorch/examples, beside optimisation, and the memory of a large picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import call_memory, conv_rate, count_products
from potmeter.core.training.overhead import loop_overhead
from potmeter.data.samples import sample
from potmeter.data.sets.paintings import load_painting

from .criterion import Criterion
from .gatys import optimise
from .measure import GATYS_STEPS
from .model import Config, TransformerNet
from .paint import paint_whole
from .strips import paint_in_strips
from .system import StyleTransfer

SIDE = 512
"""Pixels of a side of the pictures that are timed."""
SIZE_4K = 2160, 3840
GATYS_SIDE, GATYS_TIMED = 256, 10
"""Side of the picture that is optimised, and how many of its steps are timed."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("loop_ms"):
        yield loop()
    if is_selected("images_per_s"):
        yield images()
    if is_selected("gatys_s"):
        yield optimisation()
    if is_selected("memory_4k_mb"):
        yield memory()
    if is_selected("strips_s"):
        yield strips()


class PlainTransformerNet(nn.Module):
    """The network of pytorch/examples as one writes it plainly: torch's own modules, the default memory format."""

    def __init__(self, network: TransformerNet) -> None:
        super().__init__()
        self.network = network
        self.norms = nn.ModuleDict()
        for name, module in network.named_modules():
            if isinstance(module, nn.InstanceNorm2d):
                norm = nn.InstanceNorm2d(module.num_features, affine=True)
                norm.load_state_dict(module.state_dict())
                self.norms[name.replace(".", "_")] = norm

    def conv(self, x: Tensor, name: str) -> Tensor:
        layer = self.network.get_submodule(name)
        y: Tensor = layer.conv2d(nn.ReflectionPad2d(layer.padding)(x))  # type: ignore[operator, arg-type]
        return y

    def forward(self, x: Tensor) -> Tensor:
        x = self.network.normalise(x)
        for n in (1, 2, 3):
            x = F.relu(self.norms[f"in{n}"](self.conv(x, f"conv{n}")))
        for n in range(1, self.network.residual_blocks + 1):
            y = F.relu(self.norms[f"res{n}_in1"](self.conv(x, f"res{n}.conv1")))
            x = self.norms[f"res{n}_in2"](self.conv(y, f"res{n}.conv2")) + x
        for n in (1, 2):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = F.relu(self.norms[f"in{n + 3}"](self.conv(x, f"deconv{n}")))
        y = self.conv(x, "deconv3")
        return y * self.network.std + self.network.mean


def loop() -> Row:
    """One training step of the tiny recipe, in our loop and in a bare one."""
    config = StyleTransfer.presets["tiny"]
    splits = StyleTransfer.data(config)
    ours, bare = loop_overhead(StyleTransfer, config, splits, steps=100)
    note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
    return compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)


def images() -> Row:
    """Pictures of 512 × 512 pixels a second."""
    network = TransformerNet().eval()
    ours = TransformerNet().eval().to(memory_format=torch.channels_last)
    ours.load_state_dict(network.state_dict())
    plain, x = PlainTransformerNet(network).eval(), torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        ours_x = x.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(ours(ours_x), plain(x), rtol=1e-3, atol=1e-3)
        calls = {"ours": stopwatch(lambda: ours(ours_x)), "theirs": stopwatch(lambda: plain(x))}
        seconds = interleave(calls, rounds=5)
    rates = {name: 1 / value for name, value in seconds.items()}
    note = "instance norm as a batch norm of one picture, and channels_last throughout"
    limit = conv_rate() / (2 * count_products(ours, ours_x))
    return compare(
        "images_per_s",
        "images/s",
        rates["ours"],
        rates["theirs"],
        "pytorch/examples, written plainly",
        limit=limit,
        note=note,
    )


def optimisation() -> Row:
    """Seconds for a picture of 256 pixels, by the network and by 300 steps of optimisation."""
    criterion = Criterion(Config(), load_painting("starry-night").resize(Config().style_size))
    network = TransformerNet().eval().to(memory_format=torch.channels_last)
    photograph = sample("cat").resize(GATYS_SIDE)
    x = photograph.tensor()
    calls = {
        "ours": stopwatch(lambda: paint_whole(network, photograph.pixels)),
        "theirs": stopwatch(lambda: [None for _ in optimise(criterion, x, GATYS_TIMED)]),
    }
    seconds = interleave(calls, rounds=3)
    theirs = seconds["theirs"] * GATYS_STEPS / GATYS_TIMED
    note = f"{GATYS_TIMED} steps of L-BFGS timed"
    return compare("gatys_s", "s", seconds["ours"], theirs, f"Gatys, {GATYS_STEPS} steps", note=note)


def paint_4k() -> Callable[[], np.ndarray]:
    """A call that paints a 4K picture."""
    network = TransformerNet().eval().to(memory_format=torch.channels_last)
    paint_in_strips(network, np.zeros((64, 64, 3), np.uint8))  # what is loaded at the first use
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE_4K, 3), np.uint8)
    return lambda: paint_in_strips(network, pixels)


def memory() -> Row:
    """MB for a picture of 3840 × 2160 pixels, above the process with the picture."""
    limit = 3 * math.prod(SIZE_4K) / 1e6
    note = "no peer: one layer at full resolution is 1,062 MB; two at a quarter are kept; limit: the painting"
    taken = call_memory(paint_4k)
    return compare("memory_4k_mb", "MB", taken, None, "the whole picture at once", limit=limit, note=note)


def strips() -> Row:
    """Seconds for a picture of 1024 × 768 pixels, in strips and at once."""
    network = TransformerNet().eval().to(memory_format=torch.channels_last)
    pixels = np.random.default_rng(0).integers(0, 255, (768, 1024, 3), np.uint8)
    calls = {
        "ours": stopwatch(lambda: paint_in_strips(network, pixels)),
        "theirs": stopwatch(lambda: paint_whole(network, pixels)),
    }
    seconds = interleave(calls, rounds=3)
    note = "layers near full resolution are computed two or three times; in exchange memory does not grow with them"
    return compare("strips_s", "s", seconds["ours"], seconds["theirs"], "the whole picture at once", note=note)
