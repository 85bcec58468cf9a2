"""Which device a model runs on."""

from __future__ import annotations

import torch
from torch import nn

from potmeter.errors import UserError


def resolve_device(name: str) -> torch.device:
    """``auto`` is the best device there is. Raises UserError for one that is unknown or absent."""
    if name == "auto":
        return torch.device(
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError("device is auto, cpu, cuda, cuda:N or mps.", received=name) from None
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if not present.get(device.type, False) or (device.index or 0) >= count:
        raise UserError(
            "This machine has no such device; auto, cpu, cuda, cuda:N or mps where there is one.", received=name
        )
    return device


def device_of(module: nn.Module, default: torch.device | str = "cpu") -> torch.device:
    """Where a module's parameters are; ``default`` where it has none."""
    return next((p.device for p in module.parameters()), torch.device(default))
