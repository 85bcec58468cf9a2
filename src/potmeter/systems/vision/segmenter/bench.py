"""Speed of the segmenter: a training step beside a bare loop, the paper's network, and pieces beside the whole picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate
from potmeter.core.training.overhead import loop_overhead
from potmeter.media import Image

from .model import MobileUNet, UNet
from .predict import predict
from .system import Segmenter

PRODUCTS = 48.17e9
"""Of the paper's network with padded convolutions, for a picture of 256 × 256 pixels (counted by its shapes)."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("loop_ms"):
        yield loop()
    if is_selected("unet_images_per_s"):
        yield unet()
    if is_selected("pixels_per_s"):
        yield pieces()


def loop() -> Row:
    """One training step of the tiny recipe, in our loop and in a bare one."""
    config = Segmenter.presets["tiny"]
    splits = Segmenter.data(config)
    ours, bare = loop_overhead(Segmenter, Segmenter.fit_config(config, splits), splits, steps=150)
    note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
    return compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)


class Port(nn.Module):
    """The port's network written plainly with torch's modules, in its default memory format."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        network = self.network
        seen = [network.inc.double_conv(x)]
        for level in range(1, network.levels + 1):
            seen.append(network.get_submodule(f"down{level}.maxpool_conv")(seen[-1]))
        x = seen.pop()
        for level in range(1, network.levels + 1):
            up = network.get_submodule(f"up{level}")
            x = up.conv.double_conv(torch.cat([seen.pop(), up.up(x)], 1))  # type: ignore[operator, union-attr]
        logits: Tensor = network.outc.conv(x)
        return logits


def unet() -> Row:
    """Pictures of 256 × 256 pixels a second through the paper's network."""
    network = UNet(2).eval()
    ours = UNet(2).eval().to(memory_format=torch.channels_last)
    ours.load_state_dict(network.state_dict())
    port, x = Port(network), torch.rand(1, 3, 256, 256)
    ours_x = x.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        calls = {"ours": stopwatch(lambda: ours(ours_x)), "theirs": stopwatch(lambda: port(x))}
        seconds = interleave(calls, rounds=5)
    rates = {name: 1 / value for name, value in seconds.items()}
    note = "the same layers, ours in channels_last"
    limit = conv_rate() / (2 * PRODUCTS)
    return compare(
        "unet_images_per_s", "images/s", rates["ours"], rates["theirs"], "bare torch U-Net", limit=limit, note=note
    )


def pieces() -> Row:
    """Millions of pixels a second of a picture of 1024 × 1024, in pieces and in one, by the small network."""
    network = MobileUNet(4).eval().to(memory_format=torch.channels_last)
    picture = Image(np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8))

    def look(tile: int) -> None:
        predict(picture, network, (1,), channels=3, size=0, stride=network.stride, reach=network.reach, tile=tile)

    seconds = interleave({"ours": stopwatch(lambda: look(512)), "theirs": stopwatch(lambda: look(1024))}, rounds=3)
    rates = {name: 1024**2 / 1e6 / value for name, value in seconds.items()}
    note = "margins are computed twice; in exchange the memory does not grow with the picture"
    return compare(
        "pixels_per_s", "megapixels/s", rates["ours"], rates["theirs"], "the whole picture at once", note=note
    )
