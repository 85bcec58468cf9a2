"""Densities of binary pictures without a network, for the variational autoencoder to beat."""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_nll(train: Tensor, test: Tensor) -> float:
    """Mean −log p in nats of binary pictures (N, D) when every pixel is independent, its mean taken from ``train``."""
    mean = train.mean(0).clamp(1e-3, 1 - 1e-3)
    return -float((test @ mean.log() + (1 - test) @ (1 - mean).log()).mean())


def mixture_nll(train: Tensor, test: Tensor, components: int = 200, iterations: int = 30, seed: int = 0) -> float:
    """Mean −log p in nats of binary pictures (N, D) under a mixture of independent pixels, fitted by EM.

    Bishop, "Pattern Recognition and Machine Learning", section 9.3.3; grey values of ``train`` count as expected bits.
    """
    rng = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(train), generator=rng)[:components]
    means = (0.25 + 0.5 * train[chosen]).clamp(1e-3, 1 - 1e-3)  # (K, D)
    shares = torch.full((len(chosen),), 1 / len(chosen))
    for _ in range(iterations):
        weights = joint_log_probs(train, means, shares).softmax(1)  # (N, K)
        counts = weights.sum(0)  # (K,)
        means = ((weights.T @ train + 0.1) / (counts[:, None] + 0.2)).clamp(
            1e-3, 1 - 1e-3
        )  # smoothed: no certain pixel
        shares = (counts + 1) / (len(train) + len(counts))
    return -float(joint_log_probs(test, means, shares).logsumexp(1).mean())


def joint_log_probs(x: Tensor, means: Tensor, shares: Tensor) -> Tensor:
    """log p(x, k) of pictures (N, D) and components (K, D): (N, K)."""
    odds = means.log() - (1 - means).log()
    return x @ odds.T + (1 - means).log().sum(1) + shares.log()
