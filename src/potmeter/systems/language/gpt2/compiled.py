"""GPT-2 reading one token of one text, compiled: the time is that of reading every weight from memory once.

A matrix times one vector waits for memory. torch's product does so with one core; this one (numba) with all of them, and
it takes weights in 8 bits as well, a quarter of the bytes: every row of a matrix divided by its largest number and
rounded to −127 … 127 (LLM.int8(), arXiv:2208.07339, section 2, but for the weights only). The mathematics is that of
``model.Transformer``, for B = T = 1.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import float32, njit, prange
from torch import Tensor, nn

from .model import Cache, Transformer

ONE = Lock()
"""Held during a step: not all of numba's thread pools can serve two callers."""


class Matrix(NamedTuple):
    """A linear layer."""

    weight: np.ndarray
    """float32 or int8 (out, in)."""
    scale: np.ndarray
    """float32 (out,): what each row of the weights is to be multiplied by."""
    bias: np.ndarray
    """float32 (out,)."""


class Norm(NamedTuple):
    """A layer normalisation."""

    weight: np.ndarray
    bias: np.ndarray
    eps: float


class Layer(NamedTuple):
    """The weights of a block."""

    attention_norm: Norm
    qkv: Matrix
    out: Matrix
    mlp_norm: Norm
    wide: Matrix
    narrow: Matrix


class Step:
    """Reads the next token of a text and says how likely each one is after it.

    Args:
        model: In float32, on a CPU. Its weights are looked at, not copied.
        int8: Round them to 8 bits, in a copy.
    """

    def __init__(self, model: Transformer, int8: bool = False) -> None:
        self.model, width = model, model.config.width
        blocks: Any = model.blocks
        self.layers = [
            Layer(
                norm(block.attention_norm), matrix(block.attention.qkv, int8), matrix(block.attention.out, int8),
                norm(block.mlp_norm), matrix(block.mlp.wide, int8), matrix(block.mlp.out, int8),
            )
            for block in blocks
        ]  # fmt: skip
        self.norm = norm(model.norm)
        self.output = rounded(model.tokens.weight, None, int8)
        self.rooms = tuple(np.empty(size, np.float32) for size in (width, 3 * width, width, 4 * width))

    @torch.no_grad()
    def __call__(self, token: int, cache: Cache) -> Tensor:
        """Scores (V,) of all tokens to follow; the cache of one text, which has room for this one, is filled."""
        place = cache.length
        x = (self.model.tokens.weight[token] + self.model.positions.weight[place]).numpy()
        keys, values = cache.keys.numpy(), cache.values.numpy()
        scores = np.empty(len(self.output.weight), np.float32)
        with ONE:
            for number, layer in enumerate(self.layers):
                block(x, layer, keys[number, 0], values[number, 0], place, self.rooms)
            normalise(x, self.norm, self.rooms[0])
            product(self.rooms[0], self.output, scores)
        cache.length += 1
        return torch.from_numpy(scores)


def can_step(model: Transformer) -> bool:
    """Whether the compiled step can read with this model."""
    return all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())


# The weights ------------------------------------------------------------------------------------------------------


def matrix(layer: nn.Linear, int8: bool) -> Matrix:
    """A linear layer's weights."""
    return rounded(layer.weight, layer.bias, int8)


def rounded(weight: Tensor, bias: Tensor | None, int8: bool) -> Matrix:
    """Weights (out, in) as they are, or in 8 bits."""
    weight = weight.detach()
    shift = np.zeros(len(weight), np.float32) if bias is None else bias.detach().numpy()
    if not int8:
        return Matrix(weight.contiguous().numpy(), np.ones(len(weight), np.float32), shift)
    scale = weight.abs().amax(1).clamp_min(1e-12) / 127  # (out,)
    return Matrix((weight / scale[:, None]).round().to(torch.int8).numpy(), scale.numpy(), shift)


def norm(layer: nn.LayerNorm) -> Norm:
    """A normalisation's weights."""
    return Norm(layer.weight.detach().numpy(), layer.bias.detach().numpy(), layer.eps)


