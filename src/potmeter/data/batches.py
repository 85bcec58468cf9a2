"""Whole batches of a data set, in order and on a device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

Batch = dict[str, Tensor]
"""Named tensors with a common first dimension; pictures under ``image``, float (B, C, H, W) in [0, 1]."""


def in_batches(data: Any, size: int, device: torch.device | str = "cpu") -> Iterator[Batch]:
    """A data set from first to last, as whole batches of at most ``size`` samples, for evaluation."""
    for start in range(0, len(data), size):
        yield to_device(data.__getitems__(list(range(start, min(start + size, len(data))))), device)


def to_device(batch: Any, device: torch.device | str) -> Any:
    """A batch with its tensors on the device."""
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch.items()}
    if not isinstance(batch, Tensor):
        return batch
    if batch.dtype == torch.float64 and torch.device(device).type == "mps":  # which has no double precision
        batch = batch.float()
    return batch.to(device, non_blocking=True)
