"""The Huffman tree of a vocabulary: few questions for frequent words, many for rare ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Tree(NamedTuple):
    """For each word the yes/no questions that lead to it from the root: those of word w are ``starts[w]:starts[w + 1]``."""

    starts: np.ndarray
    """int64 (words + 1,)"""
    nodes: np.ndarray
    """int32: which of the words − 1 inner nodes asks; the root is the last."""
    branches: np.ndarray
    """uint8: 0 for the lighter branch, 1 for the heavier."""


def huffman(counts: np.ndarray) -> Tree:
    """The tree with the shortest mean code (Huffman 1952), in linear time because the counts are sorted.

    Of equal counts an inner node goes before a word, as in the original program.

    Args:
        counts: How often each word occurs, most frequent first; at least two.
    """
    size = len(counts)
    weight, parent, branch = [*map(int, counts)], [0] * (2 * size - 1), [0] * (2 * size - 1)
    word, node = size - 1, size  # the lightest word and the lightest inner node that have no parent yet
    for new in range(size, 2 * size - 1):
        pair = []
        for _ in range(2):
            if word >= 0 and (node >= new or weight[word] < weight[node]):
                pair.append(word)
                word -= 1
            else:
                pair.append(node)
                node += 1
        weight.append(weight[pair[0]] + weight[pair[1]])
        parent[pair[0]] = parent[pair[1]] = new
        branch[pair[1]] = 1
    return paths(parent, branch, size)


def paths(parent: list[int], branch: list[int], size: int) -> Tree:
    """Each word's way down from the root, from where each node hangs."""
    starts, nodes, branches = [0], [], []
    for word in range(size):
        way, place = [], word
        while place != 2 * size - 2:
            way.append((parent[place] - size, branch[place]))
            place = parent[place]
        nodes += [number for number, _ in reversed(way)]
        branches += [side for _, side in reversed(way)]
        starts.append(len(nodes))
    return Tree(np.array(starts, np.int64), np.array(nodes, np.int32), np.array(branches, np.uint8))
