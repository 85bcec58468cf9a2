"""Dynamic programming over a matrix, compiled: the cheapest warping of two sequences, and the likeliest way forward."""

import numpy as np
from numba import njit


@njit(cache=True)
def warp(costs: np.ndarray) -> tuple[float, int]:
    """The least sum of costs on a path from the first to the last pair, and the number of pairs on it."""
    rows, columns = costs.shape
    total = np.full((rows, columns), np.inf)
    length = np.zeros((rows, columns), np.int64)
    for i in range(rows):
        for j in range(columns):
            best, count = (0.0, 0) if i == j == 0 else (np.inf, 0)
            if i and j and total[i - 1, j - 1] < best:
                best, count = total[i - 1, j - 1], length[i - 1, j - 1]
            if i and total[i - 1, j] < best:
                best, count = total[i - 1, j], length[i - 1, j]
            if j and total[i, j - 1] < best:
                best, count = total[i, j - 1], length[i, j - 1]
            total[i, j], length[i, j] = best + costs[i, j], count + 1
    return total[-1, -1], length[-1, -1]


@njit(cache=True)
def search_path(scores: np.ndarray) -> np.ndarray:
    """The best way that never goes back through log-probabilities (S, N)."""
    steps, size = scores.shape
    total = np.full((steps, size), -np.inf)
    origin = np.zeros((steps, size), np.int64)
    total[0] = scores[0]
    for s in range(1, steps):
        best = 0
        for n in range(size):
            if total[s - 1, n] > total[s - 1, best]:
                best = n
            total[s, n] = total[s - 1, best] + scores[s, n]
            origin[s, n] = best
    path = np.zeros(steps, np.int64)
    path[-1] = np.argmax(total[-1])
    for s in range(steps - 1, 0, -1):
        path[s - 1] = origin[s, path[s]]
    return path
