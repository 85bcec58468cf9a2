"""Several networks on several pictures: what they are called, what they answer, and which answers turn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

AT_ONCE = 10
"""Pictures, which is what caches hold."""


def model_name(model: Any) -> str:
    """What a model is called in a table."""
    name = getattr(model, "name", type(model).__name__)
    tag = getattr(getattr(model, "config", None), "dataset", "")
    return f"{name}.{tag}" if tag else str(name)


def in_parts(attack: Any, x: Tensor, y: Tensor) -> Tensor:
    """An attack on a few pictures at a time."""
    return torch.cat([attack(a, b) for a, b in zip(x.split(AT_ONCE), y.split(AT_ONCE), strict=True)])


@torch.no_grad()
def answered(model: Any, x: Tensor) -> Tensor:
    """The answers (B,) of a network."""
    return torch.cat([model.logits(part).argmax(1) for part in x.split(AT_ONCE)])


def turned(model: Any, x: Tensor, answers: Tensor) -> float:
    """Share of the answers that are others now."""
    return float((answered(model, x) != answers).double().mean())
