"""When is a network deceived? The answer is another (or the wanted one), by more than rounding could take back.

All attacks keep an image, and stop working on it, where ``is_adversarial``: where its ``margin_loss`` is negative. What a
network's accuracy, or an attack's success rate, is afterwards, its plain answers say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MINIBATCH = 10
"""Images at once, which is what caches hold."""
MIN_MARGIN = 1e-4
"""Share of the largest logit by which the wrong class must lead: the same image's logits differ by some millionths of it
from one batch to another."""


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """By how many logits (B,) the class ``y`` (B,) leads the likeliest other one: negative where it is not the answer."""
    own = logits.gather(1, y[:, None])[:, 0]
    return own - logits.scatter(1, y[:, None], -math.inf).amax(1)


def min_margin(logits: Tensor) -> Tensor:
    """By how many logits (B,) the wrong class must lead so that the answer is the same in any batch."""
    share = max(MIN_MARGIN, 8 * torch.finfo(logits.dtype).eps)  # of half precision, whose logits are coarser
    return share * logits.abs().amax(1)


def margin_loss(logits: Tensor, y: Tensor, *, targeted: bool = False, confidence: float = 0.0) -> Tensor:
    """By how many logits (B,) each image fails to deceive, to be minimised: negative where it does.

    It is f₆ of Carlini and Wagner (arXiv:1608.04644, section V-A) before the cut at 0, and the margin loss of Square
    (arXiv:1912.00049), plus ``min_margin``.

    Args:
        logits: (B, classes).
        y: The right classes (B,); the wanted ones where ``targeted``.
        targeted: Whether ``y`` is wanted.
        confidence: κ, by how many logits the wrong class must lead at least.
    """
    lead = margin(logits, y) if targeted else -margin(logits, y)
    return min_margin(logits.detach()).clamp(min=confidence) - lead


def is_adversarial(logits: Tensor, y: Tensor, *, targeted: bool = False) -> Tensor:
    """Whether each answer (B,) is surely another than ``y``, or ``y`` itself where that is the target."""
    return margin_loss(logits, y, targeted=targeted) < 0


@torch.no_grad()
def predict(model: Any, x: Tensor) -> Tensor:
    """The likeliest classes (B,) of images (B, C, H, W) in [0, 1]."""
    return torch.cat([model.logits(part).argmax(1) for part in x.split(MINIBATCH)])


def success_rate(model: Any, x: Tensor, y: Tensor) -> float:
    """The share of images whose likeliest class is not ``y`` (B,) any more."""
    return float((predict(model, x) != y).double().mean())


def attack_in_minibatches(attack: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """What an attack makes of images (B, C, H, W) with classes (B,), ``MINIBATCH`` of them at a time."""
    return torch.cat([attack(a, b) for a, b in zip(x.split(MINIBATCH), y.split(MINIBATCH), strict=True)])
