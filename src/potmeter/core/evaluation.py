"""From a value for each sample to a metric with its error."""

from __future__ import annotations

import torch
from torch import Tensor


def summarise(values: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of an evaluation, and the 95 % errors of those that are means over samples."""
    metrics = {key: float(value.double().mean()) for key, value in values.items()}
    return metrics, {key: confidence_95(value.double()) for key, value in values.items() if value.numel() > 1}


def confidence_95(values: Tensor) -> float:
    """The 95 % error of a mean; of shares with two successes and failures more (Agresti and Coull 1998), so never 0."""
    if bool(((values == 0) | (values == 1)).all()):
        values = torch.cat([values, values.new_tensor([0, 0, 1, 1])])
    return float(1.96 * values.std() / values.numel() ** 0.5)
