"""The attack on what answers in masks or boxes: any loss of one picture is raised, and the result rounded to 8 bits."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.nn import gradient_attacks
from potmeter.nn.gradient_attacks import Loss

from .gradient import draw_from_ball
from .quantisation import add_in_8_bits

METHODS = ("fgsm", "pgd")
"""The attacks that need a loss only, and no single answer."""


def raise_loss(
    loss: Loss, x: Float[Tensor, "1 c h w"], *, method: str, eps: float, steps: int, seed: int
) -> Float[Tensor, "1 c h w"]:
    """The adversarial example, its values multiples of 1/255, so that what is judged is what is saved.

    Args:
        loss: What is raised.
        x: The picture, its values multiples of 1/255.
        method: fgsm or pgd, with pgd's random start and Madry's step size as in ``gradient.pgd``.
        eps: Largest change of a value, rounded down to multiples of 1/255.
        steps: Gradient steps of pgd.
        seed: Start of the randomness.
    """
    bound = math.floor(255 * eps + 1e-6) / 255
    if method == "fgsm" or bound == 0:
        found = gradient_attacks.fgsm(loss, x, bound)
    else:
        start, step_size = draw_from_ball(x, bound, "linf", RandomStream(seed)), bound / min(30, 0.75 * steps)
        found = gradient_attacks.pgd(loss, x, bound, steps=steps, step_size=step_size, start=start)
    return add_in_8_bits(x, found - x, bound)
