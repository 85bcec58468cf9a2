"""A universal perturbation: one for all images, which deceives with most of them."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.nn.gradient_attacks import input_gradient

from .inputs import check_inputs

MAX_LOSS = 9.0
"""Largest loss of one image that counts, in nats."""


def universal_perturbation(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    eps: float,
    *,
    targeted: bool = False,
    epochs: int = 10,
    step_size: float | None = None,
    batch_size: int = 16,
    seed: int = 0,
) -> Float[Tensor, "c h w"]:
    """One perturbation for all images, by gradient steps over batches (Shafahi et al. 2020, arXiv:1811.11304, alg. 2).

    Universal perturbations are from Moosavi-Dezfooli et al. 2017 (arXiv:1610.08401), who find them by DeepFool.

    Args:
        model: An ``Attackable``.
        x: Images (B, C, H, W) in [0, 1] to learn from; judge it on others.
        y: Their classes (B,); the wanted ones where ``targeted``.
        eps: Largest change of a value, 0 to 1.
        targeted: Lower the loss of ``y`` instead of raising it.
        epochs: Passes over the images.
        step_size: Length of a step; default eps / 10.
        batch_size: Images in a step.
        seed: Start of the randomness.

    Returns:
        The perturbation (C, H, W), within ±eps; ``(x + perturbation).clamp(0, 1)`` applies it.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y, eps)
    rng, perturbation, sign = RandomStream(seed), torch.zeros_like(x[0]), (-1.0 if targeted else 1.0)
    step_size = eps / 10 if step_size is None else step_size
    for _ in range(epochs):
        for chosen in rng.uniform(len(x)).argsort().to(x.device).split(batch_size):

            def loss(delta: Tensor, chosen: Tensor = chosen) -> Tensor:
                losses = model.input_loss((x[chosen] + delta).clamp(0, 1), y[chosen])
                return sign * losses.clamp(max=MAX_LOSS)  # an image that deceives already must not outweigh the others

            gradient = input_gradient(loss, perturbation[None])[0]
            perturbation = (perturbation + step_size * gradient.sign()).clamp(-eps, eps)
    return perturbation
