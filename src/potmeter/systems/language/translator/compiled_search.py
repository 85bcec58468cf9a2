"""The Transformer's beam search, compiled (numba): encoder, decoder and bookkeeping of a batch without Python between tokens.

The mathematics is that of ``transformer.py`` and ``nn/beam_search.py``, for float32 on a CPU. What makes it fast: weights
packed for small batches (``packed_weights.py``); layers without padding or copies of the cache (``compiled_layers.py``); the
top k of the logits from maxima of groups of them, without sorting. Every thread searches sentences of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numba import float32, njit
from torch import nn

from potmeter.nn.beam_search import Beam, Hypothesis
from potmeter.nn.compiled import PANEL, allocate, exp, find_maxima, linear, maximum, sum_exp

from .compiled_layers import Buffers, allocate_memory, decode, embed, encode, project_memory
from .model import END, PAD, START
from .packed_weights import pack_decoder, pack_encoder
from .top_k import insert, select_top, shift
from .transformer import Transformer, sinusoidal_positions

CHUNK = 24
"""Hypotheses whose logits are computed at once: they stay in the nearer cache until they have been searched."""
GROUP = 16
"""Most sentences that a thread searches at once."""
LOWEST = np.float32(-np.inf)


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
        for sentence, row in enumerate(rows):
            hypotheses.append([])
            for rank, length in enumerate(lengths[sentence].tolist()):
                if length:
                    log_prob = float(log_probs[sentence, rank])
                    weights = torch.from_numpy(attention[sentence, rank, :length, : len(row)])
                    ids = written[sentence, rank, : length - 1].tolist()
                    hypotheses[-1].append(Hypothesis(ids, log_prob / beam.normaliser(length), log_prob, weights))
        return hypotheses


def can_compile(model: nn.Module, beam: Beam) -> bool:
    """Whether this search can be compiled: a Transformer's, in float32, on a CPU, without a coverage penalty."""
    plain = all(p.dtype == torch.float32 and p.device.type == "cpu" for p in model.parameters())
    return isinstance(model, Transformer) and plain and not beam.coverage_penalty


