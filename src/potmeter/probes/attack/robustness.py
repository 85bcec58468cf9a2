"""How accurate networks stay under attack: what ``eval`` measures on test digits, and what the chart shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from potmeter.core.loading import load
from potmeter.core.random import RandomStream
from potmeter.data.batches import in_batches
from potmeter.data.sets.mnist import mnist
from potmeter.data.splits import take_evenly

from .criterion import is_adversarial
from .gradient import fgsm, pgd
from .square import random_signs, square

EPS = 0.3
"""Radius of the L∞ ball of Madry et al. for MNIST."""
DIGITS = 1000
"""Test digits, spread evenly over the 10,000, that ``eval`` measures on: the same ones every time."""
RESTARTS = 10
"""Random starts of PGD against the robust network; and draws of random noise."""
QUERIES = 1000
"""Of the Square attack, for each digit."""
MINIBATCH = 250

Perturb = Callable[[Any, Tensor, Tensor], Tensor]
"""From model, images and labels to adversarial images."""


def adversarial_accuracy(model: Any, data: Any, perturb: Perturb) -> float:
    """Share of images that are still classified correctly when each has been perturbed."""
    correct = 0
    for batch in in_batches(data, MINIBATCH):
        x, y = batch["image"], batch["label"]
        adversarial = perturb(model, x, y)
        assert float((adversarial - x).abs().max()) <= EPS + 1e-6, "an attack left its ball"
        with torch.no_grad():
            correct += int((model.logits(adversarial).argmax(1) == y).sum())
    return correct / len(data)


def identity(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The images as they are, unperturbed."""
    return x


def perturb_by_fgsm(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The fast gradient sign method."""
    return fgsm(model, x, y, EPS)


def perturb_by_pgd(restarts: int) -> Perturb:
    """PGD with 40 steps of 0.01."""
    return lambda model, x, y: pgd(model, x, y, EPS, steps=40, step_size=0.01, restarts=restarts)


def perturb_by_square(model: Any, x: Tensor, y: Tensor) -> Tensor:
    """The Square attack."""
    return square(model, x, y, EPS, queries=QUERIES)


def perturb_at_random(model: Any, x: Tensor, y: Tensor, eps: float = EPS, draws: int = RESTARTS) -> Tensor:
    """Of several draws of ±ε at random, one that deceives where there is one."""
    rng, noisy = RandomStream(0), x.clone()
    active = torch.arange(len(x), device=x.device)
    for _ in range(draws):
        noisy[active] = (x[active] + eps * random_signs(rng, *x[active].shape).to(x)).clamp(0, 1)
        with torch.no_grad():
            active = active[~is_adversarial(model.logits(noisy[active]), y[active])]
        if not len(active):
            break
    return noisy


def digits(count: int = DIGITS) -> Any:
    """Test digits of MNIST, spread evenly."""
    return take_evenly(mnist().test, count)


def accuracies_under_attack(data: Any) -> dict[str, float]:
    """Accuracies of the plain network and of the one trained against PGD, L∞ ε 0.3."""
    plain, robust = load("classifier.digits"), load("classifier.robust")
    return {
        "plain_clean": adversarial_accuracy(plain, data, identity),
        "plain_fgsm": adversarial_accuracy(plain, data, perturb_by_fgsm),
        "plain_pgd40": adversarial_accuracy(plain, data, perturb_by_pgd(1)),
        "robust_clean": adversarial_accuracy(robust, data, identity),
        "robust_fgsm": adversarial_accuracy(robust, data, perturb_by_fgsm),
        "robust_pgd40": adversarial_accuracy(robust, data, perturb_by_pgd(RESTARTS)),
        "robust_square": adversarial_accuracy(robust, data, perturb_by_square),
    }


def accuracies_under_noise(data: Any) -> dict[str, float]:
    """The same under random noise of that size, the worst of ten draws: an attack must do more harm."""
    return {f"noise_{name}_pgd40": adversarial_accuracy(load(f"classifier.{tag}"), data, perturb_at_random)
            for name, tag in (("plain", "digits"), ("robust", "robust"))}  # fmt: skip
