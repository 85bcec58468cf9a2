"""Geodesic point similarity: how near predicted places on a body's surface are to the true ones, as DensePose-COCO has it."""

from __future__ import annotations

import numpy as np

KAPPA = 0.255
"""Metres: a distance of 0.3 m, about half the length of a segment of the body, counts a half (arXiv:1802.00434, 2.3)."""


def point_similarity(distances: np.ndarray) -> float:
    """GPS = mean over a person's points of exp(−d² / 2κ²) (equation 1).

    Args:
        distances: (N,), between predicted and true places along the surface, in metres; ∞ where none is predicted.

    Example:
        >>> float(point_similarity(np.array([0.0, np.inf])))
        0.5
    """
    return float(np.exp(-(distances**2) / (2 * KAPPA**2)).mean())
