"""A picture of any size through the network in bounded memory, strip by strip, and without seams.

Instance normalisation needs mean and variance over the whole picture, so that pieces which are painted one by one do not fit
together. Here every normalisation's statistics are first summed up over all strips, layer after layer. Near full
resolution layers are computed again each time they are needed; at a quarter of it, where they are small, they are stored.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.nn.image_transformation import (
    ConvLayer,
    InstanceNorm,
    ResidualBlock,
    TransposedConvLayer,
    UpsampleConvLayer,
)

STRIP_BYTES = 2**24
"""Of a layer's rows that are computed at once, about."""
COLUMNS = 512
"""Of a strip, that a wide filter sees at once: there torch unfolds its input, 81 times as large."""
MEMORY_BYTES = 2**29
"""Largest stored layer that is kept in memory; larger ones are in a temporary file that the system may page out."""


@dataclass(frozen=True)
class FeatureMap:
    """A layer of one picture, of which one can have any rows."""

    rows: Callable[[int, int], Tensor]
    """From the first row and the one after the last to (1, channels, rows, width)."""
    height: int
    width: int
    channels: int
    floats: int
    """Numbers behind a row, in the largest of the layers that it is computed from."""

    def strips(self) -> Iterator[tuple[int, Tensor]]:
        """All rows from top to bottom: the first row of each strip, and the strip."""
        count = max(4, STRIP_BYTES // (4 * self.floats))
        for top in range(0, self.height, count):
            yield top, self.rows(top, min(top + count, self.height))


def convolve(source: FeatureMap, layer: ConvLayer | TransposedConvLayer) -> FeatureMap:
    """A convolution of a layer, whose input is padded at the picture's edges only."""
    if isinstance(layer, TransposedConvLayer):
        return convolve_transposed(source, layer)
    if isinstance(layer, UpsampleConvLayer):
        source = upsample(source)
    conv, p = layer.conv2d, layer.padding
    (stride, _) = conv.stride

    def rows(top: int, bottom: int) -> Tensor:
        first, last = stride * top - p, stride * (bottom - 1) + p + 1
        above, below = max(0, -first), max(0, last - source.height)
        x = source.rows(first + above, last - below)
        x = F.pad(x, (p, p, above, below), mode=layer.padding_mode)
        if p <= 1:
            y: Tensor = conv(x)
            return y
        lefts = range(0, source.width, COLUMNS)  # of stride 1
        return torch.cat([conv(x[..., left : min(left + COLUMNS, source.width) + 2 * p]) for left in lefts], 3)

    height, width = -(-source.height // stride), -(-source.width // stride)
    floats = max(conv.out_channels * width, stride * source.floats)
    return FeatureMap(rows, height, width, conv.out_channels, floats)


def convolve_transposed(source: FeatureMap, layer: TransposedConvLayer) -> FeatureMap:
    """A transposed convolution of a layer: an odd row sees the input's rows above and below it, an even one a single row."""

    def rows(top: int, bottom: int) -> Tensor:
        first = top // 2
        y = layer(source.rows(first, min((bottom + 1) // 2 + 1, source.height)))
        return y[:, :, top - 2 * first : bottom - 2 * first]

    channels = layer.conv2d.out_channels
    floats = max(2 * channels * source.width, -(-source.floats // 2))
    return FeatureMap(rows, 2 * source.height, 2 * source.width, channels, floats)


def upsample(source: FeatureMap) -> FeatureMap:
    """Every pixel repeated twice in both directions."""

    def rows(top: int, bottom: int) -> Tensor:
        x = F.interpolate(source.rows(top // 2, -(-bottom // 2)), scale_factor=2, mode="nearest")
        return x[:, :, top % 2 : top % 2 + bottom - top]

    floats = max(2 * source.channels * source.width, -(-source.floats // 2))
    return FeatureMap(rows, 2 * source.height, 2 * source.width, source.channels, floats)


def normalise(source: FeatureMap, norm: InstanceNorm, *, relu: bool) -> FeatureMap:
    """Instance normalisation of a layer, by statistics over all of its strips (Chan et al. 1979), and ReLU."""
    count, mean, squares = 0, torch.zeros(()).double(), torch.zeros(()).double()
    for _, strip in source.strips():
        pixels = strip.shape[2] * strip.shape[3]
        variance, middle = torch.var_mean(strip, (0, 2, 3), correction=0)  # (C,)
        delta, total = middle.double() - mean, count + pixels
        squares = squares + pixels * variance.double() + delta.square() * (count * pixels / total)
        mean, count = mean + delta * (pixels / total), total
    scale = (squares / count + norm.eps).rsqrt()
    scale = norm.weight * scale if norm.affine else scale
    offset = (norm.bias if norm.affine else 0) - mean * scale
    scale, offset = (x.float().view(1, -1, 1, 1) for x in (scale, offset))

    def rows(top: int, bottom: int) -> Tensor:
        y = torch.addcmul(offset, source.rows(top, bottom), scale)
        return y.relu_() if relu else y

    return replace(source, rows=rows)


def store(source: FeatureMap, buffer: Tensor) -> FeatureMap:
    """Compute all rows of a layer into a buffer (1, channels, height, width), from which the layer itself may be read."""
    before: tuple[int, Tensor] | None = None
    for top, strip in source.strips():  # a strip is written when the next, which sees its last rows, is there
        if before:
            buffer[:, :, before[0] : top] = before[1]
        before = top, strip
    if before:
        buffer[:, :, before[0] :] = before[1]
    floats = source.channels * source.width
    return replace(source, rows=lambda top, bottom: buffer[:, :, top:bottom], floats=floats)


def make_buffer(like: FeatureMap, device: torch.device) -> Tensor:
    """Room for a layer: in memory, or of a large picture in a temporary file that is gone when the tensor is."""
    shape = 1, like.height, like.width, like.channels
    if device.type == "cpu" and 4 * math.prod(shape) > MEMORY_BYTES:
        with tempfile.TemporaryFile() as file:
            pixels = torch.from_numpy(np.memmap(file, np.float32, "w+", shape=shape))
    else:
        pixels = torch.empty(shape, device=device)
    return pixels.permute(0, 3, 1, 2)  # channels_last


def apply_block(x: FeatureMap, block: ResidualBlock, buffer: Tensor, scratch: Tensor) -> FeatureMap:
    """A residual block on a layer that lies in ``buffer``, where its output goes too."""
    y = normalise(store(convolve(x, block.conv1), scratch), block.in1, relu=True)
    y = normalise(store(convolve(y, block.conv2), scratch), block.in2, relu=False)
    return store(replace(x, rows=lambda top, bottom: x.rows(top, bottom) + y.rows(top, bottom)), buffer)
