"""Style transfer by optimisation (Gatys et al. 2015, arXiv:1508.06576): the pixels are trained, for each picture anew."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from .criterion import Criterion

STEPS_AT_ONCE = 10
"""Steps of L-BFGS between two looks at the picture."""


def optimise(
    criterion: Criterion, photograph: Float[Tensor, "3 h w"], steps: int
) -> Iterator[tuple[int, Tensor, dict[str, float]]]:
    """Paint a photograph by L-BFGS on its pixels, from the photograph itself.

    Args:
        criterion: The losses, for one painting.
        photograph: In [0, 1]; both sides at least 16 pixels.
        steps: In all; each looks at the picture about once.

    Yields:
        The number of steps so far, the picture (3, h, w) in [0, 1], and its losses, of which ``loss`` is what falls.
    """
    with torch.no_grad():
        content = criterion.content_features(photograph[None])
    x = photograph[None].clone().requires_grad_()
    done = 0
    optimizer = torch.optim.LBFGS(
        [x], max_iter=STEPS_AT_ONCE, max_eval=STEPS_AT_ONCE, history_size=20, tolerance_grad=0, tolerance_change=0
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            total = criterion.total(criterion.losses(x, content)).sum()
            total.backward()
        return total

    while done < steps:
        optimizer.param_groups[0]["max_iter"] = optimizer.param_groups[0]["max_eval"] = min(STEPS_AT_ONCE, steps - done)
        optimizer.step(closure)
        done += min(STEPS_AT_ONCE, steps - done)
        with torch.no_grad():
            picture = x.clamp(0, 1)
            losses = criterion.losses(picture, content)
            told = {name: float(value) for name, value in losses.items()} | {"loss": float(criterion.total(losses))}
        yield done, picture[0].detach().clone(), told