@njit(nogil=True, cache=True)
def search_group(  # type: ignore[no-untyped-def]
    source, offsets, limits, source_embedding, target_embedding, positions, encoder, decoder, num_heads, k, alpha, exact,
    min_length, vocab_size, best,
):  # fmt: skip
    """Beam search of a group of sentences.

    Args:
        source: All tokens of the sentences, one sentence after the other.
        offsets: (sentences + 1,), where each begins, and where the last one ends.
        limits: (sentences,), most tokens of each translation, the end counted.
        source_embedding, target_embedding: (V, C).
        positions: (≥ longest sentence, C).
        encoder, decoder: The packed weights.
        num_heads: H.
        k, alpha, exact, min_length: Width, length penalty and the like of a ``Beam``.
        vocab_size: Tokens from this number on are never written.
        best: How many translations of each, at most k.

    Returns:
        log p (sentences, best), lengths with the end (sentences, best; 0 = there are not as many), tokens (sentences, best, T)
        and attention weights (sentences, best, T, S) of the hypotheses found.
    """
    dim, sizes = target_embedding.shape[1], offsets[1:] - offsets[:-1]
    num_sentences, longest, span, columns = len(sizes), np.max(limits), np.max(sizes), decoder.logits.bias.shape[1]
    rows, layers = num_sentences * k, len(decoder.qkv.panels)
    encoded = encode(source, offsets, source_embedding, positions, encoder, num_heads)
    memory = project_memory(encoded, offsets, num_heads, decoder.cross_key_value)
    self_cache = allocate_memory(layers, num_sentences, num_heads, longest * k, dim // num_heads)
    attention = np.empty((num_sentences, longest * k, span), np.float32)
    x, hidden_dim = allocate(rows, dim), decoder.linear1.bias.shape[1]
    buffers = Buffers(
        allocate(rows, dim), allocate(rows, 3 * dim), allocate(rows, hidden_dim), allocate(k, max(longest * k, span)),
        np.empty(longest, np.float32),
    )  # fmt: skip
    maxima = np.empty(columns // PANEL, np.float32)
    chunk = max(1, CHUNK // k)  # sentences whose logits are computed at once
    logits = allocate(chunk * k, columns)

    # of each hypothesis its tokens, from the start on, and their slots in ``self_cache``; the same of the next step's
    tokens, slots = np.zeros((rows, longest + 1), np.int64), np.zeros((rows, longest + 1), np.int64)
    new_tokens, new_slots = np.zeros_like(tokens), np.zeros_like(slots)
    log_probs, new_log_probs = np.zeros((num_sentences, k), np.float32), np.zeros((num_sentences, k), np.float32)
    top, top_row, top_token = np.empty(k, np.float32), np.empty(k, np.int64), np.empty(k, np.int64)
    active, cache_sizes = np.arange(num_sentences), np.ones(num_sentences, np.int64)
    in_use = np.zeros(longest * k, np.bool_)

    found_log_probs = np.zeros((num_sentences, best), np.float32)
    found_scores = np.full((num_sentences, best), LOWEST, np.float32)
    found_lengths, found = np.zeros((num_sentences, best), np.int64), np.zeros((num_sentences, best, longest), np.int64)
    found_attention = np.zeros((num_sentences, best, longest, span), np.float32)
    for row in range(num_sentences):
        tokens[row, 0] = START

    for length in range(1, longest + 1):
        width = 1 if length == 1 else k  # all hypotheses begin alike
        for row in range(len(active) * width):
            embed(tokens[row, length - 1], length - 1, target_embedding, positions, x, row)
        decode(x, width, active, sizes, cache_sizes, length, slots, decoder, memory, self_cache, attention, buffers)
        kept = 0
        for index in range(len(active)):
            if index % chunk == 0:
                count = min(chunk, len(active) - index) * width
                linear(x, index * width, count, decoder.logits, 0, logits)
            sentence = active[index]
            for j in range(k):
                top[j], top_row[j], top_token[j] = LOWEST, index * width, END
            for j in range(width):
                row, line = index * width + j, logits[(index % chunk) * width + j]
                if log_probs[index, j] == LOWEST:
                    continue
                end = line[END]
                line[PAD] = line[START] = line[END] = LOWEST
                for token in range(vocab_size, columns):
                    line[token] = LOWEST
                find_maxima(line, columns, maxima)
                highest = end
                for i in range(len(maxima)):
                    highest = maximum(highest, maxima[i])
                total = sum_exp(line, columns, highest) + exp(end - highest)
                base = log_probs[index, j] - highest - float32(math.log(total))
                select_top(line, columns, maxima, base, row, top, top_row, top_token)
                if length > min_length and (k > 1 or length == limits[sentence] or base + end >= top[0]):
                    rank = insert((base + end) / normaliser(length, alpha), found_scores[sentence])
                    if rank < best:
                        shift(found_log_probs[sentence], rank, base + end)
                        shift(found_lengths[sentence], rank, length)
                        for i in range(best - 1, rank, -1):
                            for t in range(found_lengths[sentence, i]):
                                found[sentence, i, t] = found[sentence, i - 1, t]
                                for position in range(sizes[sentence]):
                                    found_attention[sentence, i, t, position] = found_attention[
                                        sentence, i - 1, t, position
                                    ]
                        for t in range(length):
                            found[sentence, rank, t] = tokens[row, t + 1]
                            for position in range(sizes[sentence]):
                                found_attention[sentence, rank, t, position] = attention[
                                    sentence, slots[row, t], position
                                ]
            bound = top[0] / normaliser(limits[sentence] if exact else length + 1, alpha)
            if length == limits[sentence] or top[0] == LOWEST or bound <= found_scores[sentence, best - 1]:
                continue
            if k == 1 and found_lengths[sentence, 0] > 0:
                continue
            for j in range(k):
                row, origin = kept * k + j, top_row[j]
                for t in range(length):
                    new_tokens[row, t], new_slots[row, t] = tokens[origin, t], slots[origin, t]
                new_tokens[row, length], new_log_probs[kept, j] = top_token[j], top[j]
            cache_sizes[sentence] = assign_slots(new_slots, kept * k, k, length, in_use)
            active[kept] = sentence
            kept += 1
        if kept == 0:
            break
        active = active[:kept]
        tokens, new_tokens, slots, new_slots = new_tokens, tokens, new_slots, slots
        log_probs, new_log_probs = new_log_probs, log_probs
    return found_log_probs, found_lengths, found, found_attention


@njit(nogil=True, cache=True)
def assign_slots(slots, row, k, length, in_use):  # type: ignore[no-untyped-def]
    """Give the next token of a sentence's hypotheses slots that none of them needs any more: most share their past, so
    that far fewer are in use than there were tokens.

    Args:
        slots: (rows, T): the slots of the ``length`` tokens of each hypothesis; the next one is filled in.
        row: The first of them.
        k: How many there are.
        length: Tokens of each.
        in_use: (slots,), scratch.

    Returns:
        How many slots are in use, with those between.
    """
    for position in range(len(in_use)):
        in_use[position] = False
    last = 0
    for j in range(row, row + k):
        for t in range(length):
            in_use[slots[j, t]] = True
            last = max(last, slots[j, t])
    position = 0
    for j in range(row, row + k):
        while in_use[position]:
            position += 1
        slots[j, length] = position
        in_use[position] = True
    return max(last, position) + 1


@njit(nogil=True, cache=True)
def normaliser(length, alpha):  # type: ignore[no-untyped-def]
    """lp(Y) of Wu et al., as ``Beam.normaliser``."""
    return float32(((5 + length) / 6) ** alpha)
