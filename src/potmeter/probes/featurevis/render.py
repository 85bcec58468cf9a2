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

from .layers import activations, check_accepts, freeze
from .objectives import Objective
from .parametrisation import ImageParametrisation
from .redirect import RedirectedReLU
from .transforms import Transforms

REDIRECTED_STEPS = 16
"""First steps, which have the redirected ReLU: they switch on units that are off everywhere."""


def render(
    model: nn.Module,
    objective: Objective,
    parametrisation: ImageParametrisation,
    *,
    steps: int = 256,
    lr: float = 0.05,
    transforms: Transforms,
    rng: RandomStream,
    background: Tensor,
    input_size: int | None = None,
    redirected: int = REDIRECTED_STEPS,
) -> Float[Tensor, "b c h w"]:
    """Pictures for which an objective is large, found by Adam (Olah et al. 2017).

    Args:
        model: The network; it is left as it was.
        objective: What is to grow, of layers by their full names.
        parametrisation: The pictures to begin with; it is changed.
        steps: How many.
        lr: Adam's.
        transforms: How the pictures are transformed before each step.
        rng: Where the transformations are drawn from.
        background: (C, 1, 1), what lies around a picture.
        input_size: Side of the pictures that the network is given; default: a picture's and its border.
        redirected: How many first steps have the redirected ReLU.

    Returns:
        The pictures, in [0, 1].

    Raises:
        UserError: When the network has no gradient there, or does not take such pictures.
    """
    optimizer = torch.optim.Adam(parametrisation.parameters(), lr=lr)
    with freeze(model), torch.enable_grad():
        for step in progress(range(steps), "features"):
            images = parametrisation()
            shown = transforms(images, rng, background, input_size).contiguous(memory_format=torch.channels_last)
            with ExitStack() as stack:
                if step < redirected:
                    stack.enter_context(RedirectedReLU())
                found = check_accepts(model, partial(activations, model, shown, objective.layers), shown.shape[1:])
            loss = -objective(found).sum()
            if not loss.requires_grad:
                reject("This layer has no gradient with respect to the picture.", ", ".join(objective.layers))
            optimizer.zero_grad()
            torch.autograd.backward(loss, inputs=list(parametrisation.parameters()))
            optimizer.step()
        result = parametrisation().detach()
    if not result.isfinite().all():
        raise UserError("The network's gradients are not finite.", received=", ".join(objective.layers))
    return result


@torch.no_grad()
def accepts_size(model: nn.Module, objective: Objective, shape: tuple[int, ...], device: torch.device) -> bool:
    """Whether a network takes pictures (C, H, W) of another size than its own."""
    try:
        with freeze(model):
            activations(model, torch.full((1, *shape), 0.5, device=device), objective.layers)
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return False
    return True
