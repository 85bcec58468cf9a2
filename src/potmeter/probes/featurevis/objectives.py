"""What a picture is optimised for, as an algebra: ``channel("features.13", 7) - 0.5 * neuron("features.4", 2)``.

An objective has a value for each picture of a batch, and so may ask another thing of each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.errors import reject

Activations = Mapping[str, Tensor]
"""What each layer gives, by the layer's name, of shape (B, C, …)."""


@dataclass(frozen=True)
class Objective:
    """A function of activations that is to grow. Objectives add, subtract, negate and multiply, also by numbers.

    Args:
        layers: Names of the layers it looks at.
        value: From their activations to a number for each picture, shape (B,).
    """

    layers: frozenset[str]
    value: Callable[[Activations], Float[Tensor, " b"]]

    def __call__(self, activations: Activations) -> Float[Tensor, " b"]:
        return self.value(activations)

    def __add__(self, other: Objective | Tensor | float) -> Objective:
        return combine(self, other, lambda a, b: a + b)

    def __mul__(self, other: Objective | Tensor | float) -> Objective:
        return combine(self, other, lambda a, b: a * b)

    def __sub__(self, other: Objective | Tensor | float) -> Objective:
        return self + other * -1.0

    def __neg__(self) -> Objective:
        return self * -1.0

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Tensor | float) -> Objective:
        return -self + other


def combine(a: Objective, b: Objective | Tensor | float, rule: Callable[[Tensor, Tensor], Tensor]) -> Objective:
    """An objective from an objective and another, a number, or a number for each picture."""
    if isinstance(b, Objective):
        return Objective(a.layers | b.layers, lambda activations: rule(a(activations), b(activations)))
    return Objective(a.layers, lambda activations: rule(left := a(activations), torch.as_tensor(b).to(left)))


def channel(layer: str, number: int | Sequence[int]) -> Objective:
    """A channel's mean over all places; of several numbers each picture has its own."""

    def value(activations: Activations) -> Tensor:
        return channel_per_image(flatten_places(activations[layer]), layer, number).mean(1)

    return Objective(frozenset([layer]), value)


def neuron(layer: str, number: int | Sequence[int]) -> Objective:
    """A channel at the middle of the picture; of several numbers each picture has its own."""

    def value(activations: Activations) -> Tensor:
        x = activations[layer]
        middle = x if x.ndim < 4 else x[:, :, x.shape[2] // 2, x.shape[3] // 2]
        return channel_per_image(flatten_places(middle), layer, number).mean(1)

    return Objective(frozenset([layer]), value)


def direction(layer: str, vector: Tensor, cosine_power: float = 0.0) -> Objective:
    """The mean over all places of the dot product with a direction in the space of channels.

    Args:
        layer: The layer's name.
        vector: (C,).
        cosine_power: Multiply by this power of the cosine (at least 0.1), so that other directions count against it.
    """

    def value(activations: Activations) -> Tensor:
        x = flatten_places(activations[layer])  # (B, C, P)
        x.shape[1] == vector.numel() or reject(f"A direction in {layer} has {x.shape[1]} numbers.", vector.numel())
        v = vector.to(x).flatten()
        dot = torch.einsum("bcp,c->bp", x, v)
        cosine = F.cosine_similarity(x, v[None, :, None], dim=1).clamp(min=0.1)
        return (dot * cosine**cosine_power).mean(1)

    return Objective(frozenset([layer]), value)


def diversity(layer: str) -> Objective:
    """Minus the mean similarity of a picture's style to those of the others in the batch; 0 for a single one.

    The style is the Gram matrix of the layer's channels, brought to length 1 (Distill 2017, section "Diversity").
    """

    def value(activations: Activations) -> Tensor:
        x = flatten_places(activations[layer])  # (B, C, P)
        styles = F.normalize(torch.einsum("bcp,bdp->bcd", x, x).flatten(1), dim=1)  # (B, C·C)
        alike = styles @ styles.T
        return (alike.diagonal() - alike.sum(1)) / max(1, len(x) - 1)

    return Objective(frozenset([layer]), value)


def add_diversity(objective: Objective, layer: str) -> Objective:
    """An objective less what a picture's likeness to the others is worth, so that they come to differ."""
    others = diversity(layer)

    def value(activations: Activations) -> Tensor:
        x = objective(activations)
        return x + x.detach().abs() * others(activations)

    return Objective(objective.layers | others.layers, value)


# Shapes ----------------------------------------------------------------------------------------------------------


def flatten_places(x: Tensor) -> Float[Tensor, "b c p"]:
    """Activations (B, C), (B, tokens, C) or (B, C, H, W) as channels over places."""
    x.ndim >= 2 or reject("A layer's activations have a batch and channels.", tuple(x.shape))
    return x.movedim(-1, 1) if x.ndim == 3 else x[:, :, None] if x.ndim == 2 else x.flatten(2)


def channel_per_image(x: Float[Tensor, "b c p"], layer: str, number: int | Sequence[int]) -> Float[Tensor, "b p"]:
    """One channel of each picture. Raises UserError for a channel that the layer does not have."""
    numbers = [number] * len(x) if isinstance(number, int) else list(number)
    len(numbers) == len(x) or reject(f"There must be a channel for each of the {len(x)} pictures.", len(numbers))
    for n in numbers:
        0 <= n < x.shape[1] or reject(f"{layer} has channels 0 to {x.shape[1] - 1}.", n)
    return x[torch.arange(len(x), device=x.device), torch.tensor(numbers, device=x.device)]
