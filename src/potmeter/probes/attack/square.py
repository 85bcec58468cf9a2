"""The Square attack: random squares, no gradient. What it breaks and PGD does not has only hidden its gradient."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.random import RandomStream

from .criterion import margin_loss
from .inputs import check_inputs

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Of 10,000 queries, those after which the squares' area is halved (the paper's appendix B)."""


@torch.no_grad()
def square(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    eps: float,
    *,
    targeted: bool = False,
    queries: int = 1000,
    area: float = 0.8,
    seed: int = 0,
) -> Float[Tensor, "b c h w"]:
    """Random search with squares of ±ε (Andriushchenko et al. 2020, arXiv:1912.00049, algorithm 1, L∞).

    It starts with stripes of ±ε; each query sets one square of each channel to ±ε and keeps it where that
    lowers the ``margin_loss``. Images that deceive leave the batch. Only logits are looked at.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Largest change of a value, 0 to 1.
        targeted: Whether ``y`` is wanted.
        queries: Evaluations of the network for each image.
        area: Of the first squares, as a share of the image.
        seed: Start of the randomness.

    Raises:
        UserError: For inputs of another shape or range.
    """
    check_inputs(model, x, y, eps)
    rng, (batch, channels, height, width) = RandomStream(seed), x.shape
    evaluate = lambda images, labels: margin_loss(model.logits(images), labels, targeted=targeted)  # (B,)
    adversarial = (x + eps * random_signs(rng, batch, channels, 1, width).to(x)).clamp(0, 1)  # stripes
    losses = evaluate(adversarial, y)
    active = (losses >= 0).nonzero()[:, 0]  # the images that do not deceive yet
    for query in range(1, queries):
        if not len(active):
            break
        side = max(1, round((square_area(query / queries, area) * height * width) ** 0.5))
        inside = random_squares(rng, len(active), min(side, height, width), height, width).to(x.device)  # (B, 1, H, W)
        colours = random_signs(rng, len(active), channels, 1, 1).to(x)
        candidates = torch.where(inside, (x[active] + eps * colours).clamp(0, 1), adversarial[active])
        candidate_losses = evaluate(candidates, y[active])
        better = candidate_losses < losses[active]
        adversarial[active[better]], losses[active[better]] = candidates[better], candidate_losses[better]
        active = active[losses[active] >= 0]
    return adversarial


def square_area(fraction: float, area: float) -> float:
    """The squares' share of the image after this fraction of the queries."""
    return area / 2 ** sum(10_000 * fraction > number for number in HALVINGS)


def random_signs(rng: RandomStream, *shape: int) -> Tensor:
    """+1 or −1 at random, each as likely, in this shape."""
    return 2.0 * rng.integers(2, *shape) - 1


def random_squares(rng: RandomStream, count: int, side: int, height: int, width: int) -> Tensor:
    """Where a square of each image is: (count, 1, height, width) of booleans."""
    top, left = (rng.integers(size - side + 1, count)[:, None] for size in (height, width))
    rows, columns = torch.arange(height), torch.arange(width)
    down, across = (rows >= top) & (rows < top + side), (columns >= left) & (columns < left + side)
    return (down[:, :, None] & across[:, None, :])[:, None]
