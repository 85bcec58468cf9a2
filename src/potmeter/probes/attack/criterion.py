"""When is a network deceived? The answer is another (or the wanted one), by more than rounding could take back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MINIBATCH = 10
"""Images at once, which is what caches hold."""
LEAD = 1e-4
"""By what share of the largest logit the wrong class must lead: the same image's logits differ by some millionths of it
from one batch to another."""


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """How far each class ``y`` (B,) is ahead of the likeliest other one, in logits: negative where it is not the answer."""
    own = logits.gather(1, y[:, None])[:, 0]
    return own - logits.scatter(1, y[:, None], -math.inf).amax(1)


def least_lead(logits: Tensor) -> Tensor:
    """By how many logits the wrong class must lead (B,) so that the answer is the same in any batch."""
    share = max(LEAD, 8 * torch.finfo(logits.dtype).eps)  # of half precision, whose logits are coarser
    return share * logits.abs().amax(1)


def is_adversarial(logits: Tensor, y: Tensor, *, targeted: bool = False) -> Tensor:
    """Whether each answer (B,) is surely another than ``y``, or ``y`` itself where that is the target."""
    lead = margin(logits, y) if targeted else -margin(logits, y)
    return lead > least_lead(logits)


@torch.no_grad()
def predict(model: Any, x: Tensor) -> Tensor:
    """The likeliest classes (B,)."""
    return torch.cat([model.logits(part).argmax(1) for part in x.split(MINIBATCH)])


def success_rate(model: Any, x: Tensor, y: Tensor) -> float:
    """The share of images whose answer is not ``y`` (B,) any more."""
    return float((predict(model, x) != y).double().mean())


def attack_in_minibatches(attack: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """An attack on many images, some at a time."""
    return torch.cat([attack(a, b) for a, b in zip(x.split(MINIBATCH), y.split(MINIBATCH), strict=True)])
