"""Training as a compiled kernel: skip-gram and CBOW, negative sampling and hierarchical softmax, in one loop over text.

It does what ``model.WordVectors`` says, one window at a time: asks, compares, and moves both vectors along the exact
gradient of that window's loss. Compiled by numba; it holds no lock, so that threads can share the work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, int64, njit, uint32, uint64

from .huffman import Tree, huffman
from .model import Config
from .prefetch import prefetch
from .vocabulary import Vocabulary, alias_table

BOUND = 6.0
"""Scores beyond ±6 count as certain: the sigmoid is 0 or 1 there, as in the original program. In a tree that passes over
them, right or wrong; here what is wrong is moved at full strength."""
STEPS = 1024
"""Intervals of the sigmoid's table, between whose points it is interpolated: within 2e-6 of the true one."""
LINE = 1000
"""A longer line is cut into such ones."""
REST = 0.1
"""How quickly a row that is moved comes to rest: the moves it takes are about 1 / (REST · lr)."""
GOLDEN = 0x9E3779B97F4A7C15
"""Step of the random numbers' counter (Steele, Lea and Flood 2014)."""


class Tables(NamedTuple):
    """What the kernel looks up."""

    kept: np.ndarray
    """uint32 (words,): probability, of 2³², that an occurrence is not skipped."""
    stay: np.ndarray
    alias: np.ndarray
    """Walker's table of the noise."""
    tree: Tree
    sigmoid: np.ndarray
    """float32 (STEPS + 2,), from −BOUND to BOUND."""
    softplus: np.ndarray
    """The same of log(1 + exp(x)), the loss of a wrong answer."""


def tables(vocabulary: Vocabulary, config: Config) -> Tables:
    """The tables of a vocabulary."""
    kept = np.minimum(vocabulary.kept(config.sample) * 2**32, 2**32 - 1).astype(np.uint32)
    noise = alias_table(vocabulary.noise())
    x = np.append(np.linspace(-BOUND, BOUND, STEPS + 1), BOUND)
    sigmoid, softplus = 1 / (1 + np.exp(-x)), np.log1p(np.exp(x))
    tree = huffman(np.array(vocabulary.counts))
    return Tables(kept, *noise, tree, sigmoid.astype(np.float32), softplus.astype(np.float32))


@njit(inline="always")
def mixed(counter):  # type: ignore[no-untyped-def]
    """64 random bits of a counter (SplitMix64): no number waits for the one before."""
    bits = (counter ^ (counter >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> uint64(27))) * uint64(0x94D049BB133111EB)
    return bits ^ (bits >> uint64(31))


@njit(inline="always")
def below(bits, bound):  # type: ignore[no-untyped-def]
    """A whole number in [0, bound) from the upper 32 bits."""
    return int64(((bits >> uint64(32)) * uint64(bound)) >> uint64(32))


@njit(inline="always")
def looked_up(table, score):  # type: ignore[no-untyped-def]
    """A table's value between its points, for a score within the bound."""
    place = (score + float32(BOUND)) * float32(STEPS / (2 * BOUND))
    left = int64(place)
    return table[left] + (place - float32(left)) * (table[left + 1] - table[left])


