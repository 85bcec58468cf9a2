"""Large systems over many devices: parameters sharded with FSDP2, gathered where they are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from potmeter.core.system import System
from potmeter.core.training import processes
from potmeter.core.weights import load_state, tied_names
from potmeter.errors import reject


def shard(system: System, device: torch.device) -> None:
    """Shard the system's units, and what is left of it, over all processes with FSDP2."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    units = system.shard_units() or reject(f"{system.name} declares no units to shard; leave --shard out.", system.name)
    if system.config.ema:
        reject("--shard and a moving average do not go together.", system.config.ema)
    mesh = init_device_mesh(device.type, (processes.world_size(),))
    for unit in [*units, system]:
        sharded = fully_shard(unit, mesh=mesh)
        sharded.set_force_sum_reduction_for_comms(device.type != "cuda")  # gloo adds up, but knows no mean
    for method in ("loss", "evaluate", "validate"):
        register_fsdp_forward_method(system, method)  # FSDP gathers parameters before ``forward`` only, unless told


def gather_state_dict(system: System, sharded: bool) -> dict[str, Any] | None:
    """The state dict of a sharded system, gathered from all processes; None where every process has it anyway."""
    if not sharded:
        return None
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    return get_model_state_dict(system, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def load_gathered_state_dict(system: System, path: Path, sharded: bool) -> None:
    """Fill a system, sharded or not, with the whole state dict in a weights file."""
    if not sharded:
        return load_state(system, path)
    from safetensors.torch import load_file
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict

    options = StateDictOptions(full_state_dict=True, strict=not tied_names(system))
    state: dict[str, Any] = load_file(path)
    set_model_state_dict(system, state, options=options)


def gather_optimizer_state(system: System, optimizer: Optimizer, sharded: bool) -> dict[str, Any]:
    """An optimiser's state dict, gathered from all processes where it is sharded."""
    if not sharded:
        return optimizer.state_dict()
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return get_optimizer_state_dict(system, optimizer, options=options)


def load_gathered_optimizer_state(system: System, optimizer: Optimizer, state: dict[str, Any], sharded: bool) -> None:
    """Fill an optimiser, sharded or not, with a whole state dict."""
    if not sharded:
        return optimizer.load_state_dict(state)
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict

    set_optimizer_state_dict(system, optimizer, state, options=StateDictOptions(full_state_dict=True))
