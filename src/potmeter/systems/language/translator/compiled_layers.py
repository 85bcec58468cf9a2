"""The Transformer's layers, compiled (numba), for float32 on a CPU: the mathematics of ``transformer.py``.

There is no padding: the sentences' tokens lie one after the other. Keys and values stay where they were written; each
hypothesis keeps the slots of its own tokens in that cache instead.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float32, njit

from potmeter.nn.compiled import PANEL, address, allocate, layer_norm, linear, maximum, multiply, round_up, softmax

EPS = 1e-5
"""Of the layer normalisations."""
ZEROS = np.zeros(PANEL, np.float32)
"""No bias, for every panel."""


class Buffers(NamedTuple):
    """Scratch of a decoder step, each from ``allocate`` but the last."""

    y: np.ndarray
    """A part's input and output (rows, C)."""
    qkv: np.ndarray
    """(rows, 3 C)."""
    hidden: np.ndarray
    """Of the feed-forward part (rows, hidden units)."""
    scores: np.ndarray
    """Attention scores of one head (k, positions)."""
    weights: np.ndarray
    """Attention weights of one hypothesis (T,)."""


@njit(nogil=True, cache=True)
def embed(token, position, embedding, positions, x, row):  # type: ignore[no-untyped-def]
    """x[row] = embedding · √C + position."""
    dim = embedding.shape[1]
    scale = float32(math.sqrt(dim))
    for i in range(dim):
        x[row, i] = embedding[token, i] * scale + positions[position, i]


@njit(nogil=True, fastmath=True, cache=True)
def add(x, y, rows, columns):  # type: ignore[no-untyped-def]
    """x += y: a part's output joins the residual stream."""
    for row in range(rows):
        for i in range(columns):
            x[row, i] += y[row, i]


@njit(nogil=True, cache=True)
def feed_forward(x, rows, dim, norm, linear1, linear2, layer, y, hidden):  # type: ignore[no-untyped-def]
    """The feed-forward part of a layer, added to x; y and hidden are scratch buffers."""
    layer_norm(x, rows, norm.weight, norm.bias, layer, EPS, y)
    linear(y, 0, rows, linear1, layer, hidden)
    for row in range(rows):
        for i in range(linear1.bias.shape[1]):
            hidden[row, i] = maximum(hidden[row, i], float32(0))
    linear(hidden, 0, rows, linear2, layer, y)
    add(x, y, rows, dim)


@njit(nogil=True, cache=True)
def multiply_keys(qkv, row, rows, head, keys, layer, sentence, size, scores):  # type: ignore[no-untyped-def]
    """scores (rows, S) of one head: its queries times the keys of ``size`` positions."""
    head_dim = keys.shape[4]
    multiply(
        address(qkv, (row, head * head_dim)), qkv.shape[1], rows, head_dim, address(keys, (layer, sentence, head)),
        head_dim * PANEL, round_up(size, PANEL) // PANEL, address(ZEROS, (0,)), 0, address(scores, (0,)), scores.shape[1],
    )  # fmt: skip


@njit(nogil=True, cache=True)
def multiply_values(scores, row, rows, head, head_dim, values, layer, sentence, size, context):  # type: ignore[no-untyped-def]
    """context (rows, D) of one head: its attention weights times the values; the columns to the right are overwritten."""
    multiply(
        address(scores, (0,)), scores.shape[1], rows, size, address(values, (layer, sentence, head)),
        values.shape[4] * PANEL, values.shape[3], address(ZEROS, (0,)), 0, address(context, (row, head * head_dim)),
        context.shape[1],
    )  # fmt: skip


@njit(nogil=True, cache=True)
def attend(qkv, row, rows, memory, layer, sentence, size, scores, context, average):  # type: ignore[no-untyped-def]
    """Attention of some queries, in all heads, to all positions of one sentence.

    Args:
        qkv: (≥ row + rows, ≥ C), the queries.
        row: The first of them.
        rows: How many there are.
        memory: Keys and values, from ``allocate_memory``.
        layer: Number of the layer.
        sentence: Number of the sentence.
        size: S, how many positions it has.
        scores: (≥ rows, ≥ S) with room for a block, scratch.
        context: (≥ row + rows, ≥ C), to be filled; the rows below are overwritten.
        average: (≥ rows, ≥ S), to which the attention weights are added, averaged over the heads; empty = they are not.
    """
    keys, values = memory
    heads, head_dim = keys.shape[2], keys.shape[4]
    for head in range(heads):
        multiply_keys(qkv, row, rows, head, keys, layer, sentence, size, scores)
        for query in range(rows):
            softmax(scores[query], size)
        multiply_values(scores, row, rows, head, head_dim, values, layer, sentence, size, context)
        for query in range(len(average)):
            for position in range(size):
                average[query, position] += scores[query, position] / float32(heads)