# The mathematics --------------------------------------------------------------------------------------------------


@njit(parallel=True, fastmath=True, cache=True)
def product(x, matrix, y):  # type: ignore[no-untyped-def]
    """y (out,) = W x + b, for x (in,).

    Four rows at once, from four places: a core that reads in one place waits at every new page of memory (4 kB), for
    what is fetched ahead ends with the page; waiting in four places at once takes no longer than in one.
    """
    weight, scale, bias = matrix
    rows, columns = weight.shape
    quarter = rows // 4
    for first in prange(quarter):
        second, third, fourth = first + quarter, first + 2 * quarter, first + 3 * quarter
        a = b = c = d = float32(0)
        for column in range(columns):
            a += float32(weight[first, column]) * x[column]
            b += float32(weight[second, column]) * x[column]
            c += float32(weight[third, column]) * x[column]
            d += float32(weight[fourth, column]) * x[column]
        y[first] = a * scale[first] + bias[first]
        y[second] = b * scale[second] + bias[second]
        y[third] = c * scale[third] + bias[third]
        y[fourth] = d * scale[fourth] + bias[fourth]
    for last in range(4 * quarter, rows):
        a = float32(0)
        for column in range(columns):
            a += float32(weight[last, column]) * x[column]
        y[last] = a * scale[last] + bias[last]


@njit(parallel=True, fastmath=True, cache=True)
def bend(x):  # type: ignore[no-untyped-def]
    """GELU, in the approximation by tanh, in place."""
    for i in prange(len(x)):
        x[i] *= float32(0.5) * (float32(1) + math.tanh(float32(0.7978845608) * (x[i] + float32(0.044715) * x[i] ** 3)))


@njit(fastmath=True, cache=True)
def normalise(x, norm, y):  # type: ignore[no-untyped-def]
    """y = (x − mean) / √(variance + ε), scaled and shifted."""
    mean = x.mean()
    spread = float32(0)
    for i in range(len(x)):
        spread += (x[i] - mean) ** 2
    factor = float32(1 / math.sqrt(spread / len(x) + norm.eps))
    for i in range(len(x)):
        y[i] = (x[i] - mean) * factor * norm.weight[i] + norm.bias[i]


@njit(parallel=True, fastmath=True, cache=True)
def attend(qkv, keys, values, place, y):  # type: ignore[no-untyped-def]
    """Attention of the token at ``place`` to itself and those before; keys and values (H, context, D) are filled."""
    heads, _, size = keys.shape
    width = heads * size
    scale = float32(1 / math.sqrt(size))
    for head in prange(heads):
        first = head * size
        q, out = qkv[first : first + size], y[first : first + size]
        keys[head, place] = qkv[width + first : width + first + size]
        values[head, place] = qkv[2 * width + first : 2 * width + first + size]
        weights = np.empty(place + 1, np.float32)
        for i in range(place + 1):
            score = float32(0)
            for j in range(size):
                score += q[j] * keys[head, i, j]
            weights[i] = score * scale
        highest, total = weights.max(), float32(0)
        for i in range(place + 1):
            weights[i] = math.exp(weights[i] - highest)
            total += weights[i]
        out[:] = 0
        for i in range(place + 1):
            share = weights[i] / total
            for j in range(size):
                out[j] += share * values[head, i, j]


@njit(cache=True)
def block(x, layer, keys, values, place, rooms):  # type: ignore[no-untyped-def]
    """One block; the stream x (width,) is changed in place. ``rooms`` are of 1, 3, 1 and 4 times the width."""
    seen, qkv, found, wide = rooms
    normalise(x, layer.attention_norm, seen)
    product(seen, layer.qkv, qkv)
    attend(qkv, keys, values, place, found)
    product(found, layer.out, seen)
    x += seen
    normalise(x, layer.mlp_norm, seen)
    product(seen, layer.wide, wide)
    bend(wide)
    product(wide, layer.narrow, seen)
    x += seen
