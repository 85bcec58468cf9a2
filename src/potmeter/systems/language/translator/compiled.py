"""The Transformer's beam search, compiled (numba): encoder, decoder and bookkeeping of a batch without Python between tokens.

The mathematics is that of ``transformer.py`` and ``nn/beam_search.py``, for float32 on a CPU. What makes it fast: weights
packed for small batches (``nn/compiled.py``); no padding, for the sentences' tokens lie one after the other; keys and values
that stay where they were written, each hypothesis keeping the places of its own past instead; the top k of the logits
from maxima of groups of them, without sorting. Every thread searches sentences of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import torch
from numba import float32, njit
from torch import nn

from potmeter.nn.beam_search import Beam, Hypothesis
from potmeter.nn.compiled import (
    PANEL,
    PackedLinear,
    address,
    allocate,
    exp,
    find_maxima,
    larger,
    layer_norm,
    linear,
    multiply,
    pack_linear,
    round_up,
    softmax,
    sum_exp,
)  # fmt: skip

from .model import END, PAD, START
from .transformer import MultiHeadAttention, Transformer, sinusoidal_positions

CHUNK = 24
"""Hypotheses whose logits are made at once: they stay in the nearer cache until they have been looked through."""
GROUP = 16
"""Most sentences that a thread searches at once."""
EPS = 1e-5
"""Of the layer normalisations."""
LOWEST = np.float32(-np.inf)
ZEROS = np.zeros(PANEL, np.float32)
"""No bias, for every panel."""


class PackedNorm(NamedTuple):
    """Layer normalisations of equal size."""

    weight: np.ndarray
    """float32 (layers, C)."""
    bias: np.ndarray


class PackedEncoder(NamedTuple):
    """The weights of the encoder's layers."""

    self_attention_norm: PackedNorm
    qkv: PackedLinear
    attention_output: PackedLinear
    feed_forward_norm: PackedNorm
    linear1: PackedLinear
    linear2: PackedLinear
    norm: PackedNorm


class PackedDecoder(NamedTuple):
    """The weights of the decoder's layers."""

    self_attention_norm: PackedNorm
    qkv: PackedLinear
    attention_output: PackedLinear
    cross_attention_norm: PackedNorm
    cross_query: PackedLinear
    cross_key_value: PackedLinear
    cross_output: PackedLinear
    feed_forward_norm: PackedNorm
    linear1: PackedLinear
    linear2: PackedLinear
    norm: PackedNorm
    logits: PackedLinear


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


