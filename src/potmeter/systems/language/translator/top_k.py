"""The k largest of many values, kept sorted as they come, for the compiled search (numba)."""

from __future__ import annotations

from numba import njit


@njit(nogil=True, cache=True)
def insert(value, values):  # type: ignore[no-untyped-def]
    """Put a value where it belongs into descending values, of which the last falls out. Returns its rank."""
    rank = len(values)
    while rank > 0 and values[rank - 1] < value:
        rank -= 1
    if rank < len(values):
        shift(values, rank, value)
    return rank


@njit(nogil=True, cache=True)
def shift(values, rank, value):  # type: ignore[no-untyped-def]
    """Put a value at a rank; those from there on move by one, and the last falls out."""
    for i in range(len(values) - 1, rank, -1):
        values[i] = values[i - 1]
    values[rank] = value


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
                    rank = insert(base + line[token], top)
                    shift(top_row, rank, row)
                    shift(top_token, rank, token)
