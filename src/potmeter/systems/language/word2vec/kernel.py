"""Training as a compiled kernel: skip-gram and CBOW, negative sampling and hierarchical softmax, in one loop over text.

It does what ``model.WordVectors`` says, one window at a time: scores the samples, and moves both kinds of vectors along
the exact gradient of that window's loss. Compiled by numba; it holds no lock, so that threads can share the work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, int64, njit, uint32, uint64

from .huffman import HuffmanTree, build_huffman_tree
from .model import Config
from .prefetch import prefetch
from .vocabulary import Vocabulary, build_alias_table

MAX_SCORE = 6.0
"""Scores beyond ±6 count as certain: the sigmoid is 0 or 1 there, as in the original program. In a tree that passes over
them, right or wrong; here what is wrong is moved at full strength."""
INTERVALS = 1024
"""Intervals of the sigmoid's table, linearly interpolated: within 2e-6 of the true one."""
MAX_LINE = 1000
"""Words of a line; a longer one is cut into such ones."""
CONVERGENCE_RATE = 0.1
"""How quickly a row that is updated converges: it takes about 1 / (CONVERGENCE_RATE · lr) updates."""
GOLDEN_GAMMA = 0x9E3779B97F4A7C15
"""Increment of the random numbers' counter (Steele, Lea and Flood 2014)."""


class Tables(NamedTuple):
    """What the kernel looks up."""

    keep: np.ndarray
    """uint32 (words,): probability, of 2³², that an occurrence is kept by subsampling."""
    alias_threshold: np.ndarray
    alias: np.ndarray
    """Walker's table of the noise distribution."""
    tree: HuffmanTree
    sigmoid: np.ndarray
    """float32 (INTERVALS + 2,), from −MAX_SCORE to MAX_SCORE."""
    softplus: np.ndarray
    """The same of log(1 + exp(x)), the loss of a sample whose score x speaks against its label."""


def build_tables(vocabulary: Vocabulary, config: Config) -> Tables:
    """The tables of a vocabulary."""
    keep = np.minimum(vocabulary.keep_probabilities(config.subsampling_threshold) * 2**32, 2**32 - 1).astype(np.uint32)
    noise = build_alias_table(vocabulary.noise_distribution())
    x = np.append(np.linspace(-MAX_SCORE, MAX_SCORE, INTERVALS + 1), MAX_SCORE)
    sigmoid, softplus = 1 / (1 + np.exp(-x)), np.log1p(np.exp(x))
    tree = build_huffman_tree(np.array(vocabulary.counts))
    return Tables(keep, *noise, tree, sigmoid.astype(np.float32), softplus.astype(np.float32))


@njit(inline="always")
def splitmix64(counter):  # type: ignore[no-untyped-def]
    """64 random bits of a counter: no number waits for the one before."""
    bits = (counter ^ (counter >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> uint64(27))) * uint64(0x94D049BB133111EB)
    return bits ^ (bits >> uint64(31))


@njit(inline="always")
def scale_to(bits, bound):  # type: ignore[no-untyped-def]
    """A whole number in [0, bound) from the upper 32 bits."""
    return int64(((bits >> uint64(32)) * uint64(bound)) >> uint64(32))


@njit(inline="always")
def interpolate(table, score):  # type: ignore[no-untyped-def]
    """A table's value between its points, for a score within ±MAX_SCORE."""
    place = (score + float32(MAX_SCORE)) * float32(INTERVALS / (2 * MAX_SCORE))
    left = int64(place)
    return table[left] + (place - float32(left)) * (table[left + 1] - table[left])


