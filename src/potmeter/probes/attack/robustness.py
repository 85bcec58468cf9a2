"""How right networks stay under attack: what ``eval`` measures on test digits, and what the chart shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from potmeter.core.loading import load
from potmeter.core.random import Stream
from potmeter.data.batches import in_batches
from potmeter.data.sets.mnist import mnist
from potmeter.data.splits import take_evenly

from .gradient import fgsm, pgd
from .square import signs, square

EPS = 0.3
"""Madry's ball for MNIST."""
DIGITS = 1000
"""Test digits, spread evenly over the 10,000, that ``eval`` measures on: the same ones every time."""
RESTARTS = 10
"""Random starts of PGD against the robust network; and draws of random noise."""
QUERIES = 1000
"""Of the Square attack, for each digit."""
BATCH = 250

Change = Callable[[Any, Tensor, Tensor], Tensor]
"""From model, pictures and labels to worse pictures."""


def accuracy(model: Any, data: Any, change: Change) -> float:
    """Share of pictures that are still classified rightly when each has been changed."""
    right = 0
    for batch in in_batches(data, BATCH):
        x, y = batch["image"], batch["label"]
        worse = change(model, x, y)
        assert float((worse - x).abs().max()) <= EPS + 1e-6, "an attack left its ball"
        with torch.no_grad():
            right += int((model.logits(worse).argmax(1) == y).sum())
    return right / len(data)


def unchanged(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The pictures as they are."""
    return x


def fgsm_change(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The fast gradient sign method."""
    return fgsm(model, x, y, EPS)


def pgd_change(restarts: int) -> Change:
    """PGD with 40 steps of 0.01."""
    return lambda model, x, y: pgd(model, x, y, EPS, steps=40, step=0.01, restarts=restarts)


def square_change(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The Square attack."""
    return square(model, x, y, EPS, queries=QUERIES)


def noise(model: Any, x: Tensor, y: Tensor, eps: float = EPS, draws: int = RESTARTS) -> Tensor:
    """Of several draws of ±ε at random, one that deceives where there is one."""
    rng, found = Stream(0), x.clone()
    left = torch.arange(len(x), device=x.device)
    for _ in range(draws):
        found[left] = (x[left] + eps * signs(rng, *x[left].shape).to(x)).clamp(0, 1)
        with torch.no_grad():
            left = left[model.logits(found[left]).argmax(1) == y[left]]
        if not len(left):
            break
    return found


def digits(count: int = DIGITS) -> Any:
    """Test digits of MNIST, spread evenly."""
    return take_evenly(mnist().test, count)


def under_attack(data: Any) -> dict[str, float]:
    """Accuracies of the plain network and of the one trained against PGD, L∞ ε 0.3."""
    plain, robust = load("classifier.digits"), load("classifier.robust")
    return {
        "plain_clean": accuracy(plain, data, unchanged),
        "plain_fgsm": accuracy(plain, data, fgsm_change),
        "plain_pgd40": accuracy(plain, data, pgd_change(1)),
        "robust_clean": accuracy(robust, data, unchanged),
        "robust_fgsm": accuracy(robust, data, fgsm_change),
        "robust_pgd40": accuracy(robust, data, pgd_change(RESTARTS)),
        "robust_square": accuracy(robust, data, square_change),
    }


def under_noise(data: Any) -> dict[str, float]:
    """What random noise of the same size, the worst of ten draws, leaves: an attack must do more harm."""
    return {f"noise_{name}_pgd40": accuracy(load(f"classifier.{tag}"), data, noise)
            for name, tag in (("plain", "digits"), ("robust", "robust"))}  # fmt: skip