class CompiledSearch:
    """Beam search with a Transformer whose weights are packed once.

    Args:
        model: In float32, on a CPU. Its weights are copied.
    """

    def __init__(self, model: Transformer) -> None:
        self.num_heads, self.dim = model.config.num_heads, model.config.embedding_dim
        self.source_embedding = model.source_embedding.weight.detach().numpy()
        self.target_embedding = model.target_embedding.weight.detach().numpy()
        self.encoder, self.decoder = pack_encoder(model), pack_decoder(model)

    def __call__(
        self, rows: Sequence[Sequence[int]], beam: Beam, max_lengths: Sequence[int], vocab_size: int, best: int = 1
    ) -> list[list[Hypothesis]]:
        """The best translations of each sentence, as ``beam_search`` finds them.

        Args:
            rows: The tokens of each sentence.
            beam: How to search; a coverage penalty is not known here.
            max_lengths: Most tokens of each translation, the end counted.
            vocab_size: Tokens from this number on are never written.
            best: How many of each, at most ``beam.width``.
        """
        threads = torch.get_num_threads()
        size = min(GROUP, -(-len(rows) // threads))
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))  # the longest first: no thread ends much later
        groups = [order[start : start + size] for start in range(0, len(order), size)]

        def run(group: list[int]) -> list[list[Hypothesis]]:
            return self.search([rows[i] for i in group], beam, [max_lengths[i] for i in group], vocab_size, best)

        with ThreadPoolExecutor(threads) as pool:
            found = [*pool.map(run, groups)] if len(groups) > 1 else [*map(run, groups)]
        hypotheses = {
            i: each
            for group, several in zip(groups, found, strict=True)
            for i, each in zip(group, several, strict=True)
        }
        return [hypotheses[i] for i in range(len(rows))]

    def search(
        self, rows: Sequence[Sequence[int]], beam: Beam, max_lengths: Sequence[int], vocab_size: int, best: int
    ) -> list[list[Hypothesis]]:
        """Search a group of sentences in this thread."""
        tokens = np.array([token for row in rows for token in row], np.int64)
        offsets = np.cumsum([0, *map(len, rows)])
        limits = np.array(max_lengths, np.int64)
        positions = sinusoidal_positions(0, int(max(limits.max(), max(map(len, rows)))), torch.empty(self.dim)).numpy()
        log_probs, lengths, written, attention = search_group(
            tokens, offsets, limits, self.source_embedding, self.target_embedding, positions, self.encoder, self.decoder,
            self.num_heads, beam.width, beam.length_penalty, beam.exact, beam.min_length, vocab_size, best,
        )  # fmt: skip
        hypotheses: list[list[Hypothesis]] = []
        for item, row in enumerate(rows):
            hypotheses.append([])
            for number, length in enumerate(lengths[item].tolist()):
                if length:
                    log_prob = float(log_probs[item, number])
                    weights = torch.from_numpy(attention[item, number, :length, : len(row)])
                    ids = written[item, number, : length - 1].tolist()
                    hypotheses[-1].append(Hypothesis(ids, log_prob / beam.normaliser(length), log_prob, weights))
        return hypotheses


def can_compile(model: nn.Module, beam: Beam) -> bool:
    """Whether this search can be compiled: a Transformer's, in float32, on a CPU, without a coverage penalty."""
    plain = all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())
    return isinstance(model, Transformer) and plain and not beam.coverage_penalty


# The weights ------------------------------------------------------------------------------------------------------


def pack_encoder(model: Transformer) -> PackedEncoder:
    """The weights of the encoder."""
    layers = model.encoder
    return PackedEncoder(
        self_attention_norm=pack_norms(layers, "self_attention_norm"),
        qkv=pack_qkv(layers),
        attention_output=pack_linears(layers, "self_attention.output"),
        feed_forward_norm=pack_norms(layers, "feed_forward_norm"),
        linear1=pack_linears(layers, "feed_forward.linear1"),
        linear2=pack_linears(layers, "feed_forward.linear2"),
        norm=pack_norms([model], "encoder_norm"),
    )


def pack_decoder(model: Transformer) -> PackedDecoder:
    """The weights of the decoder, and of the output projection."""
    layers = model.decoder
    queries = [layer.cross_attention.query for layer in model.decoder_layers]
    scale = attention_scale(model.decoder_layers[0].cross_attention)
    output = model.target_embedding if model.output_projection is None else model.output_projection
    return PackedDecoder(
        self_attention_norm=pack_norms(layers, "self_attention_norm"),
        qkv=pack_qkv(layers),
        attention_output=pack_linears(layers, "self_attention.output"),
        cross_attention_norm=pack_norms(layers, "cross_attention_norm"),
        cross_query=pack_linear([each.weight * scale for each in queries], [each.bias * scale for each in queries]),
        cross_key_value=pack_linears(layers, "cross_attention.key_value"),
        cross_output=pack_linears(layers, "cross_attention.output"),
        feed_forward_norm=pack_norms(layers, "feed_forward_norm"),
        linear1=pack_linears(layers, "feed_forward.linear1"),
        linear2=pack_linears(layers, "feed_forward.linear2"),
        norm=pack_norms([model], "decoder_norm"),
        logits=pack_linear([output.weight]),
    )


def pack_qkv(layers: Iterable[nn.Module]) -> PackedLinear:
    """Query, key and value of self-attention as one linear layer; the scores' 1 / √D is in the query's weights."""
    attentions: list[MultiHeadAttention] = [*map(attrgetter("self_attention"), layers)]
    scale = attention_scale(attentions[0])
    weights = [torch.cat([each.query.weight * scale, each.key_value.weight]) for each in attentions]
    return pack_linear(weights, [torch.cat([each.query.bias * scale, each.key_value.bias]) for each in attentions])


