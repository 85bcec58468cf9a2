"""Is a classifier right as often as it says?"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def reliability(logits: Tensor, labels: Tensor, bins: int = 10) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Mean confidence, accuracy and share of the pictures, scalars in [0, 1], in each bin of confidence that has any.

    Args:
        logits: (N, classes).
        labels: The true classes (N,).
        bins: How many, of equal width.
    """
    confidence, answer = logits.softmax(1).max(1)
    right, place = (answer == labels).float(), (confidence * bins).long().clamp(max=bins - 1)
    for number in range(bins):
        inside = place == number
        if inside.any():
            yield confidence[inside].mean(), right[inside].mean(), inside.float().mean()


def calibration_error(logits: Tensor, labels: Tensor) -> Tensor:
    """Expected calibration error (Guo et al. 2017, eq. 3): mean gap between confidence and accuracy, a scalar in [0, 1].

    NaN where no confidence is a number, as that of a network whose training has diverged.
    """
    gaps = [share * (confidence - right).abs() for confidence, right, share in reliability(logits, labels)]
    return torch.stack(gaps).sum() if gaps else logits.new_tensor(torch.nan)
