"""Adversarial images that survive being saved: every value one of 256, and still within the size that was allowed."""

from __future__ import annotations

import math
from itertools import product
from typing import Any, Literal

import torch
from torch import Tensor

from potmeter.errors import reject

from .carlini_wagner import carlini_wagner
from .criterion import is_adversarial
from .deepfool import deepfool
from .gradient import fgsm, pgd
from .square import square

Method = Literal["fgsm", "pgd", "pgd_l2", "deepfool", "carlini_wagner", "square"]
FACTORS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0)
"""How much a perturbation is enlarged before it is rounded."""
THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1, 0.05)
"""From which fraction of a level on values are rounded away from 0: a perturbation of less than half a level would vanish."""
QUERIES_PER_STEP = 25
"""Of the Square attack, in place of a gradient step."""


def attack_in_8_bits(
    model: Any, x: Tensor, y: Tensor, eps: float, *, method: Method, targeted: bool, steps: int, seed: int = 0
) -> Tensor:
    """Attack images and round the result to 8 bits, so that what is saved still deceives where anything does.

    Args:
        model: A ``Classifier`` and ``Attackable``.
        x: Images (B, C, H, W) whose values are multiples of 1/255.
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: fgsm, pgd, square: largest change of a value, rounded down to multiples of 1/255; pgd_l2: root of the mean
            squared change. The others find the size by themselves.
        method: The attack.
        targeted: Whether ``y`` is wanted.
        steps: Gradient steps.
        seed: Start of the randomness.

    Raises:
        UserError: For inputs that the attack does not take.
    """
    bound = math.floor(255 * eps + 1e-6) / 255 if method in ("fgsm", "pgd", "square") else None
    if bound == 0:
        return x.clone()
    if method == "fgsm":
        adversarial = fgsm(model, x, y, bound or 0, targeted=targeted)
    elif method == "pgd":
        adversarial = pgd(model, x, y, bound or 0, steps=steps, targeted=targeted, seed=seed)
    elif method == "pgd_l2":
        radius = eps * x[0].numel() ** 0.5
        adversarial = pgd(model, x, y, radius, steps=steps, norm="l2", targeted=targeted, seed=seed)
    elif method == "square":
        adversarial = square(model, x, y, bound or 0, queries=QUERIES_PER_STEP * steps, targeted=targeted, seed=seed)
    elif method == "carlini_wagner":
        adversarial = carlini_wagner(model, x, y, steps=steps, targeted=targeted)
    else:
        not targeted or reject("deepfool goes to the nearest other class: it takes no target.", method)
        adversarial = deepfool(model, x, y, steps=steps)
    return quantise(model, x, adversarial - x, y, bound, targeted)


@torch.no_grad()
def quantise(model: Any, x: Tensor, perturbation: Tensor, y: Tensor, bound: float | None, targeted: bool) -> Tensor:
    """The adversarial images in 8 bits: of all ways to round, the one with the least L2 perturbation that still deceives.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) whose values are multiples of 1/255.
        perturbation: What an attack added to them, of the same shape.
        y: The right classes (B,); the wanted ones where ``targeted``.
        bound: Largest change of a value; None = any.
        targeted: Whether ``y`` is wanted.
    """
    quantised, previous = add_in_8_bits(x, perturbation, bound), torch.full_like(x, -1.0)
    nearest = x.new_full((len(x),), torch.inf)
    for factor, threshold in product(FACTORS, THRESHOLDS):
        candidates = add_in_8_bits(x, factor * perturbation, bound, threshold)
        distance = (candidates - x).flatten(1).norm(dim=1)
        differs = (candidates != previous).flatten(1).any(1)
        nearer = (differs & (distance < nearest)).nonzero()[:, 0]
        previous = candidates
        if not len(nearer):
            continue
        deceived = nearer[is_adversarial(model.logits(candidates[nearer]), y[nearer], targeted=targeted)]
        quantised[deceived], nearest[deceived] = candidates[deceived], distance[deceived]
    return quantised


def add_in_8_bits(x: Tensor, perturbation: Tensor, bound: float | None, threshold: float = 0.5) -> Tensor:
    """``x`` plus a perturbation that is rounded to multiples of 1/255 and cut off at ``bound``.

    Args:
        x: Images whose values are multiples of 1/255.
        perturbation: Of the same shape.
        bound: Largest value that is left of it.
        threshold: The fraction of 1/255 from which on a value is rounded away from 0.
    """
    levels = perturbation.sign() * (255 * perturbation.abs() + 1 - threshold).floor()
    levels = levels if bound is None else levels.clamp(-round(255 * bound), round(255 * bound))
    return ((255 * x).round() + levels).clamp(0, 255) / 255
