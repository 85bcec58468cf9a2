"""GPT-2 reading one token of one text, compiled: the time is that of reading every weight from memory once.

A matrix times one vector is bound by memory. torch's product does so with one core; this one (numba) with all of them, and
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
from numba import float32, int32, njit, prange
from torch import Tensor, nn

from .model import KeyValueCache, Transformer

LOCK = Lock()
"""Held during a step: not all of numba's thread pools can serve two callers."""


class Linear(NamedTuple):
    """The parameters of a linear layer."""

    weight: np.ndarray
    """float32 or int8 (out, in)."""
    scale: np.ndarray
    """float32 (out,): what each row of the weights is to be multiplied by."""
    bias: np.ndarray
    """float32 (out,)."""


class LayerNorm(NamedTuple):
    """The parameters of a layer normalisation."""

    weight: np.ndarray
    bias: np.ndarray
    eps: float


class Block(NamedTuple):
    """The parameters of a block."""

    attention_norm: LayerNorm
    qkv_proj: Linear
    attention_out_proj: Linear
    mlp_norm: LayerNorm
    mlp_in_proj: Linear
    mlp_out_proj: Linear


class CompiledStep:
    """Reads the next token of a text and returns the logits of the one after: a ``DecodeStep``.

    Args:
        model: In float32, on a CPU. Its weights are shared, not copied.
        int8: Quantise them to 8 bits, in a copy.
    """

    def __init__(self, model: Transformer, int8: bool = False) -> None:
        self.model, width = model, model.config.embedding_dim
        blocks: Any = model.blocks
        self.blocks = [
            Block(
                read_layer_norm(block.attention_norm),
                read_linear(block.attention.qkv_proj, int8), read_linear(block.attention.out_proj, int8),
                read_layer_norm(block.mlp_norm),
                read_linear(block.mlp.in_proj, int8), read_linear(block.mlp.out_proj, int8),
            )
            for block in blocks
        ]  # fmt: skip
        self.norm = read_layer_norm(model.norm)
        self.output = quantise(model.token_embedding.weight, None, int8)
        sizes = (width, 3 * width, width, 4 * width, 4 * width)
        self.buffers = (*(np.empty(size, np.float32) for size in sizes), np.empty(4 * width, np.int32))

    @torch.no_grad()
    def __call__(self, token: int, cache: KeyValueCache) -> Tensor:
        """Logits (V,) of the next token; the cache of one text, which has room for this one, is filled."""
        position = cache.length
        x = (self.model.token_embedding.weight[token] + self.model.position_embedding.weight[position]).numpy()
        keys, values = cache.keys.numpy(), cache.values.numpy()
        logits = np.empty(len(self.output.weight), np.float32)
        with LOCK:
            for number, block in enumerate(self.blocks):
                apply_block(x, block, keys[number, 0], values[number, 0], position, self.buffers)
            layer_norm(x, self.norm, self.buffers[0])
            matvec(self.buffers[0], self.output, logits)
        cache.length += 1
        return torch.from_numpy(logits)


def can_compile(model: Transformer) -> bool:
    """Whether there is a compiled step for this model."""
    return all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())


# The parameters ---------------------------------------------------------------------------------------------------


def read_linear(layer: nn.Linear, int8: bool) -> Linear:
    """A linear layer's parameters."""
    return quantise(layer.weight, layer.bias, int8)


def quantise(weight: Tensor, bias: Tensor | None, int8: bool) -> Linear:
    """Weights (out, in) as they are, or in 8 bits."""
    weight = weight.detach()
    shift = np.zeros(len(weight), np.float32) if bias is None else bias.detach().numpy()
    if not int8:
        return Linear(weight.contiguous().numpy(), np.ones(len(weight), np.float32), shift)
    scale = weight.abs().amax(1).clamp_min(1e-12) / 127  # (out,)
    return Linear((weight / scale[:, None]).round().to(torch.int8).numpy(), scale.numpy(), shift)


def read_layer_norm(layer: nn.LayerNorm) -> LayerNorm:
    """A layer normalisation's parameters."""
    return LayerNorm(layer.weight.detach().numpy(), layer.bias.detach().numpy(), layer.eps)


# The mathematics --------------------------------------------------------------------------------------------------