@njit(fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def ask(hidden, outputs, asked, yes, number, lr, sigmoid, softplus, slope, change):  # type: ignore[no-untyped-def]
    """Put some questions to one hidden vector: move what was asked, leave in ``change`` how to move what asked.

    A word that noise draws twice counts twice, the second time as the first has moved it.

    Returns:
        The loss in nats, of before the move.
    """
    size, loss = outputs.shape[1], float32(0)
    for q in range(number):
        row, score = asked[q], float32(0)
        for d in range(size):
            score += hidden[d] * outputs[row, d]
        wrong = -score if yes[q] else score
        if wrong >= float32(BOUND):
            loss, p = loss + wrong, float32(1)
        elif wrong <= float32(-BOUND):
            p = float32(0)
        else:
            loss, p = loss + looked_up(softplus, wrong), looked_up(sigmoid, wrong)
        slope[q] = p * lr if yes[q] else -p * lr
    for d in range(size):
        change[d] = 0
    for q in range(number):
        row, g = asked[q], slope[q]
        for d in range(size):
            value = outputs[row, d]
            change[d] += g * value
            outputs[row, d] = value + g * hidden[d]
    return loss


@njit(nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy", cache=True)
def learn(inputs, outputs, text, tables, window, negatives, cbow, lr, seed, moved_in, moved_out):  # type: ignore[no-untyped-def]
    """One pass over a piece of encoded text.

    Args:
        inputs, outputs: float32 (words, D) and (words, D), or (words − 1, D) for a tree; changed in place.
        text: int32 word numbers, negative ones end a line.
        tables: As ``tables`` makes them.
        window, negatives: As in Config; no negatives = hierarchical softmax.
        cbow: Ask with the mean of the window, not with each of its words.
        lr: float32; 0 only measures.
        seed: uint64, decides what is skipped, how far windows reach, and what is noise.
        moved_in: int32 (words,): how often each row was moved is added to it.
        moved_out: int32 (rows of outputs,): how often each row stands in a list of questions is added to it, which is
            about how often it was moved. Skip-gram draws noise for each place of a window, also for its middle, whose
            list is counted though nobody asks it; with a tree a window has one list, counted once though each word asks it.

    Returns:
        The sum of the losses in nats, and how many hidden vectors asked.
    """
    size, words, row_bytes = inputs.shape[1], inputs.shape[0], uint64(4 * inputs.shape[1])
    start_of_outputs, golden, counter = uint64(outputs.ctypes.data), uint64(GOLDEN), uint64(seed)
    kept, stay, alias, tree, sigmoid, softplus = tables
    starts, nodes, branches = tree
    line = np.empty(LINE, np.int32)
    most = negatives + 1
    if negatives == 0:
        for word in range(words):
            most = max(most, starts[word + 1] - starts[word])
    asked, yes = np.zeros((2 * window + 1, most), np.int32), np.zeros((2 * window + 1, most), np.bool_)
    numbers = np.zeros(2 * window + 1, np.int64)
    slope, change, hidden = np.empty(most, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    place, loss, askers = 0, 0.0, 0
    while place < len(text):
        length = 0
        while place < len(text) and length < LINE:
            word = text[place]
            place += 1
            if word < 0:
                break
            counter += golden
            if uint32(mixed(counter) >> uint64(32)) <= kept[word]:
                line[length] = word
                length += 1
        for middle in range(length):
            word = line[middle]
            counter += golden
            reach = window - below(mixed(counter), window)
            first, last = max(0, middle - reach), min(length, middle + reach + 1)
            if last - first < 2:
                continue
            lists = 1 if cbow or negatives == 0 else last - first
            for k in range(lists):  # all of the window's questions first, so that what they ask about is on its way
                if negatives == 0:
                    number = starts[word + 1] - starts[word]
                    for q in range(number):
                        asked[k, q] = nodes[starts[word] + q]
                        yes[k, q] = branches[starts[word] + q] == 0
                else:
                    asked[k, 0], yes[k, 0], number = word, True, 1
                    for _ in range(negatives):
                        counter += golden
                        bits = mixed(counter)
                        noise = below(bits, words)
                        if uint32(bits) >= stay[noise]:
                            noise = int64(alias[noise])
                        if noise != word:
                            asked[k, number] = noise
                            number += 1
                            for offset in range(uint64(0), row_bytes, uint64(64)):
                                prefetch(start_of_outputs + uint64(noise) * row_bytes + offset)  # type: ignore[call-arg]
                numbers[k] = number
                for q in range(number):
                    moved_out[asked[k, q]] += 1
            if cbow:
                for d in range(size):
                    hidden[d] = 0
                for other in range(first, last):
                    if other != middle:
                        for d in range(size):
                            hidden[d] += inputs[line[other], d]
                for d in range(size):
                    hidden[d] /= float32(last - first - 1)
                loss += ask(hidden, outputs, asked[0], yes[0], numbers[0], lr, sigmoid, softplus, slope, change)
                askers += 1
            for other in range(first, last):
                if other == middle:
                    continue
                row = line[other]
                if not cbow:
                    k = 0 if negatives == 0 else other - first
                    for d in range(size):
                        hidden[d] = inputs[row, d]
                    loss += ask(hidden, outputs, asked[k], yes[k], numbers[k], lr, sigmoid, softplus, slope, change)
                    askers += 1
                for d in range(size):
                    inputs[row, d] += change[d]
                moved_in[row] += 1
    return loss, askers


@njit(nogil=True, error_model="numpy", cache=True)
def bring_together(whole, copies, moved, lr, first, last):  # type: ignore[no-untyped-def]
    """Add the changes of copies (lanes, rows, D) to the whole, rows first to last, and make the copies equal it again.

    Each lane saw only its own changes. Where they are few, their sum is what one after the other would have done; a row
    that was moved often has come to rest in every lane, and the sum would overshoot: there their mean is right. With n
    moves a lane, as ``learn`` counts them, the share of the mean is 1 − exp(−REST · n · lr).

    Args:
        whole, copies: Changed in place.
        moved: int32 (lanes, rows), what ``learn`` counted; set back to 0.
        lr: float32.
        first, last: The rows.
    """
    lanes, _, size = copies.shape
    for row in range(first, last):
        moves, movers = 0, 0
        for lane in range(lanes):
            moves += moved[lane, row]
            movers += moved[lane, row] > 0
            moved[lane, row] = 0
        if moves == 0:
            continue
        rest = float32(1) - np.exp(-float32(REST) * lr * float32(moves) / float32(movers))
        weight = float32(1) / (float32(1) + float32(movers - 1) * rest)
        for d in range(size):
            before, change = whole[row, d], float32(0)
            for lane in range(lanes):
                change += copies[lane, row, d] - before
            whole[row, d] = before + weight * change
        for lane in range(lanes):
            for d in range(size):
                copies[lane, row, d] = whole[row, d]
