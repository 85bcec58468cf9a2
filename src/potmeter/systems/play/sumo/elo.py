"""Elo ratings from the results of bouts, with their errors."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

SCALE = 400 / math.log(10)
"""Elo points of a unit of log-odds."""


def fit_elo(points: Float[np.ndarray, "n n"], games: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Elo ratings that make the results likeliest (Bradley and Terry 1952), with 0 in their middle.

    Everybody has besides drawn once with somebody of rating 0, so that who has won every bout has a finite rating too.

    Args:
        points: Of the row against the column: 1 a bout won, ½ one drawn.
        games: Bouts of each two.

    Example:
        >>> points, games = np.array([[0.0, 75.0], [25.0, 0.0]]), np.array([[0.0, 100.0], [100.0, 0.0]])
        >>> high, low = fit_elo(points, games)
        >>> round(high - low)  # 400 log₁₀ 3, a little less for the draws
        190
    """
    rating = np.zeros(len(points))  # in log-odds
    for _ in range(100):
        expected = 1 / (1 + np.exp(rating[None] - rating[:, None]))
        own = 1 / (1 + np.exp(-rating))
        slope = (points - games * expected).sum(1) + 0.5 - own
        weight = games * expected * (1 - expected)
        curvature = np.diag(weight.sum(1) + own * (1 - own)) - weight
        change = np.linalg.solve(curvature, slope).clip(-1, 1)
        rating = rating + change
        if np.abs(change).max() < 1e-9:
            break
    return SCALE * rating


def rate(results: Float[np.ndarray, "rounds n n"] | np.ndarray, anchor: int = 0) -> Float[np.ndarray, "rounds n"]:
    """Elo ratings relative to one fighter's: pseudo-values of the jackknife (Tukey 1958), whose means are the ratings.

    Their spread over √rounds is the rating's standard error: what it changes when one round is left out.

    Args:
        results: Of each round, 1 where the row has beaten the column, −1 where it has lost, 0 drawn.
        anchor: Whose rating is 0.
    """
    n, rounds = results.shape[1], len(results)
    other = 1.0 - np.eye(n)
    points = (results + 1) / 2 * other
    total = points.sum(0)

    def relative(summed: np.ndarray, count: int) -> np.ndarray:
        ratings = fit_elo(summed, count * other)
        return ratings - ratings[anchor]

    whole = relative(total, rounds)
    if rounds == 1:
        return whole[None]
    without = np.stack([relative(total - each, rounds - 1) for each in points])
    return rounds * whole - (rounds - 1) * without