def attention_scale(attention: MultiHeadAttention) -> float:
    """1 / √D."""
    return float((attention.query.out_features / attention.num_heads) ** -0.5)


def pack_linears(layers: Iterable[nn.Module], path: str) -> PackedLinear:
    """One linear layer of each layer."""
    linears = [*map(attrgetter(path), layers)]
    return pack_linear([each.weight for each in linears], [each.bias for each in linears])


def pack_norms(layers: Iterable[nn.Module], path: str) -> PackedNorm:
    """One layer normalisation of each layer."""
    norms = [*map(attrgetter(path), layers)]
    weights, biases = (torch.stack([getattr(each, name) for each in norms]) for name in ("weight", "bias"))
    return PackedNorm(weights.detach().numpy(), biases.detach().numpy())


# The layers -------------------------------------------------------------------------------------------------------


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
def feed_forward(x, rows, dim, norm, linear1, linear2, number, y, hidden):  # type: ignore[no-untyped-def]
    """The feed-forward part of a layer, added to x; y and hidden are scratch buffers."""
    layer_norm(x, rows, norm.weight, norm.bias, number, EPS, y)
    linear(y, 0, rows, linear1, number, hidden)
    for row in range(rows):
        for i in range(linear1.bias.shape[1]):
            hidden[row, i] = larger(hidden[row, i], float32(0))
    linear(hidden, 0, rows, linear2, number, y)
    add(x, y, rows, dim)


@njit(nogil=True, cache=True)
def multiply_keys(qkv, row, rows, head, keys, number, item, size, scores):  # type: ignore[no-untyped-def]
    """scores (rows, S) of one head: its queries times the keys of ``size`` positions."""
    head_dim = keys.shape[4]
    multiply(
        address(qkv, (row, head * head_dim)), qkv.shape[1], rows, head_dim, address(keys, (number, item, head)),
        head_dim * PANEL, round_up(size, PANEL) // PANEL, address(ZEROS, (0,)), 0, address(scores, (0,)), scores.shape[1],
    )  # fmt: skip


@njit(nogil=True, cache=True)
def multiply_values(scores, row, rows, head, head_dim, values, number, item, size, context):  # type: ignore[no-untyped-def]
    """context (rows, D) of one head: its attention weights times the values; the columns to the right are overwritten."""
    multiply(
        address(scores, (0,)), scores.shape[1], rows, size, address(values, (number, item, head)),
        values.shape[4] * PANEL, values.shape[3], address(ZEROS, (0,)), 0, address(context, (row, head * head_dim)),
        context.shape[1],
    )  # fmt: skip


@njit(nogil=True, cache=True)
def attend(qkv, row, rows, memory, number, item, size, scores, context, average):  # type: ignore[no-untyped-def]
    """Attention of some queries, in all heads, to all positions of one sentence.

    Args:
        qkv: (≥ row + rows, ≥ C), the queries.
        row: The first of them.
        rows: How many there are.
        memory: Keys and values, from ``allocate_memory``.
        number: The layer.
        item: The sentence.
        size: S, how many positions it has.
        scores: (≥ rows, ≥ S) with room for a block, scratch.
        context: (≥ row + rows, ≥ C), to be filled; the rows below are overwritten.
        average: (≥ rows, ≥ S), to which the attention weights are added, averaged over the heads; empty = they are not.
    """
    keys, values = memory
    heads, head_dim = keys.shape[2], keys.shape[4]
    for head in range(heads):
        multiply_keys(qkv, row, rows, head, keys, number, item, size, scores)
        for query in range(rows):
            softmax(scores[query], size)
        multiply_values(scores, row, rows, head, head_dim, values, number, item, size, context)
        for query in range(len(average)):
            for position in range(size):
                average[query, position] += scores[query, position] / float32(heads)


