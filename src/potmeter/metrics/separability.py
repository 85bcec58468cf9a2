"""Linear separability of a latent space: how much a hyperplane leaves unknown of what pictures show.

Karras, Laine and Aila 2018 (arXiv:1812.04948), section 4.2.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def linear_separability(
    latents: Float[Tensor, "n latent"], logits: Float[Tensor, "n attributes"], *, min_fraction: float = 0.02
) -> float:
    """exp Σᵢ H(Yᵢ | Xᵢ): 1 where a hyperplane divides those with an attribute from those without, else more.

    Xᵢ is the side of a linear SVM's hyperplane, Yᵢ what a classifier sees in the picture; of the pictures, the half of
    which the classifier is surest is used, and, unlike the paper's, the SVM is measured on every other one, which it was
    not fitted on.

    Args:
        latents: Where the pictures come from.
        logits: Log-odds that a classifier gives each attribute.
        min_fraction: Attributes that fewer pictures than this fraction have, or lack, are left out.
    """
    from sklearn.svm import LinearSVC

    total = 0.0
    for logit in logits.T:
        sure = logit.abs().argsort(descending=True)[: len(logit) // 2].sort().values
        x, y = latents[sure].cpu().numpy(), (logit[sure] > 0).cpu().numpy()
        if min(y[0::2].mean(), 1 - y[0::2].mean()) < min_fraction:
            continue
        plane = LinearSVC(C=1.0, max_iter=5000).fit((x[0::2] - x.mean(0)) / x.std(), y[0::2])
        total += conditional_entropy(plane.predict((x[1::2] - x.mean(0)) / x.std()), y[1::2])
    return math.exp(total)


def conditional_entropy(x: np.ndarray, y: np.ndarray) -> float:
    """H(Y | X) in nats of two yes-or-no variables (N,).

    Example:
        >>> conditional_entropy(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
        0.0
    """
    entropy = 0.0
    for side in (False, True):
        inside = y[x.astype(bool) == side]
        for share in (inside.mean(), 1 - inside.mean()) if len(inside) else ():
            entropy -= len(inside) / len(y) * (share * math.log(share) if share > 0 else 0.0)
    return float(entropy)


def attribute_logits(
    real: Float[Tensor, "n features"], attributes: Float[Tensor, "n attributes"], fake: Float[Tensor, "m features"]
) -> Float[Tensor, "m varied"]:
    """Log-odds, in generated pictures, of each attribute that only some real ones have, by logistic regression on features."""
    from sklearn.linear_model import LogisticRegression

    mean, std = real.mean(0), real.std(0) + 1e-6
    x, z = (((part - mean) / std).cpu().numpy() for part in (real, fake))
    columns = []  # of attributes that some have and some lack
    for y in attributes.T.cpu().numpy() > 0.5:
        if 0 < y.mean() < 1:
            columns.append(torch.from_numpy(LogisticRegression(C=0.01, max_iter=200).fit(x, y).decision_function(z)))
    return torch.stack(columns, 1).float() if columns else fake.new_zeros(len(fake), 0)
