"""Carlini and Wagner's attack: of all images that deceive, search the one nearest to the original."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import norms
from potmeter.probes.fusion import fuse_batch_norms

from .criterion import least_lead, margin
from .inputs import check_inputs

BETAS = (0.9, 0.999)
"""Adam's decay rates."""
INSIDE = 0.999999
"""Values are pulled this much away from 0 and 1, where the tanh would be infinite."""
PATIENCE = 0.05
"""An image whose objective has not fallen for this share of a search's steps leaves the batch."""
FALL = 1e-4
"""The least relative fall of the objective that counts."""


def carlini_wagner(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    *,
    targeted: bool = False,
    searches: int = 6,
    steps: int = 100,
    lr: float = 0.01,
    constant: float | None = None,
    confidence: float = 0.0,
) -> Float[Tensor, "b c h w"]:
    """The least L2 perturbation that deceives (Carlini and Wagner 2017, arXiv:1608.04644, section V): min ‖δ‖² + c·f(x + δ).

    Images live behind a tanh, so that they stay in [0, 1]. c is found by bisection for each image; unlike in the paper it
    starts where a linear network would be deceived, and each search goes on from the end of the one before: that takes
    fewer passes of the network, and ends nearer.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        targeted: Whether ``y`` is wanted.
        searches: Values of c that are tried.
        steps: Most steps of Adam for each.
        lr: Its learning rate.
        constant: First value of c; default: for each image, that of a linear network.
        confidence: By how many logits the wrong class must lead.

    Returns:
        The nearest deceiving images found; where none was, the originals.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y)
    search = Search(fuse_batch_norms(model), x, y, -1.0 if targeted else 1.0, confidence)
    c = search.linear_constant() if constant is None else x.new_full((len(x),), constant)
    low, high = torch.zeros_like(c), torch.full_like(c, torch.inf)
    for _ in range(searches):
        deceived = search.run(c, steps, lr)
        high, low = torch.where(deceived, c.minimum(high), high), torch.where(deceived, low, c.maximum(low))
        bisected = torch.where(low > 0, (low * high).sqrt(), high / 2)
        c = torch.where(high.isfinite(), bisected, 10 * c)
    return search.nearest


class Search:
    """Adam on ‖δ‖² + c·f(x + δ) behind the tanh, for a batch of images of which each has its own c.

    Args:
        model: A ``Classifier``.
        x, y: Images (B, C, H, W) and classes (B,).
        sign: 1, or −1 where ``y`` is wanted.
        confidence: By how many logits the wrong class must lead.
    """

    def __init__(self, model: Any, x: Tensor, y: Tensor, sign: float, confidence: float) -> None:
        self.model, self.x, self.y, self.sign, self.confidence = model, x, y, sign, confidence
        self.w = ((2 * x - 1) * INSIDE).atanh()
        """Where the search is: the image is (tanh w + 1) / 2."""
        self.nearest, self.distance = x.clone(), x.new_full((len(x),), torch.inf)
        """The nearest deceiving images found, and the squares of their distances."""

    def shortfall(self, images: Tensor, chosen: Tensor) -> Tensor:
        """f (B,): by how many logits the images lack deceiving; 0 or less where they do."""
        logits = self.model.logits(images)
        logits.requires_grad or reject("The network must be differentiable in its input.", "logits without a gradient")
        lead = self.sign * margin(logits, self.y[chosen])
        return lead + least_lead(logits.detach()).clamp(min=self.confidence)

    def linear_constant(self) -> Tensor:
        """The c (B,) whose minimum lies on the boundary of the network, taken to be linear: 2·f / ‖∇f‖²."""
        images = self.x.detach().requires_grad_()
        with torch.enable_grad():
            shortfall = self.shortfall(images, torch.arange(len(images), device=images.device))
            (gradient,) = torch.autograd.grad(shortfall.sum(), images)
        return 2 * shortfall.detach().clamp(min=1e-3) / norms(gradient).flatten() ** 2

    def run(self, c: Tensor, steps: int, lr: float) -> Tensor:
        """One search with fixed c (B,), from where the last one ended; whether each image deceived on the way (B,)."""
        deceived = torch.zeros_like(self.y, dtype=torch.bool)
        mean, square = torch.zeros_like(self.w), torch.zeros_like(self.w)
        lowest, stale = torch.full_like(c, torch.inf), torch.zeros_like(self.y)
        left = torch.arange(len(c), device=c.device)  # the images still searched
        for number in range(1, steps + 1):
            w = self.w[left].requires_grad_()
            with torch.enable_grad():
                images = (w.tanh() + 1) / 2
                shortfall = self.shortfall(images, left)
                distance = (images - self.x[left]).square().flatten(1).sum(1)
                objective = distance + c[left] * shortfall.clamp(min=0)
                (gradient,) = torch.autograd.grad(objective.sum(), w)
            wins = shortfall <= 0
            deceived[left[wins]] = True
            wins &= distance < self.distance[left]
            self.nearest[left[wins]], self.distance[left[wins]] = images.detach()[wins], distance.detach()[wins]
            mean[left] = mean[left].lerp(gradient, 1 - BETAS[0])
            square[left] = square[left].lerp(gradient.square(), 1 - BETAS[1])
            unbiased = (square[left] / (1 - BETAS[1] ** number)).sqrt() + 1e-8
            self.w[left] -= lr * mean[left] / (1 - BETAS[0] ** number) / unbiased
            falls = objective.detach() < (1 - FALL) * lowest[left]
            lowest[left] = lowest[left].minimum(objective.detach())
            stale[left] = torch.where(falls, 0, stale[left] + 1)
            left = left[stale[left] < max(5, PATIENCE * steps)]
            if not len(left):
                break
        return deceived
