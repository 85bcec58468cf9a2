"""Linear layers, layer normalisation and softmax for compiled inference on a CPU (numba), for small batches of rows.

Libraries' matrix products are made for large matrices: at 8 to 200 rows, what a decoder has at each step, they reach a third
of what a core can do. Here the weights are packed once into panels of ``PANEL`` columns, in the order in which they are
read, and a panel is multiplied by ``ROWS`` rows at a time, whose sums never leave the registers (Goto and van de Geijn,
"Anatomy of High-Performance Matrix Multiplication", 2008). numba alone would keep these sums in memory, so that the
innermost loop is written in LLVM's intermediate language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from llvmlite import binding, ir
from numba import extending, float32, int32, njit, types
from torch import Tensor

intrinsic: Any = extending.intrinsic
"""Decorates what writes the intermediate language of a call; the first parameter is numba's own."""
LANES = 16
"""Numbers in a vector; a processor with shorter ones takes several for it."""
ROWS, VECTORS = (8, 2) if binding.get_host_cpu_features().get("avx512f") else (6, 1)
"""Rows, and vectors of columns, that are multiplied at once: as many sums as the registers hold."""
PANEL = VECTORS * LANES
"""Columns of a panel."""


class PackedLinear(NamedTuple):
    """Linear layers of equal size, their weights packed for ``linear``."""

    panels: np.ndarray
    """float32 (layers, N / PANEL, K, PANEL): the weights, the last panel filled up with zeros."""
    bias: np.ndarray
    """float32 (layers, N), filled up to whole panels too."""


def pack_linear(weights: Sequence[Tensor], biases: Sequence[Tensor] | None = None) -> PackedLinear:
    """Pack the weights (N, K) and biases (N,) of linear layers of equal size."""
    n, k = weights[0].shape
    panels = torch.zeros(len(weights), round_up(n, PANEL), k)
    panels[:, :n] = torch.stack([*weights]).detach()
    bias = torch.zeros(len(weights), panels.shape[1])
    if biases is not None:
        bias[:, :n] = torch.stack([*biases]).detach()
    panels = panels.unflatten(1, (-1, PANEL)).transpose(2, 3)
    return PackedLinear(panels.contiguous().numpy(), bias.numpy())


@njit(cache=True)
def round_up(number, step):  # type: ignore[no-untyped-def]
    """The smallest multiple of ``step`` that is at least ``number``."""
    return (number + step - 1) // step * step


@njit(nogil=True, cache=True)
def allocate(rows, columns):  # type: ignore[no-untyped-def]
    """Zeros for so many rows and columns, and beyond them room for a whole block of rows and a whole panel."""
    return np.zeros((rows + ROWS, round_up(columns, PANEL) + PANEL), np.float32)


