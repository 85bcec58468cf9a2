"""The Fréchet distance between two sets of pictures, in the features of a network: how far apart their clouds lie.

Heusel et al. 2017 (arXiv:1706.08500), equation 6. In the features of Inception it is called FID; here the network is named.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.errors import reject


def frechet_distance(x: Float[Tensor, "n features"], y: Float[Tensor, "m _"]) -> float:
    """Squared 2-Wasserstein distance between the Gaussians fitted to two sets of features.

    |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½), where the root's trace is the sum of singular values of A₁ᵀA₂ for
    any A with A Aᵀ = C: here A is the centred sample itself, so that nothing is lost to a matrix root. With few samples
    it is too large: compare it with the distance between two real sets of the same sizes.

    Args:
        x, y: A row for each picture, at least two each, of equally many features.

    Raises:
        UserError: Fewer than two rows, or rows of different lengths.

    Example:
        >>> frechet_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]]))
        9.0
    """
    for rows in (x, y):
        len(rows) >= 2 or reject("A Fréchet distance takes at least two pictures on each side.", len(rows))
    x.shape[1] == y.shape[1] or reject("Both sides must have features of one kind.", (x.shape[1], y.shape[1]))
    (mean, root), (other_mean, other_root) = fit_gaussian(x), fit_gaussian(y)
    cross = torch.linalg.svdvals(root @ other_root.T).sum()  # tr (C₁ C₂)^½
    traces = root.square().sum() + other_root.square().sum()  # tr C₁ + tr C₂
    return max(0.0, float((mean - other_mean).square().sum() + traces - 2 * cross))


def fit_gaussian(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (features,) and a root R (at most features, features) of the covariance, RᵀR, in double precision."""
    x = x.double()
    mean = x.mean(0)
    root = (x - mean) / (len(x) - 1) ** 0.5
    return mean, torch.linalg.qr(root, mode="r").R if len(root) > root.shape[1] else root
