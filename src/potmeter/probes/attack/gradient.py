"""The two attacks along the gradient on any ``Attackable``, with restarts and targets."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.random import Stream
from potmeter.nn import gradient_attacks
from potmeter.nn.gradient_attacks import Norm

from .inputs import check


def fgsm(
    model: Any, x: Float[Tensor, "b c h w"], y: Int[Tensor, " b"], eps: float, *, targeted: bool = False
) -> Float[Tensor, "b c h w"]:
    """The fast gradient sign method (Goodfellow et al. 2015, arXiv:1412.6572): x + ε·sign(∇ₓ loss), clipped to [0, 1].

    Args:
        model: An ``Attackable``.
        x: Pictures (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Largest change of a value, 0 to 1.
        targeted: Lower the loss of ``y`` instead of raising it.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.

    Example:
        >>> worse = fgsm(load("classifier.digits"), x, y, eps=0.3)  # doctest: +SKIP
    """
    check(model, x, y, eps)
    sign = -1.0 if targeted else 1.0
    return gradient_attacks.fgsm(lambda images: sign * model.input_loss(images, y), x, eps)


def pgd(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    eps: float,
    *,
    steps: int = 40,
    step: float | None = None,
    norm: Norm = "linf",
    restarts: int = 1,
    targeted: bool = False,
    from_random: bool = True,
    seed: int = 0,
) -> Float[Tensor, "b c h w"]:
    """Projected gradient descent (Madry et al. 2018, arXiv:1706.06083): of all starts, the one with the worst loss.

    Pictures that a ``Classifier`` already gets wrong (``targeted``: takes for ``y``) are spared further starts.

    Args:
        model: An ``Attackable``.
        x: Pictures (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Radius of the ball: largest change of a value (L∞), or of the whole picture (L2).
        steps: Gradient steps from each start.
        step: Length of a step; default: for L∞ eps / 30 (Madry's 0.01 for 0.3), for fewer than 40 steps so much more that
            all of them reach as far; for L2 2.5 eps / steps.
        norm: ``linf`` or ``l2``.
        restarts: Number of starts.
        targeted: Lower the loss of ``y`` instead of raising it.
        from_random: Start at random points of the ball, not at ``x``.
        seed: Start of the randomness.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check(model, x, y, eps, norm)
    sign, rng = (-1.0 if targeted else 1.0), Stream(seed)
    length = (
        step if step is not None else (eps / min(30, 0.75 * max(steps, 1)) if norm == "linf" else 2.5 * eps / steps)
    )
    worst, highest = x.clone(), torch.full((len(x),), -torch.inf, device=x.device)
    left = torch.arange(len(x), device=x.device)  # the pictures still to be attacked
    for number in range(restarts):
        part, labels = x[left], y[left]
        start = draw(part, eps, norm, rng) if from_random or number else None

        def loss(images: Tensor, labels: Tensor = labels) -> Tensor:
            return sign * model.input_loss(images, labels)

        found = gradient_attacks.pgd(loss, part, eps, steps=steps, step_size=length, norm=norm, start=start)
        if restarts == 1:
            return found
        with torch.no_grad():
            value = loss(found)
            better = value > highest[left]
            worst[left[better]], highest[left[better]] = found[better], value[better]
            if hasattr(model, "logits"):
                answered = model.logits(worst[left]).argmax(1)
                left = left[(answered != labels) if targeted else (answered == labels)]
        if not len(left):
            break
    return worst


def draw(x: Tensor, eps: float, norm: Norm, rng: Stream) -> Tensor:
    """Points drawn from the balls around the pictures."""
    if norm == "linf":
        return gradient_attacks.random_start(x, eps, norm, rng.uniform(*x.shape).to(x))
    return gradient_attacks.random_start(x, eps, norm, rng.uniform(len(x)).to(x), rng.normal(*x.shape).to(x))