@intrinsic
def multiply_panel(typing_context, x, x_stride, panel, depth, bias, y, y_stride):  # type: ignore[no-untyped-def]
    """y = x W + b for ``ROWS`` rows of x and one panel of W. All are addresses, strides in floats, ``depth`` is K."""
    signature = types.void(*[types.uintp, types.intp, types.uintp, types.intp, types.uintp, types.uintp, types.intp])

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        x, x_stride, panel, depth, bias, y, y_stride = arguments
        scalar, index = ir.FloatType(), ir.IntType(64)
        vector = ir.VectorType(scalar, LANES)
        undefined = ir.Constant(vector, ir.Undefined)
        splat = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)

        def pointer(address: Any, offset: Any, kind: ir.Type) -> Any:
            return builder.inttoptr(builder.add(address, builder.mul(offset, index(4))), kind.as_pointer())

        def load(address: Any, offset: Any, kind: ir.Type) -> Any:
            loaded = builder.load(pointer(address, offset, kind))
            loaded.align = 4
            return loaded

        vectors = range(VECTORS)
        start = [load(bias, index(LANES * v), vector) for v in vectors]
        rows = [builder.add(x, builder.mul(x_stride, index(4 * row))) for row in range(ROWS)]
        before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(index)
        sums = [[builder.phi(vector) for _ in vectors] for _ in rows]
        place = builder.mul(k, index(PANEL))
        weights = [load(panel, builder.add(place, index(LANES * v)), vector) for v in vectors]
        fuse = {"flags": ["contract"]}  # one instruction multiplies and adds
        added = []
        for row, partial in zip(rows, sums, strict=True):
            number = builder.insert_element(undefined, load(row, k, scalar), ir.IntType(32)(0))
            number = builder.shuffle_vector(number, undefined, splat)
            pairs = zip(weights, partial, strict=True)
            added.append([builder.fadd(builder.fmul(number, w, **fuse), total, **fuse) for w, total in pairs])
        following = builder.add(k, index(1))
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        k.add_incoming(index(0), before)
        k.add_incoming(following, loop)
        for partial, new in zip(sums, added, strict=True):
            for v in vectors:
                partial[v].add_incoming(start[v], before)
                partial[v].add_incoming(new[v], loop)
        builder.position_at_end(after)
        for row, new in enumerate(added):
            for v in vectors:
                offset = builder.add(builder.mul(y_stride, index(row)), index(LANES * v))
                builder.store(new[v], pointer(y, offset, vector)).align = 4
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def address(typing_context, array, indices):  # type: ignore[no-untyped-def]
    """The address of ``array[indices]``, a tuple of integers for the first dimensions: what a slice costs is saved."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        kind, indices = signature.args
        view = context.make_array(kind)(context, builder, arguments[0])
        place = builder.ptrtoint(view.data, ir.IntType(64))
        for number in range(len(indices)):
            stride = builder.extract_value(view.strides, number)
            place = builder.add(place, builder.mul(builder.extract_value(arguments[1], number), stride))
        return place

    return types.uintp(array, indices), generate


@intrinsic
def bits_as_float(typing_context, bits):  # type: ignore[no-untyped-def]
    """The float32 with the bits of an int32."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def maximum(typing_context, a, b):  # type: ignore[no-untyped-def]
    """The larger of two float32 that are numbers; unlike ``max`` it becomes vector instructions in a loop."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        flags = ["nnan", "nsz"]
        greater = builder.fcmp_ordered(">", *arguments, flags=flags)
        return builder.select(greater, *arguments, flags=flags)

    return types.float32(types.float32, types.float32), generate


@njit(nogil=True, cache=True)
def multiply(x, x_stride, rows, depth, panels, panel_size, count, bias, bias_step, y, y_stride):  # type: ignore[no-untyped-def]
    """y = x W + b. y is written in whole blocks of rows and whole panels: what stands below it and to its right is overwritten.

    Args:
        x: Address of the first of ``rows`` rows of ``depth`` numbers.
        x_stride: Numbers from one row to the next.
        rows: How many rows.
        depth: K.
        panels: Address of the first of ``count`` panels (≥ K, PANEL).
        panel_size: Numbers from one panel to the next.
        count: How many panels.
        bias: Address of the first panel's bias (PANEL,).
        bias_step: Numbers from one panel's bias to the next one's; 0 = all have the same.
        y: Address of the first row of the product.
        y_stride: Numbers from one row to the next.
    """
    for panel in range(count):  # a panel stays in the nearest cache while all rows pass
        for row in range(0, rows, ROWS):
            multiply_panel(
                x + 4 * row * x_stride, x_stride, panels + 4 * panel * panel_size, depth, bias + 4 * panel * bias_step,
                y + 4 * (row * y_stride + panel * PANEL), y_stride,
            )  # fmt: skip


@njit(nogil=True, cache=True)
def linear(x, first, rows, layer, number, y):  # type: ignore[no-untyped-def]
    """y = x W + b for ``rows`` rows of x from ``first`` on, by layer ``number`` of a ``PackedLinear``; y begins at row 0."""
    _, count, depth, _ = layer.panels.shape
    multiply(
        address(x, (first,)), x.shape[1], rows, depth, address(layer.panels, (number,)), depth * PANEL, count,
        address(layer.bias, (number,)), PANEL, address(y, (0,)), y.shape[1],
    )  # fmt: skip


@njit(nogil=True, fastmath=True, cache=True)
def layer_norm(x, rows, weight, bias, number, eps, y):  # type: ignore[no-untyped-def]
    """y = (x − mean) / √(variance + ε) · weight + bias.

    Args:
        x: (≥ rows, ≥ C).
        rows: How many are normalised.
        weight: (layers, C).
        bias: (layers, C).
        number: Which layer.
        eps: ε.
        y: As x; may be the same.
    """
    columns = weight.shape[1]
    for row in range(rows):
        total = float32(0)
        for i in range(columns):
            total += x[row, i]
        mean, square = total / float32(columns), float32(0)
        for i in range(columns):
            square += (x[row, i] - mean) * (x[row, i] - mean)
        scale = float32(1) / float32(math.sqrt(square / float32(columns) + float32(eps)))
        for i in range(columns):
            y[row, i] = (x[row, i] - mean) * scale * weight[number, i] + bias[number, i]


@njit(nogil=True, fastmath={"contract", "nsz", "nnan"}, cache=True)
def exp(x):  # type: ignore[no-untyped-def]
    """eˣ of a float32 that is at most 0, to 1e-7 of it; unlike ``math.exp`` it becomes vector instructions in a loop.

    x = n ln 2 + f: 2ⁿ comes from the exponent's bits, eᶠ from its Taylor series. What is less than −87 counts as that.
    """
    x = maximum(x, float32(-87))
    n = float32(math.floor(x * float32(1.4426950408889634) + float32(0.5)))  # log₂ e
    f = (x - n * float32(0.693359375)) + n * float32(2.12194440e-4)  # ln 2 in two parts, the first of few bits
    series = float32(1 / 5040)
    series = series * f + float32(1 / 720)
    series = series * f + float32(1 / 120)
    series = series * f + float32(1 / 24)
    series = series * f + float32(1 / 6)
    series = series * f + float32(0.5)
    series = series * f + float32(1)
    series = series * f + float32(1)
    return series * bits_as_float((int32(n) + int32(127)) << int32(23))


REORDER = {"contract", "nsz", "nnan", "reassoc"}
"""What a sum of many numbers may do to become vector instructions."""


@njit(nogil=True, fastmath=REORDER, cache=True)
def softmax(scores, size):  # type: ignore[no-untyped-def]
    """Replace the first ``size`` scores by exp(score) / Σ exp(score)."""
    highest, total = scores[0], float32(0)
    for i in range(size):
        highest = maximum(highest, scores[i])
    for i in range(size):
        scores[i] = exp(scores[i] - highest)
        total += scores[i]
    factor = float32(1) / total
    for i in range(size):
        scores[i] *= factor


@njit(nogil=True, fastmath=REORDER, cache=True)
def sum_exp(scores, size, highest):  # type: ignore[no-untyped-def]
    """Σ exp(score − highest) of the first ``size`` scores."""
    total = float32(0)
    for i in range(size):
        total += exp(scores[i] - highest)
    return total


@njit(nogil=True, cache=True)
def find_maxima(values, size, maxima):  # type: ignore[no-untyped-def]
    """maxima[i] = max over j of values[i + j · n], for the n maxima asked for; n divides ``size``.

    Args:
        values: (≥ size,).
        size: How many values count.
        maxima: (n,), filled in.
    """
    count = len(maxima)
    for i in range(count):
        maxima[i] = values[i]
    for start in range(count, size, count):
        for i in range(count):
            maxima[i] = maximum(maxima[i], values[start + i])
