"""All that continues a training run to the bit: written with every checkpoint, and read back."""

from __future__ import annotations

import filecmp
import os
import platform
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from potmeter.core.system import System
from potmeter.core.training import checkpoints, processes
from potmeter.core.training.sharding import (
    gather_optimizer_state,
    gather_state_dict,
    load_gathered_optimizer_state,
    load_gathered_state_dict,
)
from potmeter.core.training.state import Progress, TrainingState
from potmeter.data.held_out import write_training_files
from potmeter.errors import UserError, reject, shorten


def save(trainer: TrainingState) -> None:
    """Write a checkpoint of this moment."""
    if not trainer.sharded:
        processes.assert_equal_weights(trainer.system)
    used = trainer.inference_system()
    used.card = {"training": training_record(trainer), "valid": trainer.progress.metrics}
    tensors = gather_state_dict(used, trainer.sharded)
    rank_state = {"rank": processes.rank(), "torch": torch.get_rng_state(), "batches": trainer.batches.state_dict()}
    if trainer.device.type == "cuda":
        rank_state["cuda"] = torch.cuda.get_rng_state(trainer.device)
    write_weights = lambda folder: used.save_pretrained(folder, tensors)
    checkpoints.write(trainer.run, trainer.step, training_state(trainer), rank_state, write_weights)
    write_training_files(trainer.run, trainer.splits) if processes.rank() == 0 else None
    mark_best(trainer) if trainer.progress.best_step == trainer.step else None
    trainer.saved_at = time.monotonic()


def load(trainer: TrainingState, folder: Path, state: dict[str, Any], rank_state: dict[str, Any]) -> None:
    """Continue from a checkpoint. Raises UserError when the run was made with another Config, seed or network."""
    system, seed = trainer.system, trainer.options.seed
    before, now = (asdict(c) for c in (system.read_config(folder), system.config))
    now["seed"] = seed
    before["seed"] = state.get("seed", seed)  # older runs do not say
    if changed := [key for key in now if before[key] != now[key]]:
        was, received = (", ".join(f"{key}={shorten(repr(c[key]), 60)}" for key in changed) for c in (before, now))
        raise UserError(f"{trainer.run} was trained with {was}.", received=received)
    if (begun := state.get("data", trainer.data)) != trainer.data:  # older runs do not say
        sizes = [", ".join(f"{count:,} {part}" for part, count in d["samples"].items()) for d in (begun, trainer.data)]
        was, received = (f"{d['name']} ({size})" for d, size in zip((begun, trainer.data), sizes, strict=True))
        alike = ", of which some have changed" if was == received else ""
        raise UserError(f"{trainer.run} was begun with other data: {was}{alike}.", received=received)
    # optimisers number their state, and would take it for another parameter's
    if state.get("order") != parameter_names(system):
        reject(f"The network's code has changed since {trainer.run} was begun; --out names another.", str(trainer.run))
    if changed := find_changed_assets(system, folder):
        message = f"{trainer.run} was begun with another {changed[0]}: with other data, or from other weights."
        reject(message, trainer.splits.dataset)
    load_gathered_state_dict(trainer.inference_system(), folder / "model.safetensors", trainer.sharded)
    if trainer.average:
        system.load_state_dict(state["average"]["model"])
        trainer.average.n_averaged.copy_(state["average"]["count"])
    for name, optimizer in trainer.optimizers.items():
        load_gathered_optimizer_state(system, optimizer, state["optimizers"][name], trainer.sharded)
    trainer.rng.load_state_dict(state["rng"])
    trainer.progress, trainer.started = Progress(**state["progress"]), time.monotonic()
    trainer.last_evaluated_step = (
        trainer.step if trainer.fraction_done >= 1 else -1
    )  # a finished run is not measured, and saved, again
    mark_best(trainer)  # a kill may have come between a checkpoint and its mark
    trainer.batches.load_state_dict(rank_state["batches"])
    if rank_state["rank"] == processes.rank():  # else there are more processes than before: a fresh seed
        torch.set_rng_state(rank_state["torch"])
        if "cuda" in rank_state and trainer.device.type == "cuda":
            torch.cuda.set_rng_state(rank_state["cuda"], trainer.device)


def find_changed_assets(system: System, folder: Path) -> list[str]:
    """The files, of what the data taught, that are not those in a checkpoint: its weights would not fit them."""
    with tempfile.TemporaryDirectory() as new:
        system.save_assets(Path(new))
        names = sorted(path.name for path in Path(new).iterdir())
        same, *_ = filecmp.cmpfiles(new, folder, names, shallow=False)
    return [name for name in names if name not in same]


def mark_best(trainer: TrainingState) -> None:
    """Record, for those who look for weights, which checkpoint is the best."""
    found, goal = trainer.progress, trainer.system.goal.metric
    metric = goal if goal in found.best else "loss"
    if processes.rank() == 0 and found.best:
        checkpoints.mark_best(trainer.run, found.best_step, metric, found.best[metric])


def training_state(trainer: TrainingState) -> dict[str, Any]:
    """What continues the run besides the weights that are used; the same in every process."""
    system, average = trainer.system, trainer.average
    optimizers = trainer.optimizers.items()
    return {
        "progress": asdict(replace(trainer.progress, seconds=trainer.seconds)),
        "order": parameter_names(system),
        "seed": trainer.options.seed,
        "data": trainer.data,
        "rng": trainer.rng.state_dict(),
        "optimizers": {name: gather_optimizer_state(system, one, trainer.sharded) for name, one in optimizers},
        # with a moving average the weights folder holds that, and the weights being trained are kept here
        "average": {"model": system.state_dict(), "count": average.n_averaged} if average else None,
    }


def parameter_names(system: System) -> list[str]:
    """The names of the parameters, as the optimisers count them."""
    return [name for name, _ in system.named_parameters()]


def training_record(trainer: TrainingState) -> dict[str, Any]:
    """How the weights were made, for their card. A user's paths stay out of it."""
    return {
        "seed": trainer.options.seed,
        "steps": trainer.step,
        "seconds": round(trainer.seconds, 1),
        "validation_seconds": round(trainer.progress.validation_seconds, 1),
        "processes": processes.world_size(),
        "device": str(trainer.device),
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "data": trainer.splits.dataset,
        "samples": trainer.data["samples"],
    }