@njit(nogil=True, cache=True)
def attend_self(qkv, row, rows, self_cache, layer, sentence, size, slots, length, scores, weights, context):  # type: ignore[no-untyped-def]
    """As ``attend``, but each hypothesis attends to its own tokens among those of all hypotheses of its sentence.

    Args:
        qkv, row, rows, layer, sentence, scores, context: As there.
        self_cache: Keys and values of all tokens.
        size: How many slots of ``self_cache`` are in use.
        slots: (≥ row + rows, ≥ length): the slot of each of a hypothesis's tokens in ``self_cache``.
        length: Tokens of a hypothesis.
        weights: (≥ length,), scratch.
    """
    keys, values = self_cache
    heads, head_dim = keys.shape[2], keys.shape[4]
    for head in range(heads):
        multiply_keys(qkv, row, rows, head, keys, layer, sentence, size, scores)
        for query in range(rows):
            for t in range(length):
                weights[t] = scores[query, slots[row + query, t]]
            softmax(weights, length)
            for position in range(size):
                scores[query, position] = float32(0)
            for t in range(length):
                scores[query, slots[row + query, t]] = weights[t]
        multiply_values(scores, row, rows, head, head_dim, values, layer, sentence, size, context)


@njit(nogil=True, cache=True)
def allocate_memory(layers, num_sentences, heads, size, head_dim):  # type: ignore[no-untyped-def]
    """Keys (layers, sentences, H, S / PANEL, D, PANEL) and values (layers, sentences, H, D / PANEL, S, PANEL).

    Each head's are matrices packed for ``multiply``.
    """
    keys = np.zeros((layers, num_sentences, heads, round_up(size, PANEL) // PANEL, head_dim, PANEL), np.float32)
    return keys, np.zeros((layers, num_sentences, heads, round_up(head_dim, PANEL) // PANEL, size, PANEL), np.float32)


@njit(nogil=True, cache=True)
def write_memory(x, row, column, memory, layer, sentence, position):  # type: ignore[no-untyped-def]
    """Put a position's key and value, which stand side by side in x from a row and column on, into ``memory``."""
    keys, values = memory
    heads, head_dim = keys.shape[2], keys.shape[4]
    panel, lane, dim = position // PANEL, position % PANEL, heads * head_dim
    for head in range(heads):
        for i in range(head_dim):
            keys[layer, sentence, head, panel, i, lane] = x[row, column + head * head_dim + i]
            values[layer, sentence, head, i // PANEL, position, i % PANEL] = x[row, column + dim + head * head_dim + i]


@njit(nogil=True, cache=True)
def encode(tokens, offsets, embedding, positions, weights, num_heads):  # type: ignore[no-untyped-def]
    """The encoder's output (rows, C) of sentences whose tokens lie one after the other, each from its offset on."""
    rows, dim, num_sentences = len(tokens), embedding.shape[1], len(offsets) - 1
    longest = np.max(offsets[1:] - offsets[:-1])
    x, y, qkv = allocate(rows, dim), allocate(rows, dim), allocate(rows, 3 * dim)
    hidden, scores = allocate(rows, weights.linear1.bias.shape[1]), allocate(longest, longest)
    memory = allocate_memory(1, 1, num_heads, longest, dim // num_heads)
    for sentence in range(num_sentences):
        for row in range(offsets[sentence], offsets[sentence + 1]):
            embed(tokens[row], row - offsets[sentence], embedding, positions, x, row)
    for layer in range(len(weights.qkv.panels)):
        norm = weights.self_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, layer, EPS, y)
        linear(y, 0, rows, weights.qkv, layer, qkv)
        for sentence in range(num_sentences):
            start, size = offsets[sentence], offsets[sentence + 1] - offsets[sentence]
            for position in range(size):
                write_memory(qkv, start + position, dim, memory, 0, 0, position)
            attend(qkv, start, size, memory, 0, 0, size, scores, y, scores[:0])
        linear(y, 0, rows, weights.attention_output, layer, qkv)
        add(x, qkv, rows, dim)
        feed_forward(x, rows, dim, weights.feed_forward_norm, weights.linear1, weights.linear2, layer, y, hidden)
    layer_norm(x, rows, weights.norm.weight, weights.norm.bias, 0, EPS, y)
    return y


@njit(nogil=True, cache=True)
def project_memory(encoded, offsets, num_heads, projection):  # type: ignore[no-untyped-def]
    """Keys and values of the encoder's output, for all decoder layers and sentences."""
    rows, num_sentences, dim = offsets[-1], len(offsets) - 1, projection.panels.shape[2]
    longest = np.max(offsets[1:] - offsets[:-1])
    memory = allocate_memory(len(projection.panels), num_sentences, num_heads, longest, dim // num_heads)
    key_value = allocate(rows, 2 * dim)
    for layer in range(len(projection.panels)):
        linear(encoded, 0, rows, projection, layer, key_value)
        for sentence in range(num_sentences):
            for row in range(offsets[sentence], offsets[sentence + 1]):
                write_memory(key_value, row, 0, memory, layer, sentence, row - offsets[sentence])
    return memory


@njit(nogil=True, cache=True)
def decode(x, width, active, sizes, cache_sizes, length, slots, decoder, memory, self_cache, attention, buffers):  # type: ignore[no-untyped-def]
    """One token of each hypothesis through the decoder; x (rows, C), the embedded tokens, becomes its output.

    Args:
        x: ``width`` rows for each active sentence.
        width: Hypotheses of a sentence.
        active: The sentences' numbers.
        sizes: Source tokens of each sentence.
        cache_sizes: Slots of ``self_cache`` in use, of each sentence.
        length: Tokens of a hypothesis, with this one.
        slots: (rows, ≥ length): the slot of each of them in ``self_cache``.
        decoder: A ``PackedDecoder``.
        memory, self_cache: Keys and values of the sources and of the tokens so far.
        attention: (sentences, slots, S), to be filled at the slots of these tokens.
        buffers: What is written and read within a step.
    """
    y, qkv, hidden, scores, weights = buffers
    dim, layers, rows = decoder.norm.weight.shape[1], len(decoder.qkv.panels), len(active) * width
    average = np.empty((width, scores.shape[1]), np.float32)
    for layer in range(layers):
        norm = decoder.self_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, layer, EPS, y)
        linear(y, 0, rows, decoder.qkv, layer, qkv)
        for row in range(rows):
            write_memory(qkv, row, dim, self_cache, layer, active[row // width], slots[row, length - 1])
        for i in range(len(active)):
            sentence = active[i]
            attend_self(
                qkv, i * width, width, self_cache, layer, sentence, cache_sizes[sentence], slots, length, scores, weights, y
            )  # fmt: skip
        linear(y, 0, rows, decoder.attention_output, layer, qkv)
        add(x, qkv, rows, dim)
        norm = decoder.cross_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, layer, EPS, y)
        linear(y, 0, rows, decoder.cross_query, layer, qkv)
        for i in range(len(active)):
            sentence, last = active[i], layer == layers - 1
            fill(average, sizes[sentence])
            attend(
                qkv, i * width, width, memory, layer, sentence, sizes[sentence], scores, y, average[: width if last else 0]
            )  # fmt: skip
            for j in range(width if last else 0):
                for position in range(sizes[sentence]):
                    attention[sentence, slots[i * width + j, length - 1], position] = average[j, position]
        linear(y, 0, rows, decoder.cross_output, layer, qkv)
        add(x, qkv, rows, dim)
        feed_forward(x, rows, dim, decoder.feed_forward_norm, decoder.linear1, decoder.linear2, layer, y, hidden)
    layer_norm(x, rows, decoder.norm.weight, decoder.norm.bias, 0, EPS, x)


@njit(nogil=True, cache=True)
def fill(x, columns):  # type: ignore[no-untyped-def]
    """Zeros into the first columns."""
    for row in range(len(x)):
        for column in range(columns):
            x[row, column] = float32(0)
