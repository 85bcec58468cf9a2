"""Carlini and Wagner's attack: of all pictures that deceive, search the one nearest to the original."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import input_gradient

from .inputs import check, margin

BETAS = (0.9, 0.999)
INSIDE = 0.999999
"""Values are pulled this much away from 0 and 1, where the tanh would be infinite."""
CHECKS = 10
"""How often in a search it is seen whether a picture still improves."""


def carlini_wagner(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    *,
    targeted: bool = False,
    searches: int = 6,
    steps: int = 100,
    lr: float = 0.01,
    constant: float = 1e-3,
    confidence: float = 0.0,
) -> Float[Tensor, "b c h w"]:
    """The least L2 change that deceives (Carlini and Wagner 2017, arXiv:1608.04644, section V): min ‖δ‖² + c·f(x + δ).

    Pictures live behind a tanh, so that they stay in [0, 1]; c is found by bisection for each picture, and a picture
    that no longer improves leaves the batch.

    Args:
        model: A ``Classifier``.
        x: Pictures (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        targeted: Whether ``y`` is wanted.
        searches: Values of c that are tried.
        steps: Steps of Adam for each.
        lr: Its learning rate.
        constant: First value of c.
        confidence: By how many logits the wrong class must lead.

    Returns:
        The nearest deceiving pictures found; where none was, the originals.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check(model, x, y)
    origin = ((2 * x - 1) * INSIDE).atanh()
    best, nearest = x.clone(), x.new_full((len(x),), torch.inf)
    low, high = x.new_zeros(len(x)), x.new_full((len(x),), torch.inf)
    c = x.new_full((len(x),), constant)
    for _ in range(searches):
        deceived = search(model, origin, x, y, c, best, nearest, targeted, steps, lr, confidence)
        high, low = torch.where(deceived, c.minimum(high), high), torch.where(deceived, low, c.maximum(low))
        c = torch.where(high.isfinite(), (low + high) / 2, 10 * c)
    return best


def search(
    model: Any, origin: Tensor, x: Tensor, y: Tensor, c: Tensor, best: Tensor, nearest: Tensor,
    targeted: bool, steps: int, lr: float, confidence: float,
) -> Tensor:  # fmt: skip
    """Adam with fixed c (B,); writes what it finds into ``best`` and ``nearest``; whether each picture deceived (B,)."""
    deceived = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    left = torch.arange(len(x), device=x.device)  # the pictures still searched
    change, mean, square = (torch.zeros_like(x) for _ in range(3))
    before = x.new_full((len(x),), torch.inf)
    for number in range(1, steps + 1):
        seen: dict[str, Tensor] = {}

        def loss(moved: Tensor, left: Tensor = left, seen: dict[str, Tensor] = seen) -> Tensor:
            images = (moved.tanh() + 1) / 2
            lead = margin(model.logits(images), y[left]) * (-1 if targeted else 1)
            lead.requires_grad or reject(
                "The network must be differentiable in its input.", "logits without a gradient"
            )
            size = (images - x[left]).square().flatten(1).sum(1)
            total = size + c[left] * (lead + confidence).clamp(min=0)
            seen.update(images=images.detach(), lead=lead.detach(), size=size.detach(), total=total.detach())
            return total

        gradient = input_gradient(loss, origin[left] + change[left])
        wins = (seen["lead"] < 0) & (seen["lead"] <= -confidence)
        deceived[left[wins]] = True
        wins &= seen["size"] < nearest[left]
        best[left[wins]], nearest[left[wins]] = seen["images"][wins], seen["size"][wins]
        mean[left] = mean[left].lerp(gradient, 1 - BETAS[0])
        square[left] = square[left].lerp(gradient.square(), 1 - BETAS[1])
        unbiased = (square[left] / (1 - BETAS[1] ** number)).sqrt() + 1e-8
        change[left] -= lr * mean[left] / (1 - BETAS[0] ** number) / unbiased
        if (number - 1) % max(1, steps // CHECKS) == 0:  # from the first on: too small a c only raises the total
            improves = seen["total"] < 0.9999 * before[left]
            before[left] = seen["total"]
            left = left[improves]
            if not len(left):
                break
    return deceived