@njit(parallel=True, fastmath=True, cache=True)
def matvec(x, linear, y):  # type: ignore[no-untyped-def]
    """y (out,) = W x + b, for x (in,).

    Four rows at once, from four places: a core that reads in one place waits at every new page of memory (4 kB), for
    what is fetched ahead ends with the page; waiting in four places at once takes no longer than in one.
    """
    weight, scale, bias = linear
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


@njit(fastmath={"reassoc", "contract", "nsz", "arcp"}, cache=True)
def gelu(x, powers, exponents):  # type: ignore[no-untyped-def]
    """GELU, in the approximation by tanh, in place: x / (1 + exp(−2u)), u = √(2/π) (x + 0.044715 x³).

    exp is a Taylor polynomial times a power of two, whose bits are written directly: so the loops are vectorised, and
    take a tenth of the time of tanh from the library. It errs by less than 1e-6.

    Args:
        x: float32 (N,), changed in place.
        powers: float32 (N,), scratch.
        exponents: int32 (N,), scratch.
    """
    for i in range(len(x)):
        t = x[i] * (float32(1) + float32(0.044715) * x[i] * x[i]) * float32(-2.302208198)  # −2u / ln 2
        t = min(max(t, float32(-126)), float32(126))
        whole = np.floor(t + float32(0.5))
        r = (t - whole) * float32(0.6931471805599453)
        p = float32(1 / 24) + r * (float32(1 / 120) + r * float32(1 / 720))
        powers[i] = float32(1) + r * (float32(1) + r * (float32(1 / 2) + r * (float32(1 / 6) + r * p)))
        exponents[i] = (int32(whole) + int32(127)) * int32(2**23)
    power_of_two = exponents.view(np.float32)
    for i in range(len(x)):
        x[i] /= float32(1) + powers[i] * power_of_two[i]


@njit(fastmath=True, cache=True)
def layer_norm(x, norm, y):  # type: ignore[no-untyped-def]
    """y = (x − mean) / √(variance + ε), scaled and shifted."""
    mean = x.mean()
    squares = float32(0)
    for i in range(len(x)):
        squares += (x[i] - mean) ** 2
    factor = float32(1 / math.sqrt(squares / len(x) + norm.eps))
    for i in range(len(x)):
        y[i] = (x[i] - mean) * factor * norm.weight[i] + norm.bias[i]


@njit(parallel=True, fastmath=True, cache=True)
def attention(qkv, keys, values, position, y):  # type: ignore[no-untyped-def]
    """Attention of the token at ``position`` to itself and those before; keys and values (H, context, D) are filled."""
    num_heads, _, head_dim = keys.shape
    width = num_heads * head_dim
    scale = float32(1 / math.sqrt(head_dim))
    for head in prange(num_heads):
        first = head * head_dim
        q, out = qkv[first : first + head_dim], y[first : first + head_dim]
        keys[head, position] = qkv[width + first : width + first + head_dim]
        values[head, position] = qkv[2 * width + first : 2 * width + first + head_dim]
        weights = np.empty(position + 1, np.float32)
        for i in range(position + 1):
            score = float32(0)
            for j in range(head_dim):
                score += q[j] * keys[head, i, j]
            weights[i] = score * scale
        highest, total = weights.max(), float32(0)
        for i in range(position + 1):
            weights[i] = math.exp(weights[i] - highest)
            total += weights[i]
        out[:] = 0
        for i in range(position + 1):
            weight = weights[i] / total
            for j in range(head_dim):
                out[j] += weight * values[head, i, j]


@njit(cache=True)
def apply_block(x, block, keys, values, position, buffers):  # type: ignore[no-untyped-def]
    """One block; the residual stream x (C,) is changed in place. The buffers have C, 3 C, C and three times 4 C numbers."""
    normed, qkv, attended, hidden, powers, exponents = buffers
    layer_norm(x, block.attention_norm, normed)
    matvec(normed, block.qkv_proj, qkv)
    attention(qkv, keys, values, position, attended)
    matvec(attended, block.attention_out_proj, normed)
    x += normed
    layer_norm(x, block.mlp_norm, normed)
    matvec(normed, block.mlp_in_proj, hidden)
    gelu(hidden, powers, exponents)
    matvec(hidden, block.mlp_out_proj, normed)
    x += normed
