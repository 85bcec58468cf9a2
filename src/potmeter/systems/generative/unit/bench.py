"""Speed of unpaired translation: beside the generator of CycleGAN's authors, and the memory of a large picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import call_memory, conv_rate, count_products

from .model import Translator
from .system import UNIT
from .translate import translate_in_strips

SIDE = 256
"""Pixels of a side of the pictures that are timed."""
SIZE_4K = 2160, 3840


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("images_per_s"):
        yield images()
    if is_selected("memory_4k_mb"):
        yield memory()


class PlainGenerator(nn.Module):
    """CycleGAN's generator as its authors' layers stand in a row, with torch's own modules and default memory format.

    Args:
        width: Feature channels at full resolution.
        blocks: Residual blocks.
        dropout: Whether the blocks have one between their convolutions.
    """

    def __init__(self, width: int, blocks: int, dropout: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for n in (width, 2 * width):
            layers += [nn.Conv2d(n, 2 * n, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * n), nn.ReLU()]
        layers += [PlainBlock(4 * width, dropout) for _ in range(blocks)]
        for n in (2 * width, width):
            layers += [nn.ConvTranspose2d(2 * n, n, 3, stride=2, padding=1, output_padding=1)]
            layers += [nn.InstanceNorm2d(n), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        y: Tensor = (self.model(2 * images - 1) + 1) / 2
        return y


class PlainBlock(nn.Module):
    """Its residual block."""

    def __init__(self, channels: int, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place in range(2):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
            layers += [nn.ReLU(), *([nn.Dropout(0.5)] if dropout else [])] if place == 0 else []
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.conv_block(x)
        return y


def copy_convolutions(translator: Translator, generator: PlainGenerator) -> None:
    """Give a translator's way from the first style to the second the convolutions of a plain generator, in their order."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    ours = [
        m for part in (translator.encoders[0], translator.decoders[1]) for m in part.modules() if isinstance(m, kinds)
    ]
    theirs = [m for m in generator.modules() if isinstance(m, kinds)]
    for mine, its in zip(ours, theirs, strict=True):
        mine.load_state_dict(its.state_dict())


def images() -> Row:
    """Pictures of 256 × 256 pixels a second, by CycleGAN's generator of nine blocks."""
    config = UNIT.presets["paper"]
    plain = PlainGenerator(config.width, config.residual_blocks).eval()
    translator = Translator(config).eval().to(memory_format=torch.channels_last)
    copy_convolutions(translator, plain)
    x = torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        last = x.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(translator(last, 0, 1), plain(x), rtol=1e-3, atol=1e-4)
        calls = {"ours": stopwatch(lambda: translator(last, 0, 1)), "theirs": stopwatch(lambda: plain(x))}
        seconds = interleave(calls, rounds=5)
    rates = {name: 1 / value for name, value in seconds.items()}
    limit = conv_rate() / (2 * count_products(plain, x))
    note = "instance norm as a batch norm of one picture, and channels_last throughout"
    peer = "CycleGAN's generator, written plainly"
    return compare("images_per_s", "images/s", rates["ours"], rates["theirs"], peer, limit=limit, note=note)


def translate_4k() -> Callable[[], np.ndarray]:
    """A call that translates a 4K picture by the networks of the preset ``lecture``."""
    translator = Translator(UNIT.presets["lecture"]).eval().to(memory_format=torch.channels_last)
    translate_in_strips(translator, np.zeros((64, 64, 3), np.uint8), 0, 1)  # what is loaded at the first use
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE_4K, 3), np.uint8)
    return lambda: translate_in_strips(translator, pixels, 0, 1)


def memory() -> Row:
    """MB for a picture of 3840 × 2160 pixels by the shipped networks, above the process with the picture."""
    layer = 4 * UNIT.presets["lecture"].width * math.prod(SIZE_4K) / 1e6
    note = f"no peer: at once one layer at full resolution is {layer:,.0f} MB; limit: the translated picture"
    limit = 3 * math.prod(SIZE_4K) / 1e6
    taken = call_memory(translate_4k)
    return compare("memory_4k_mb", "MB", taken, None, "the whole picture at once", limit=limit, note=note)
