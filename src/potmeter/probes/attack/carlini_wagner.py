"""Carlini and Wagner's attack: of all images that deceive, search the one nearest to the original."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import l2_norms
from potmeter.probes.fusion import fuse_batch_norms

from .criterion import margin_loss
from .inputs import check_inputs

BETAS = (0.9, 0.999)
"""Adam's decay rates."""
TANH_RANGE = 0.999999
"""Images are scaled to ± this before the inverse tanh, which is infinite at ± 1."""
MAX_LR = 0.1
"""Largest learning rate that is chosen."""
PATIENCE = 0.04
"""A search ends when its objective has not decreased for this share of its steps."""
MIN_DECREASE = 3e-4
"""The least relative decrease of the objective that counts as one."""


def carlini_wagner(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    *,
    targeted: bool = False,
    searches: int = 6,
    steps: int = 100,
    lr: float | None = None,
    constant: float | None = None,
    confidence: float = 0.0,
) -> Float[Tensor, "b c h w"]:
    """The least L2 perturbation that deceives (Carlini and Wagner 2017, arXiv:1608.04644, section V): min ‖δ‖² + c·f(x + δ).

    Images are (tanh w + 1) / 2, so that they stay in [0, 1]. c is found by bisection for each image; unlike in the paper it
    starts, and the learning rate is, what a linear network would need, and each search goes on from the end of the one
    before: that takes fewer passes of the network, and ends nearer. An image whose search has ended begins the next one at
    once, so that the minibatch stays full.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) in [0, 1].
        y: The right classes (B,); the wanted ones where ``targeted``.
        targeted: Whether ``y`` is wanted.
        searches: Values of c that are tried.
        steps: Most steps of Adam for each.
        lr: Its learning rate; default: for each image, what reaches the boundary of a linear network in one step.
        constant: First value of c; default: for each image, that of a linear network.
        confidence: κ, by how many logits the wrong class must lead.

    Returns:
        The nearest deceiving images found; where none was, the originals.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y)
    problem = Problem(fuse_batch_norms(model), targeted, confidence)
    state = start_searches(problem, x, y, constant, lr)
    nearest, distances = x.clone(), x.new_full((len(x),), torch.inf)
    while len(state.index) and searches:
        images, distance, deceives = advance(problem, state)
        nearer = deceives & (distance < distances[state.index])
        nearest[state.index[nearer]], distances[state.index[nearer]] = images[nearer], distance[nearer]
        ended = (state.step >= steps) | (state.stale >= max(4, PATIENCE * steps))
        if ended.any():
            bisect(state, ended)
            state.keep(state.search < searches)
    return nearest


@dataclass(frozen=True)
class Problem:
    """What is searched: an image that deceives the network."""

    model: Any
    targeted: bool
    """Whether the class is wanted."""
    confidence: float
    """κ, by how many logits the wrong class must lead."""

    def f(self, images: Tensor, y: Tensor) -> Tensor:
        """The ``margin_loss`` (B,) of images (B, C, H, W): negative where they deceive."""
        logits = self.model.logits(images)
        logits.requires_grad or reject("The network must be differentiable in its input.", "logits without a gradient")
        return margin_loss(logits, y, targeted=self.targeted, confidence=self.confidence)


@dataclass
class SearchState:
    """How far the searches have come, for the images (B,) that still have some ahead."""

    index: Tensor
    """Their numbers in the whole minibatch."""
    x: Tensor
    y: Tensor
    w: Tensor
    """Each image is (tanh w + 1) / 2."""
    mean: Tensor
    """Of the gradient, for Adam."""
    square: Tensor
    """Mean of the squared gradient, for Adam."""
    lr: Tensor
    c: Tensor
    low: Tensor
    """The largest c with which no image was found that deceives."""
    high: Tensor
    """The smallest c with which one was."""
    search: Tensor
    """Searches that have ended."""
    step: Tensor
    """Steps of the present search."""
    deceived: Tensor
    """Whether it has found an image that deceives."""
    lowest: Tensor
    """The least value of its objective."""
    stale: Tensor
    """Steps since that last decreased."""

    def keep(self, chosen: Tensor) -> None:
        """Drop all images but the chosen ones, bool (B,)."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[chosen])


