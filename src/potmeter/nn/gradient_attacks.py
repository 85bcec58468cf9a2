"""Attacks by the gradient: FGSM and PGD, for adversarial training and for the attacks of a probe.

They work on any loss of the input, one number for each item of the batch, and raise it; a targeted attack passes the
negative one. Inputs lie in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.errors import reject

Norm = Literal["linf", "l2"]
Loss = Callable[[Tensor], Tensor]
"""From inputs (B, …) to one number each (B,)."""

MIN_NORM = 1e-12
"""Smaller norms count as this much, so that nothing is divided by 0."""


def input_gradient(loss: Loss, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
    """The gradient of each item's loss with respect to the item; the network's own parameters get none.

    Raises:
        UserError: When the loss does not depend on the input in a way that can be differentiated.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        total = loss(x).sum()
        if not total.requires_grad:
            reject("The network must be differentiable in its input.", "a loss without a gradient")
        (gradient,) = torch.autograd.grad(total, x, allow_unused=True)
    return gradient if gradient is not None else reject("The network must use its input.", "no gradient")


def l2_norms(x: Float[Tensor, "b ..."]) -> Tensor:
    """The Euclidean norm of each item, (B, 1, …, 1), to multiply or divide the items by."""
    return x.flatten(1).square().sum(1).sqrt().clamp(min=MIN_NORM).view(-1, *[1] * (x.ndim - 1))


def steepest_ascent(gradient: Tensor, norm: Norm) -> Tensor:
    """The step of length one that raises a linearised loss most: the gradient's sign (L∞), or its unit vector (L2)."""
    return gradient.sign() if norm == "linf" else gradient * (1 / l2_norms(gradient))


def project(x: Tensor, centre: Tensor, eps: float, norm: Norm) -> Tensor:
    """The nearest point to ``x`` in the ball of radius ``eps`` around ``centre`` (B, …), clipped to [0, 1]."""
    change = x - centre
    change = change.clamp(-eps, eps) if norm == "linf" else change * (eps / l2_norms(change)).clamp(max=1)
    return (centre + change).clamp(0, 1)


def random_start(x: Tensor, eps: float, norm: Norm, uniform: Tensor, normal: Tensor | None = None) -> Tensor:
    """A point drawn evenly from the ball around each item, clipped to [0, 1].

    Args:
        x: (B, …).
        eps: The ball's radius.
        norm: Its norm.
        uniform: Numbers in [0, 1): of the shape of ``x`` for L∞; (B,), for the radii, for L2.
        normal: L2 only: standard normal numbers of the shape of ``x``, for the directions.
    """
    if norm == "linf":
        return (x + eps * (2 * uniform - 1)).clamp(0, 1)
    assert normal is not None
    size = x[0].numel()
    radius = eps * uniform.view(-1, *[1] * (x.ndim - 1)) ** (1 / size)  # the volume within r grows as r^size
    return (x + normal * (radius / l2_norms(normal))).clamp(0, 1)


def fgsm(loss: Loss, x: Float[Tensor, "b ..."], eps: float) -> Float[Tensor, "b ..."]:
    """One step of length ``eps`` (Goodfellow et al. 2015, arXiv:1412.6572): clip(x + ε·sign(∇ₓ loss)).

    Args:
        loss: What is raised.
        x: Inputs in [0, 1].
        eps: Largest change of a value.

    Example:
        >>> fgsm(lambda x: x.sum(1), torch.tensor([[0.25, 1.0]]), 0.5)
        tensor([[0.7500, 1.0000]])
    """
    return (x + eps * input_gradient(loss, x).sign()).clamp(0, 1)


def pgd(
    loss: Loss,
    x: Float[Tensor, "b ..."],
    eps: float,
    *,
    steps: int = 40,
    step_size: float = 0.01,
    norm: Norm = "linf",
    start: Tensor | None = None,
) -> Float[Tensor, "b ..."]:
    """Projected gradient ascent (Madry et al. 2018, arXiv:1706.06083, equation 2): step, back into the ball, clip.

    Args:
        loss: What is raised.
        x: Inputs in [0, 1].
        eps: Radius of the ball around each input.
        steps: Number of steps.
        step_size: Length of a step.
        norm: Of the ball and of the step.
        start: Where to begin; default: at ``x``.
    """
    adversarial = x if start is None else start
    for _ in range(steps):
        adversarial = project(
            adversarial + step_size * steepest_ascent(input_gradient(loss, adversarial), norm), x, eps, norm
        )
    return adversarial
