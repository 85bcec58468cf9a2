"""Which device a model runs on."""

from __future__ import annotations

import functools

import torch
from torch import nn

from potmeter.errors import UserError
from potmeter.notices import announce


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


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has units for matrix products in bfloat16, which then are faster than in float32.

    GPUs have them, of Nvidia's those from Ampere on; CPUs with AMX. AVX-512's instructions for bfloat16 are not enough.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def training_dtype(precision: str, device: torch.device) -> torch.dtype:
    """In what a training computes matrix products: ``precision``, but float32, which is told once, where that is faster.

    Args:
        precision: float32 or bfloat16, as a Config has it.
        device: Where it is trained.
    """
    if precision == "float32":
        return torch.float32
    if not multiplies_bfloat16(device):
        announce_float32()
        return torch.float32
    return torch.bfloat16


@functools.cache
def announce_float32() -> None:
    """Tell, once, that float32 is used in place of bfloat16."""
    announce("this device has no units for bfloat16 (AMX, on a CPU): float32 is faster on it, and is used.")


def device_of(module: nn.Module, default: torch.device | str = "cpu") -> torch.device:
    """Where a module's parameters are; ``default`` where it has none."""
    return next((p.device for p in module.parameters()), torch.device(default))