def start_searches(problem: Problem, x: Tensor, y: Tensor, constant: float | None, lr: float | None) -> SearchState:
    """Every image at the beginning of its first search.

    Of a network taken to be linear the boundary is f / ‖∇f‖ away: the default rate reaches it in one step, in which Adam
    moves all values alike (and the image half as far as w), and the default c, 2·f / ‖∇f‖², has its minimum there.
    """
    images = x.detach().requires_grad_()
    with torch.enable_grad():
        f = problem.f(images, y)
        (gradient,) = torch.autograd.grad(f.sum(), images)
    f, slope = f.detach().clamp(min=1e-3), l2_norms(gradient).flatten()
    rate = (2 * f / slope / x[0].numel() ** 0.5).clamp(max=MAX_LR) if lr is None else torch.full_like(f, lr)
    none, infinite = torch.zeros_like(y), torch.full_like(f, torch.inf)
    return SearchState(
        index=torch.arange(len(x), device=x.device), x=x, y=y, w=((2 * x - 1) * TANH_RANGE).atanh(),
        mean=torch.zeros_like(x), square=torch.zeros_like(x), lr=rate,
        c=2 * f / slope**2 if constant is None else torch.full_like(f, constant),
        low=torch.zeros_like(f), high=infinite, search=none, step=none.clone(), deceived=none.bool(),
        lowest=infinite.clone(), stale=none.clone(),
    )  # fmt: skip


def advance(problem: Problem, state: SearchState) -> tuple[Tensor, Tensor, Tensor]:
    """One step of Adam on ‖δ‖² + c·f(x + δ); the images before it, their squared distances, and which of them deceive."""
    w = state.w.requires_grad_()
    with torch.enable_grad():
        images = (w.tanh() + 1) / 2
        f = problem.f(images, state.y)
        distance = (images - state.x).square().flatten(1).sum(1)
        objective = distance + state.c * f.clamp(min=0)
        (gradient,) = torch.autograd.grad(objective.sum(), w)
    images, distance, objective, deceives = images.detach(), distance.detach(), objective.detach(), f < 0
    state.step += 1
    state.mean.lerp_(gradient, 1 - BETAS[0])
    state.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    weights = [(1 - beta**state.step).view(-1, 1, 1, 1) for beta in BETAS]  # type: ignore[operator]
    rate = state.lr.view(-1, 1, 1, 1) / weights[0]
    state.w = w.detach().sub_(rate * state.mean / (state.square / weights[1]).sqrt_().add_(1e-8))
    state.deceived |= deceives
    state.stale = torch.where(objective < (1 - MIN_DECREASE) * state.lowest, 0, state.stale + 1)
    state.lowest = state.lowest.minimum(objective)
    return images, distance, deceives


def bisect(state: SearchState, ended: Tensor) -> None:
    """Begin the next search of images (B,) whose one has ended: with a smaller c where it succeeded, a larger one where not."""
    found = state.deceived
    state.high = torch.where(ended & found, state.c.minimum(state.high), state.high)
    state.low = torch.where(ended & ~found, state.c.maximum(state.low), state.low)
    between = torch.where(state.low > 0, (state.low * state.high).sqrt(), state.high / 2)
    state.c = torch.where(ended, torch.where(state.high.isfinite(), between, 10 * state.c), state.c)
    state.search = state.search + ended
    state.mean[ended], state.square[ended] = 0, 0
    state.step, state.stale = (torch.where(ended, 0, count) for count in (state.step, state.stale))
    state.lowest, state.deceived = state.lowest.masked_fill(ended, torch.inf), found & ~ended
