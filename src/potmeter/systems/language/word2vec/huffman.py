"""The Huffman tree of a vocabulary: short codes for frequent words, long ones for rare words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class HuffmanTree(NamedTuple):
    """Each word's path from the root to its leaf: that of word w stands at ``starts[w]:starts[w + 1]``."""

    starts: np.ndarray
    """int64 (words + 1,)"""
    nodes: np.ndarray
    """int32: the inner nodes on the way, 0 to words − 2; the root is the last."""
    branches: np.ndarray
    """uint8, the code: 0 for the lighter branch, 1 for the heavier."""


def build_huffman_tree(counts: np.ndarray) -> HuffmanTree:
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
    return trace_paths(parent, branch, size)


def trace_paths(parent: list[int], branch: list[int], size: int) -> HuffmanTree:
    """Each word's path from the root, given every node's parent and which of its branches the node hangs on."""
    starts, nodes, branches = [0], [], []
    for word in range(size):
        path, node = [], word
        while node != 2 * size - 2:
            path.append((parent[node] - size, branch[node]))
            node = parent[node]
        nodes += [number for number, _ in reversed(path)]
        branches += [side for _, side in reversed(path)]
        starts.append(len(nodes))
    return HuffmanTree(np.array(starts, np.int64), np.array(nodes, np.int32), np.array(branches, np.uint8))
