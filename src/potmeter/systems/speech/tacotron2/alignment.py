"""Where each symbol of a text is spoken in a sound: the most likely way through the attention weights that never goes back."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from torch import Tensor

from .compiled_paths import search_path

FLOOR = 1e-4
"""Least attention weight that counts, so that no way is impossible."""


def align_monotonically(attention: Float[Tensor, "s n"]) -> np.ndarray:
    """The symbol that each step belongs to: (S,), from the first to the last, never back.

    Of all such ways the one with the largest product of attention weights (Viterbi 1967); a step may pass over symbols,
    which then last no time.

    Example:
        >>> import torch
        >>> align_monotonically(torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.1, 0.9]])).tolist()
        [0, 0, 0, 1]
    """
    scores = np.log(np.maximum(attention.double().numpy(), FLOOR))
    path: np.ndarray = search_path(scores)
    return path


def find_times(path: np.ndarray, size: int, seconds_per_step: float, start: float) -> list[tuple[float, float]]:
    """Start and end of each symbol in seconds; of one that was passed over, both are where it would be."""
    first = np.searchsorted(path, np.arange(size + 1))  # the first step of each symbol or of a later one
    return [(start + a * seconds_per_step, start + b * seconds_per_step) for a, b in itertools.pairwise(first.tolist())]


def group_words(symbols: Iterable[str], times: list[tuple[float, float]]) -> list[tuple[str, float, float]]:
    """The words of symbols, between spaces and punctuation, each with its start and end."""
    words: list[tuple[str, float, float]] = []
    joins = False
    for symbol, (start, end) in zip(symbols, times, strict=True):
        spoken = not symbol.isspace() and symbol not in ',.;:?!~_"-'
        if spoken and joins:
            word, begin, _ = words[-1]
            words[-1] = (word + symbol, begin, end)
        elif spoken:
            words.append((symbol, start, end))
        joins = spoken
    return words