@njit(nogil=True, cache=True)
def attend_past(qkv, row, rows, past, number, item, size, places, length, scores, weights, context):  # type: ignore[no-untyped-def]
    """As ``attend``, but each hypothesis attends to its own tokens among those of all hypotheses of its sentence.

    Args:
        qkv, row, rows, number, item, scores, context: As there.
        past: Keys and values of all tokens.
        size: How many positions of ``past`` are in use.
        places: (≥ row + rows, ≥ length): the position of each of a hypothesis's tokens.
        length: Tokens of a hypothesis.
        weights: (≥ length,), scratch.
    """
    keys, values = past
    heads, head_dim = keys.shape[2], keys.shape[4]
    for head in range(heads):
        multiply_keys(qkv, row, rows, head, keys, number, item, size, scores)
        for query in range(rows):
            for t in range(length):
                weights[t] = scores[query, places[row + query, t]]
            softmax(weights, length)
            for position in range(size):
                scores[query, position] = float32(0)
            for t in range(length):
                scores[query, places[row + query, t]] = weights[t]
        multiply_values(scores, row, rows, head, head_dim, values, number, item, size, context)


@njit(nogil=True, cache=True)
def allocate_memory(layers, items, heads, size, head_dim):  # type: ignore[no-untyped-def]
    """Keys (layers, items, H, S / PANEL, D, PANEL) and values (layers, items, H, D / PANEL, S, PANEL): each head's are
    matrices packed for ``multiply``.
    """
    keys = np.zeros((layers, items, heads, round_up(size, PANEL) // PANEL, head_dim, PANEL), np.float32)
    return keys, np.zeros((layers, items, heads, round_up(head_dim, PANEL) // PANEL, size, PANEL), np.float32)


@njit(nogil=True, cache=True)
def write_memory(x, row, column, memory, number, item, position):  # type: ignore[no-untyped-def]
    """Put a position's key and value, which stand side by side in x from a row and column on, into ``memory``."""
    keys, values = memory
    heads, head_dim = keys.shape[2], keys.shape[4]
    panel, lane, dim = position // PANEL, position % PANEL, heads * head_dim
    for head in range(heads):
        for i in range(head_dim):
            keys[number, item, head, panel, i, lane] = x[row, column + head * head_dim + i]
            values[number, item, head, i // PANEL, position, i % PANEL] = x[row, column + dim + head * head_dim + i]


@njit(nogil=True, cache=True)
def encode(tokens, offsets, embedding, positions, weights, num_heads):  # type: ignore[no-untyped-def]
    """The encoder's output (rows, C) of sentences whose tokens lie one after the other, each from its offset on."""
    rows, dim, items = len(tokens), embedding.shape[1], len(offsets) - 1
    longest = np.max(offsets[1:] - offsets[:-1])
    x, y, qkv = allocate(rows, dim), allocate(rows, dim), allocate(rows, 3 * dim)
    hidden, scores = allocate(rows, weights.linear1.bias.shape[1]), allocate(longest, longest)
    memory = allocate_memory(1, 1, num_heads, longest, dim // num_heads)
    for item in range(items):
        for row in range(offsets[item], offsets[item + 1]):
            embed(tokens[row], row - offsets[item], embedding, positions, x, row)
    for number in range(len(weights.qkv.panels)):
        norm = weights.self_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, number, EPS, y)
        linear(y, 0, rows, weights.qkv, number, qkv)
        for item in range(items):
            start, size = offsets[item], offsets[item + 1] - offsets[item]
            for position in range(size):
                write_memory(qkv, start + position, dim, memory, 0, 0, position)
            attend(qkv, start, size, memory, 0, 0, size, scores, y, scores[:0])
        linear(y, 0, rows, weights.attention_output, number, qkv)
        add(x, qkv, rows, dim)
        feed_forward(x, rows, dim, weights.feed_forward_norm, weights.linear1, weights.linear2, number, y, hidden)
    layer_norm(x, rows, weights.norm.weight, weights.norm.bias, 0, EPS, y)
    return y


@njit(nogil=True, cache=True)
def project_memory(encoded, offsets, num_heads, layer):  # type: ignore[no-untyped-def]
    """Keys and values of the encoder's output, for all decoder layers and sentences."""
    rows, items, dim = offsets[-1], len(offsets) - 1, layer.panels.shape[2]
    longest = np.max(offsets[1:] - offsets[:-1])
    memory = allocate_memory(len(layer.panels), items, num_heads, longest, dim // num_heads)
    key_value = allocate(rows, 2 * dim)
    for number in range(len(layer.panels)):
        linear(encoded, 0, rows, layer, number, key_value)
        for item in range(items):
            for row in range(offsets[item], offsets[item + 1]):
                write_memory(key_value, row, 0, memory, number, item, row - offsets[item])
    return memory


@njit(nogil=True, cache=True)
def decode(x, width, active, sizes, used, length, places, decoder, memory, past, attention, buffers):  # type: ignore[no-untyped-def]
    """One token of each hypothesis through the decoder; x (rows, C), the embedded tokens, becomes its output.

    Args:
        x: ``width`` rows for each active sentence.
        width: Hypotheses of a sentence.
        active: The sentences' numbers.
        sizes: Source tokens of each sentence.
        used: Positions of ``past`` in use, of each sentence.
        length: Tokens of a hypothesis, with this one.
        places: (rows, ≥ length): where in ``past`` each of them is.
        decoder: A ``PackedDecoder``.
        memory, past: Keys and values of the sources and of the tokens so far.
        attention: (items, positions, S), to be filled at the positions of these tokens.
        buffers: What is written and read within a step.
    """
    y, qkv, hidden, scores, weights = buffers
    dim, layers, rows = decoder.norm.weight.shape[1], len(decoder.qkv.panels), len(active) * width
    average = np.empty((width, scores.shape[1]), np.float32)
    for number in range(layers):
        norm = decoder.self_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, number, EPS, y)
        linear(y, 0, rows, decoder.qkv, number, qkv)
        for row in range(rows):
            write_memory(qkv, row, dim, past, number, active[row // width], places[row, length - 1])
        for i in range(len(active)):
            item = active[i]
            attend_past(
                qkv, i * width, width, past, number, item, used[item], places, length, scores, weights, y
            )  # fmt: skip
        linear(y, 0, rows, decoder.attention_output, number, qkv)
        add(x, qkv, rows, dim)
        norm = decoder.cross_attention_norm
        layer_norm(x, rows, norm.weight, norm.bias, number, EPS, y)
        linear(y, 0, rows, decoder.cross_query, number, qkv)
        for i in range(len(active)):
            item, last = active[i], number == layers - 1
            fill(average, sizes[item])
            attend(qkv, i * width, width, memory, number, item, sizes[item], scores, y, average[: width if last else 0])
            for j in range(width if last else 0):
                for position in range(sizes[item]):
                    attention[item, places[i * width + j, length - 1], position] = average[j, position]
        linear(y, 0, rows, decoder.cross_output, number, qkv)
        add(x, qkv, rows, dim)
        feed_forward(x, rows, dim, decoder.feed_forward_norm, decoder.linear1, decoder.linear2, number, y, hidden)
    layer_norm(x, rows, decoder.norm.weight, decoder.norm.bias, 0, EPS, x)


# The search -------------------------------------------------------------------------------------------------------


@njit(nogil=True, cache=True)
def search_group(  # type: ignore[no-untyped-def]
    source, offsets, limits, source_embedding, target_embedding, positions, encoder, decoder, num_heads, k, alpha, exact,
    min_length, vocab_size, best,
):  # fmt: skip
    """Beam search of a group of sentences.

    Args:
        source: All tokens of the sentences, one sentence after the other.
        offsets: (items + 1,), where each begins, and where the last one ends.
        limits: (items,), most tokens of each translation, the end counted.
        source_embedding, target_embedding: (V, C).
        positions: (≥ longest sentence, C).
        encoder, decoder: The packed weights.
        num_heads: H.
        k, alpha, exact, min_length: Width, length penalty and the like of a ``Beam``.
        vocab_size: Tokens from this number on are never written.
        best: How many translations of each, at most k.

    Returns:
        log p (items, best), lengths with the end (items, best; 0 = there are not as many), tokens (items, best, T) and
        attention weights (items, best, T, S) of the hypotheses found.
    """
    dim, sizes = target_embedding.shape[1], offsets[1:] - offsets[:-1]
    items, longest, span, columns = len(sizes), np.max(limits), np.max(sizes), decoder.logits.bias.shape[1]
    rows, layers = items * k, len(decoder.qkv.panels)
    encoded = encode(source, offsets, source_embedding, positions, encoder, num_heads)
    memory = project_memory(encoded, offsets, num_heads, decoder.cross_key_value)
    past = allocate_memory(layers, items, num_heads, longest * k, dim // num_heads)
    attention = np.empty((items, longest * k, span), np.float32)
    x, hidden_dim = allocate(rows, dim), decoder.linear1.bias.shape[1]
    buffers = Buffers(
        allocate(rows, dim), allocate(rows, 3 * dim), allocate(rows, hidden_dim), allocate(k, max(longest * k, span)),
        np.empty(longest, np.float32),
    )  # fmt: skip
    maxima = np.empty(columns // PANEL, np.float32)
    chunk = max(1, CHUNK // k)  # sentences whose logits are made at once
    logits = allocate(chunk * k, columns)

    # of each hypothesis its tokens, beginning with the start, and their positions in ``past``; the same of the next step's
    tokens, places = np.zeros((rows, longest + 1), np.int64), np.zeros((rows, longest + 1), np.int64)
    new_tokens, new_places = np.zeros_like(tokens), np.zeros_like(places)
    log_probs, new_log_probs = np.zeros((items, k), np.float32), np.zeros((items, k), np.float32)
    top, top_row, top_token = np.empty(k, np.float32), np.empty(k, np.int64), np.empty(k, np.int64)
    active, used, taken = np.arange(items), np.ones(items, np.int64), np.zeros(longest * k, np.bool_)

    found_log_probs, found_scores = np.zeros((items, best), np.float32), np.empty((items, best), np.float32)
    found_lengths, found = np.zeros((items, best), np.int64), np.zeros((items, best, longest), np.int64)
    found_attention = np.zeros((items, best, longest, span), np.float32)
    for row in range(items):
        tokens[row, 0] = START
        for number in range(best):
            found_scores[row, number] = LOWEST

    for length in range(1, longest + 1):
        width = 1 if length == 1 else k  # all hypotheses begin alike
        for row in range(len(active) * width):
            embed(tokens[row, length - 1], length - 1, target_embedding, positions, x, row)
        decode(x, width, active, sizes, used, length, places, decoder, memory, past, attention, buffers)
        kept = 0
        for number in range(len(active)):
            if number % chunk == 0:
                count = min(chunk, len(active) - number) * width
                linear(x, number * width, count, decoder.logits, 0, logits)
            item = active[number]
            for j in range(k):
                top[j], top_row[j], top_token[j] = LOWEST, number * width, END
            for j in range(width):
                row, line = number * width + j, logits[(number % chunk) * width + j]
                if log_probs[number, j] == LOWEST:
                    continue
                end = line[END]
                line[PAD] = line[START] = line[END] = LOWEST
                for token in range(vocab_size, columns):
                    line[token] = LOWEST
                find_maxima(line, columns, maxima)
                highest = end
                for i in range(len(maxima)):
                    highest = larger(highest, maxima[i])
                total = sum_exp(line, columns, highest) + exp(end - highest)
                base = log_probs[number, j] - highest - float32(math.log(total))
                select_top(line, columns, maxima, base, row, top, top_row, top_token)
                if length > min_length and (k > 1 or length == limits[item] or base + end >= top[0]):
                    place = insert((base + end) / normaliser(length, alpha), found_scores[item])
                    if place < best:
                        shift(found_log_probs[item], place, base + end)
                        shift(found_lengths[item], place, length)
                        for i in range(best - 1, place, -1):
                            for t in range(found_lengths[item, i]):
                                found[item, i, t] = found[item, i - 1, t]
                                for position in range(sizes[item]):
                                    found_attention[item, i, t, position] = found_attention[item, i - 1, t, position]
                        for t in range(length):
                            found[item, place, t] = tokens[row, t + 1]
                            for position in range(sizes[item]):
                                found_attention[item, place, t, position] = attention[item, places[row, t], position]
            bound = top[0] / normaliser(limits[item] if exact else length + 1, alpha)
            if length == limits[item] or top[0] == LOWEST or bound <= found_scores[item, best - 1]:
                continue
            if k == 1 and found_lengths[item, 0] > 0:
                continue
            for j in range(k):
                row, origin = kept * k + j, top_row[j]
                for t in range(length):
                    new_tokens[row, t], new_places[row, t] = tokens[origin, t], places[origin, t]
                new_tokens[row, length], new_log_probs[kept, j] = top_token[j], top[j]
            used[item] = assign_places(new_places, kept * k, k, length, taken)
            active[kept] = item
            kept += 1
        if kept == 0:
            break
        active = active[:kept]
        tokens, new_tokens, places, new_places = new_tokens, tokens, new_places, places
        log_probs, new_log_probs = new_log_probs, log_probs
    return found_log_probs, found_lengths, found, found_attention


@njit(nogil=True, cache=True)
def assign_places(places, row, k, length, taken):  # type: ignore[no-untyped-def]
    """Give the next token of a sentence's hypotheses positions that none of them needs any more: most share their past, so
    that far fewer are in use than there were tokens.

    Args:
        places: (rows, T): the positions of the ``length`` tokens of each hypothesis; the next one is filled in.
        row: The first of them.
        k: How many there are.
        length: Tokens of each.
        taken: (positions,), scratch.

    Returns:
        How many positions are in use, with those between.
    """
    for position in range(len(taken)):
        taken[position] = False
    last = 0
    for j in range(row, row + k):
        for t in range(length):
            taken[places[j, t]] = True
            last = max(last, places[j, t])
    position = 0
    for j in range(row, row + k):
        while taken[position]:
            position += 1
        places[j, length] = position
        taken[position] = True
    return max(last, position) + 1


@njit(nogil=True, cache=True)
def fill(x, columns):  # type: ignore[no-untyped-def]
    """Zeros into the first columns."""
    for row in range(len(x)):
        for column in range(columns):
            x[row, column] = float32(0)


@njit(nogil=True, cache=True)
def normaliser(length, alpha):  # type: ignore[no-untyped-def]
    """As ``Beam.normaliser``."""
    return float32(((5 + length) / 6) ** alpha)


@njit(nogil=True, cache=True)
def insert(value, values):  # type: ignore[no-untyped-def]
    """Put a value where it belongs into descending values, of which the last falls out. Returns its place."""
    place = len(values)
    while place > 0 and values[place - 1] < value:
        place -= 1
    if place < len(values):
        shift(values, place, value)
    return place


@njit(nogil=True, cache=True)
def shift(values, place, value):  # type: ignore[no-untyped-def]
    """Put a value at a place; those from there on move by one, and the last falls out."""
    for i in range(len(values) - 1, place, -1):
        values[i] = values[i - 1]
    values[place] = value


@njit(nogil=True, cache=True)
def select_top(line, columns, maxima, base, row, top, top_row, top_token):  # type: ignore[no-untyped-def]
    """Put those of base + line that are among the largest k so far into ``top``, sorted, with their row and token.

    Args:
        line: (≥ columns,), the logits.
        columns: How many there are.
        maxima: From ``find_maxima``: they say where to look.
        base: What makes log probabilities of them.
        row: Which hypothesis.
        top, top_row, top_token: (k,).
    """
    count, last = len(maxima), len(top) - 1
    for first in range(count):
        if base + maxima[first] > top[last]:
            for token in range(first, columns, count):
                if base + line[token] > top[last]:
                    place = insert(base + line[token], top)
                    shift(top_row, place, row)
                    shift(top_token, place, token)
