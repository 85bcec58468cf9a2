"""Gradient ascent on a picture."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.progress import progress
from potmeter.core.random import RandomStream
from potmeter.errors import UserError, reject

from .layers import activations, check_accepts, frozen
from .objectives import Objective
from .parametrisation import Canvas
from .redirect import RedirectedReLU
from .transforms import Transforms

REDIRECTED = 16
"""First steps, in which units that are switched off are switched on."""


def render(
    model: nn.Module,
    objective: Objective,
    canvas: Canvas,
    *,
    steps: int = 256,
    lr: float = 0.05,
    transforms: Transforms,
    rng: RandomStream,
    background: Tensor,
    seen: int | None = None,
    redirected: int = REDIRECTED,
) -> Float[Tensor, "b c h w"]:
    """Pictures for which an objective is large, found by Adam (Olah et al. 2017).

    Args:
        model: The network; it is left as it was.
        objective: What is to grow, of layers by their full names.
        canvas: The pictures to begin with; it is changed.
        steps: How many.
        lr: Adam's.
        transforms: How the pictures are moved before each step.
        rng: Where the movements are drawn from.
        background: (C, 1, 1), what lies around a picture.
        seen: Side of the pictures that the network is shown; default: a picture's and its border.
        redirected: First steps with the redirected ReLU.

    Returns:
        The pictures, in [0, 1].

    Raises:
        UserError: When the network has no gradient there, or does not take such pictures.
    """
    optimizer = torch.optim.Adam(canvas.parameters(), lr=lr)
    with frozen(model), torch.enable_grad():
        for step in progress(range(steps), "features"):
            images = canvas()
            shown = transforms(images, rng, background, seen).contiguous(memory_format=torch.channels_last)
            with ExitStack() as stack:
                if step < redirected:
                    stack.enter_context(RedirectedReLU())
                found = check_accepts(model, partial(activations, model, shown, objective.layers), shown.shape[1:])
            loss = -objective(found).sum()
            if not loss.requires_grad:
                reject("This layer has no gradient with respect to the picture.", ", ".join(objective.layers))
            optimizer.zero_grad()
            torch.autograd.backward(loss, inputs=list(canvas.parameters()))
            optimizer.step()
        result = canvas().detach()
    if not result.isfinite().all():
        raise UserError("The network's gradients are not finite.", received=", ".join(objective.layers))
    return result


@torch.no_grad()
def accepts_size(model: nn.Module, objective: Objective, shape: tuple[int, ...], device: torch.device) -> bool:
    """Whether a network takes pictures (C, H, W) of another size than its own."""
    try:
        with frozen(model):
            activations(model, torch.full((1, *shape), 0.5, device=device), objective.layers)
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return False
    return True
