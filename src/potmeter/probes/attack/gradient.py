"""The two attacks along the gradient on any ``Attackable``, with restarts and targets."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.nn import gradient_attacks
from potmeter.nn.gradient_attacks import Norm

from .criterion import is_adversarial
from .inputs import check_inputs


def fgsm(
    model: Any, x: Float[Tensor, "b c h w"], y: Int[Tensor, " b"], eps: float, *, targeted: bool = False
) -> Float[Tensor, "b c h w"]:
    """The fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): x + ε·sign(∇ₓ loss), clipped to [0, 1].

    Args:
        model: An ``Attackable``.
        x: Images (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Largest change of a value, 0 to 1.
        targeted: Lower the loss of ``y`` instead of raising it.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.

    Example:
        >>> adversarial = fgsm(load("classifier.digits"), x, y, eps=0.3)  # doctest: +SKIP
    """
    check_inputs(model, x, y, eps)
    sign = -1.0 if targeted else 1.0
    return gradient_attacks.fgsm(lambda images: sign * model.input_loss(images, y), x, eps)


def pgd(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    eps: float,
    *,
    steps: int = 40,
    step_size: float | None = None,
    norm: Norm = "linf",
    restarts: int = 1,
    targeted: bool = False,
    random_start: bool = True,
    seed: int = 0,
) -> Float[Tensor, "b c h w"]:
    """Projected gradient descent (Madry et al. 2018, arXiv:1706.06083): of all restarts, the one with the highest loss.

    Images that deceive a ``Classifier`` already are spared further restarts.

    Args:
        model: An ``Attackable``.
        x: Images (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Radius of the ball: largest change of a value (L∞), or the norm of all changes (L2).
        steps: Gradient steps from each start.
        step_size: Length of a step; default: for L∞ eps / 30 (Madry's 0.01 for 0.3), for fewer than 40 steps so much more that
            all of them reach as far; for L2 2.5 eps / steps.
        norm: ``linf`` or ``l2``.
        restarts: Number of starting points.
        targeted: Lower the loss of ``y`` instead of raising it.
        random_start: Start at random points of the ball, not at ``x``.
        seed: Start of the randomness.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y, eps, norm)
    sign, rng = (-1.0 if targeted else 1.0), RandomStream(seed)
    if step_size is None:
        step_size = eps / min(30, 0.75 * max(steps, 1)) if norm == "linf" else 2.5 * eps / steps
    adversarial, highest = x.clone(), torch.full((len(x),), -torch.inf, device=x.device)
    active = torch.arange(len(x), device=x.device)  # the images still to be attacked
    for restart in range(restarts):
        part, labels = x[active], y[active]
        start = draw_from_ball(part, eps, norm, rng) if random_start or restart else None

        def loss(images: Tensor, labels: Tensor = labels) -> Tensor:
            return sign * model.input_loss(images, labels)

        found = gradient_attacks.pgd(loss, part, eps, steps=steps, step_size=step_size, norm=norm, start=start)
        if restarts == 1:
            return found
        with torch.no_grad():
            losses = loss(found)
            higher = losses > highest[active]
            adversarial[active[higher]], highest[active[higher]] = found[higher], losses[higher]
            if hasattr(model, "logits"):
                active = active[~is_adversarial(model.logits(adversarial[active]), labels, targeted=targeted)]
        if not len(active):
            break
    return adversarial


def draw_from_ball(x: Tensor, eps: float, norm: Norm, rng: RandomStream) -> Tensor:
    """A point (B, C, H, W) drawn evenly from the ball of radius ``eps`` around each image, clipped to [0, 1]."""
    if norm == "linf":
        return gradient_attacks.random_start(x, eps, norm, rng.uniform(*x.shape).to(x))
    return gradient_attacks.random_start(x, eps, norm, rng.uniform(len(x)).to(x), rng.normal(*x.shape).to(x))
