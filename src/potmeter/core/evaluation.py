"""From a value for each sample to a metric with its error."""

from __future__ import annotations

import torch
from torch import Tensor


def summarise(values: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of an evaluation, and their 95 % errors.

    Args:
        values: Of each metric a value for each sample (N,), or one scalar.

    Returns:
        The means, and half the width of the 95 % confidence interval of those over more than one sample.
    """
    metrics = {key: float(value.double().mean()) for key, value in values.items()}
    return metrics, {key: confidence_95(value.double()) for key, value in values.items() if value.numel() > 1}


def confidence_95(values: Tensor) -> float:
    """Half the width of a mean's 95 % confidence interval.

    Of zeros and ones, two of each are added (Agresti and Coull 1998), so that it is never 0.

    Args:
        values: (N,), N > 1.
    """
    if bool(((values == 0) | (values == 1)).all()):
        values = torch.cat([values, values.new_tensor([0, 0, 1, 1])])
    return float(1.96 * values.std() / values.numel() ** 0.5)
