"""The Square attack: random squares, no gradient. What it breaks and PGD does not has only hidden its gradient."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.random import Stream

from .inputs import check, margin

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

    It starts with stripes of ±ε; each query sets one square of each channel to ±ε and keeps it where the right class
    leads by less. Pictures that deceive leave the batch. Only logits are looked at.

    Args:
        model: A ``Classifier``.
        x: Pictures (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        eps: Largest change of a value, 0 to 1.
        targeted: Whether ``y`` is wanted.
        queries: Evaluations of the network for each picture.
        area: Of the first squares, as a share of the picture.
        seed: Start of the randomness.

    Raises:
        UserError: For inputs of another shape or range.
    """
    check(model, x, y, eps)
    rng, sign = Stream(seed), (-1.0 if targeted else 1.0)
    batch, channels, height, width = x.shape
    stripes = signs(rng, batch, channels, 1, width).to(x)
    found = (x + eps * stripes).clamp(0, 1)
    lead = sign * margin(model.logits(found), y)
    left = (lead > 0).nonzero()[:, 0]
    for query in range(1, queries):
        if not len(left):
            break
        side = max(1, round((share(query / queries, area) * height * width) ** 0.5))
        inside = squares(rng, len(left), min(side, height, width), height, width).to(x.device)  # (B, 1, H, W)
        colours = signs(rng, len(left), channels, 1, 1).to(x)
        tried = torch.where(inside, (x[left] + eps * colours).clamp(0, 1), found[left])
        value = sign * margin(model.logits(tried), y[left])
        better = value < lead[left]
        found[left[better]], lead[left[better]] = tried[better], value[better]
        left = left[lead[left] > 0]
    return found


def share(done: float, area: float) -> float:
    """The squares' share of the picture after this part of the queries."""
    return area / 2 ** sum(10_000 * done > number for number in HALVINGS)


def signs(rng: Stream, *shape: int) -> Tensor:
    """+1 or −1 at random."""
    return 2.0 * rng.integers(2, *shape) - 1


def squares(rng: Stream, count: int, side: int, height: int, width: int) -> Tensor:
    """Where a square of each picture is: (count, 1, height, width) of booleans."""
    top, left = (rng.integers(size - side + 1, count)[:, None] for size in (height, width))
    rows, columns = torch.arange(height), torch.arange(width)
    down, across = (rows >= top) & (rows < top + side), (columns >= left) & (columns < left + side)
    return (down[:, :, None] & across[:, None, :])[:, None]