@njit(fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def update_samples(hidden, outputs, targets, labels, count, lr, sigmoid, softplus, step, hidden_step):  # type: ignore[no-untyped-def]
    """One gradient step on a hidden vector's samples: their output vectors are moved, ``hidden_step`` says how to move it.

    A word that noise draws twice counts twice, the second time as the first has moved it.

    Returns:
        The loss in nats, of before the step.
    """
    dim, loss = outputs.shape[1], float32(0)
    for n in range(count):
        row, score = targets[n], float32(0)
        for d in range(dim):
            score += hidden[d] * outputs[row, d]
        wrong = -score if labels[n] else score  # how much the score speaks against the label
        if wrong >= float32(MAX_SCORE):
            loss, p = loss + wrong, float32(1)
        elif wrong <= float32(-MAX_SCORE):
            p = float32(0)
        else:
            loss, p = loss + interpolate(softplus, wrong), interpolate(sigmoid, wrong)
        step[n] = p * lr if labels[n] else -p * lr
    for d in range(dim):
        hidden_step[d] = 0
    for n in range(count):
        row, g = targets[n], step[n]
        for d in range(dim):
            value = outputs[row, d]
            hidden_step[d] += g * value
            outputs[row, d] = value + g * hidden[d]
    return loss


@njit(nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def train_on_text(  # type: ignore[no-untyped-def]
    inputs, outputs, text, tables, window, negative_samples, cbow, lr, seed, input_updates, output_updates
):
    """One pass over a piece of encoded text.

    Args:
        inputs, outputs: float32 (words, D) and (words, D), or (words − 1, D) for a tree; changed in place.
        text: int32 word numbers; numbers below 0 end a line.
        tables: As ``build_tables`` makes them.
        window, negative_samples: As in Config; 0 samples = hierarchical softmax.
        cbow: Predict from the mean of the window, not from each of its words.
        lr: float32; 0 only measures.
        seed: uint64, decides what subsampling skips, how large windows are, and which noise is drawn.
        input_updates: int32 (words,): how often each row was updated is added to it.
        output_updates: int32 (rows of outputs,): how often each row stands in a list of samples is added to it, which is
            about how often it was updated. Skip-gram draws noise for each position of a window, also for its middle, whose
            list is counted though nothing is predicted from it; with a tree a window has one list, counted once though it
            is used for each word.

    Returns:
        The sum of the losses in nats, and how many predictions they are of.
    """
    dim, words, row_bytes = inputs.shape[1], inputs.shape[0], uint64(4 * inputs.shape[1])
    start_of_outputs, gamma, counter = uint64(outputs.ctypes.data), uint64(GOLDEN_GAMMA), uint64(seed)
    keep, alias_threshold, alias, tree, sigmoid, softplus = tables
    starts, nodes, branches = tree
    line = np.empty(MAX_LINE, np.int32)
    most = negative_samples + 1
    if negative_samples == 0:
        for word in range(words):
            most = max(most, starts[word + 1] - starts[word])
    targets, labels = np.zeros((2 * window + 1, most), np.int32), np.zeros((2 * window + 1, most), np.bool_)
    counts = np.zeros(2 * window + 1, np.int64)
    step, hidden_step, hidden = np.empty(most, np.float32), np.empty(dim, np.float32), np.empty(dim, np.float32)
    place, loss, predictions = 0, 0.0, 0
    while place < len(text):
        length = 0
        while place < len(text) and length < MAX_LINE:
            word = text[place]
            place += 1
            if word < 0:
                break
            counter += gamma
            if uint32(splitmix64(counter) >> uint64(32)) <= keep[word]:
                line[length] = word
                length += 1
        for middle in range(length):
            word = line[middle]
            counter += gamma
            reach = window - scale_to(splitmix64(counter), window)
            first, last = max(0, middle - reach), min(length, middle + reach + 1)
            if last - first < 2:
                continue
            lists = 1 if cbow or negative_samples == 0 else last - first
            for k in range(lists):  # all of the window's samples first, so that their vectors are on their way
                if negative_samples == 0:
                    count = starts[word + 1] - starts[word]
                    for n in range(count):
                        targets[k, n] = nodes[starts[word] + n]
                        labels[k, n] = branches[starts[word] + n] == 0
                else:
                    targets[k, 0], labels[k, 0], count = word, True, 1
                    for _ in range(negative_samples):
                        counter += gamma
                        bits = splitmix64(counter)
                        noise = scale_to(bits, words)
                        if uint32(bits) >= alias_threshold[noise]:
                            noise = int64(alias[noise])
                        if noise != word:
                            targets[k, count] = noise
                            count += 1
                            for offset in range(uint64(0), row_bytes, uint64(64)):
                                prefetch(start_of_outputs + uint64(noise) * row_bytes + offset)  # type: ignore[call-arg]
                counts[k] = count
                for n in range(count):
                    output_updates[targets[k, n]] += 1
            if cbow:
                for d in range(dim):
                    hidden[d] = 0
                for other in range(first, last):
                    if other != middle:
                        for d in range(dim):
                            hidden[d] += inputs[line[other], d]
                for d in range(dim):
                    hidden[d] /= float32(last - first - 1)
                loss += update_samples(
                    hidden, outputs, targets[0], labels[0], counts[0], lr, sigmoid, softplus, step, hidden_step
                )
                predictions += 1
            for other in range(first, last):
                if other == middle:
                    continue
                row = line[other]
                if not cbow:
                    k = 0 if negative_samples == 0 else other - first
                    for d in range(dim):
                        hidden[d] = inputs[row, d]
                    loss += update_samples(
                        hidden, outputs, targets[k], labels[k], counts[k], lr, sigmoid, softplus, step, hidden_step
                    )
                    predictions += 1
                for d in range(dim):
                    inputs[row, d] += hidden_step[d]
                input_updates[row] += 1
    return loss, predictions


@njit(nogil=True, error_model="numpy", cache=True)
def merge_replicas(whole, replicas, updates, lr, first, last):  # type: ignore[no-untyped-def]
    """Add the changes of the replicas (replicas, rows, D) to the whole, rows first to last, and make them equal it again.

    Each replica saw only its own changes. Where they are few, their sum is what one after the other would have done; a row
    that was updated often has converged in every replica, and the sum would overshoot: there their mean is right. With n
    updates a replica, as ``train_on_text`` counts them, the share of the mean is 1 − exp(−CONVERGENCE_RATE · n · lr).

    Args:
        whole, replicas: float32 (rows, D) and (replicas, rows, D), changed in place.
        updates: int32 (replicas, rows), what ``train_on_text`` counted; set back to 0.
        lr: float32.
        first, last: The rows.
    """
    count, _, dim = replicas.shape
    for row in range(first, last):
        total, changed = 0, 0
        for replica in range(count):
            total += updates[replica, row]
            changed += updates[replica, row] > 0
            updates[replica, row] = 0
        if total == 0:
            continue
        converged = float32(1) - np.exp(-float32(CONVERGENCE_RATE) * lr * float32(total) / float32(changed))
        weight = float32(1) / (float32(1) + float32(changed - 1) * converged)
        for d in range(dim):
            before, change = whole[row, d], float32(0)
            for replica in range(count):
                change += replicas[replica, row, d] - before
            whole[row, d] = before + weight * change
        for replica in range(count):
            for d in range(dim):
                replicas[replica, row, d] = whole[row, d]
