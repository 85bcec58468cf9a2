"""Deceiving pictures that survive being saved: every value one of 256, and still within the size that was allowed."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from potmeter.errors import reject

from .carlini_wagner import carlini_wagner
from .deepfool import deepfool
from .gradient import fgsm, pgd
from .square import square

Method = Literal["fgsm", "pgd", "pgd_l2", "deepfool", "carlini_wagner", "square"]
STRETCHES = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0)
"""How much a change is enlarged until it survives rounding; the first that does is taken."""
QUERIES_A_STEP = 25
"""Of the Square attack, in place of a gradient step."""


def deceive(
    model: Any, x: Tensor, y: Tensor, eps: float, *, method: Method, targeted: bool, steps: int, seed: int = 0
) -> Tensor:
    """Attack pictures and round the result to 8 bits, so that what is saved still deceives where anything does.

    Args:
        model: A ``Classifier`` and ``Attackable``.
        x: Pictures (B, C, H, W) whose values are multiples of 1/255.
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
        worse = fgsm(model, x, y, bound or 0, targeted=targeted)
    elif method == "pgd":
        worse = pgd(model, x, y, bound or 0, steps=steps, targeted=targeted, seed=seed)
    elif method == "pgd_l2":
        radius = eps * x[0].numel() ** 0.5
        worse = pgd(model, x, y, radius, steps=steps, norm="l2", targeted=targeted, seed=seed)
    elif method == "square":
        worse = square(model, x, y, bound or 0, queries=QUERIES_A_STEP * steps, targeted=targeted, seed=seed)
    elif method == "carlini_wagner":
        worse = carlini_wagner(model, x, y, steps=steps, targeted=targeted, constant=0.1)
    else:
        not targeted or reject("deepfool goes to the nearest other class: it takes no target.", method)
        worse = deepfool(model, x, y, steps=steps)
    return rounded(model, x, worse, y, bound, targeted)


@torch.no_grad()
def rounded(model: Any, x: Tensor, worse: Tensor, y: Tensor, bound: float | None, targeted: bool) -> Tensor:
    """The changed pictures in 8 bits, each change enlarged as little as it takes to deceive still."""
    found = eight_bits(x, worse - x, bound)
    left = torch.arange(len(x), device=x.device)
    for stretch in STRETCHES:
        tried = eight_bits(x[left], stretch * (worse - x)[left], bound)
        hit = model.logits(tried).argmax(1) == y[left]
        deceived = hit if targeted else ~hit
        found[left[deceived]] = tried[deceived]
        left = left[~deceived]
        if not len(left):
            break
    return found


def eight_bits(x: Tensor, change: Tensor, bound: float | None) -> Tensor:
    """``x`` with a change that is rounded to multiples of 1/255 and cut off at ``bound``."""
    levels = (255 * change).round()
    levels = levels if bound is None else levels.clamp(-round(255 * bound), round(255 * bound))
    return ((255 * x).round() + levels).clamp(0, 255) / 255
