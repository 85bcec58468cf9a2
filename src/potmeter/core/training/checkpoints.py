"""A training run's folder: checkpoints that survive kills and full disks, the best one, the metrics so far.

    runs/mine/
      step-00001000/   a weights folder, with training.pt (optimisers, position) and rank-K.pt (that process's random state)
      step-00002000/
      best.json        which step was the best
      metrics.jsonl    one line per report

A checkpoint is written aside, flushed to the disk and renamed, so that under its own name it is always whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from potmeter.core.runs import best_step, list_checkpoints
from potmeter.core.training import processes
from potmeter.errors import UserError, reject

NUM_KEPT = 2
"""Newest checkpoints that stay, besides the best."""
WRITE_ERRORS = re.compile("PytorchStreamWriter|inline_container|iostream|file write|cannot be opened|Parent directory")
"""What torch's RuntimeErrors speak of where a file could not be written."""


def write(
    run: Path, step: int, state: dict[str, Any], rank_state: dict[str, Any], save_weights: Callable[[Path], object]
) -> Path:
    """Write the checkpoint of a step, all processes together, and prune old ones.

    Args:
        run: The run's folder.
        step: Its number.
        state: Training state that is the same in every process; written by the first.
        rank_state: Training state that is this process's own: its random state, its position in the data.
        save_weights: Writes the weights into a folder; called in the first process.

    Raises:
        UserError: When the disk is full or broken. Earlier checkpoints stay as they are.
    """
    final, aside = run / f"step-{step:08d}", run / f".writing-{step:08d}"
    try:
        with report_write_errors(run, f"The checkpoint of step {step}"):
            if processes.rank() == 0:
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir(parents=True)
            processes.barrier()
            torch.save(rank_state, aside / f"rank-{processes.rank()}.pt")
            if processes.rank() == 0:
                torch.save(state, aside / "training.pt")
                save_weights(aside)
            processes.barrier()
            if processes.rank() == 0:
                for file in [*aside.iterdir(), aside]:
                    flush(file)
                if final.exists():  # the same step again, or a damaged one: it stays readable until the new one stands
                    shutil.rmtree(f"{final}~", ignore_errors=True)
                    final.rename(f"{final}~")
                aside.rename(final)
                flush(run)
                prune(run, step)
    except UserError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    processes.barrier()
    return final


@contextmanager
def report_write_errors(run: Path, what: str) -> Iterator[None]:
    """Turn the failure to write ``what`` into a run's folder into a UserError that says how things stand."""
    try:
        yield
    except (OSError, RuntimeError, UserError) as error:  # torch and safetensors report a full disk in their own ways
        if isinstance(error, RuntimeError) and not WRITE_ERRORS.search(str(error)):
            raise
        last = next((path.name for path in list_checkpoints(run)), "none")
        message = f"{what} cannot be written to {run} ({error}); the last good checkpoint: {last}."
        raise UserError(message, received=f"{free_mebibytes(run)} MiB free on that disk") from error


def read_newest(run: Path, device: torch.device) -> tuple[Path, dict[str, Any], dict[str, Any]] | None:
    """The newest checkpoint that every process can read whole: its folder, the common state and this process's own.

    A process that took no part in writing it gets the first one's. None without any checkpoint.

    Raises:
        UserError: When there are checkpoints, but none is whole.
    """
    for folder in list_checkpoints(run):
        try:
            with safe_open(folder / "model.safetensors", "pt"):  # checks the header against the length of the file
                state = torch.load(folder / "training.pt", map_location=device, weights_only=True)
            files = [folder / f"rank-{rank}.pt" for rank in (processes.rank(), 0)]
            rank_state = torch.load(next(f for f in files if f.is_file()), map_location="cpu", weights_only=True)
            found, damage = (folder, state, rank_state), ""
        except Exception as error:  # whatever a damaged file's reader raises: an older checkpoint is better than none
            found, damage = None, type(error).__name__
        if processes.all_reduce_mean(torch.tensor(float(found is not None), device=device)) == 1:
            return found
        print(f"potmeter: warning: {folder.name} is damaged ({damage}); trying an older one", file=sys.stderr)
    return (
        reject(f"No checkpoint in {run} is whole; --out names another folder.", str(run))
        if list_checkpoints(run)
        else None
    )


def mark_best(run: Path, step: int, metric: str, value: float) -> None:
    """Record that this step is the best so far."""
    aside = run / ".best.json"
    with report_write_errors(run, "best.json"):
        aside.write_text(json.dumps({"step": step, "metric": metric, "value": value}) + "\n", encoding="utf-8")
        flush(aside)
        aside.replace(run / "best.json")


def prune(run: Path, step: int) -> None:
    """Remove all checkpoints but the best and the newest up to ``step``, and what a killed process left half-written."""
    best, found = f"step-{best_step(run):08d}", [folder for folder in list_checkpoints(run) if folder.name[-1] != "~"]
    later = [folder for folder in found if int(folder.name[5:]) > step]  # damaged, or we were not here
    old = [folder for folder in found[len(later) + NUM_KEPT :] if folder.name != best]
    for folder in [*later, *old, *run.glob("step-*~"), *run.glob(".writing-*")]:
        shutil.rmtree(folder, ignore_errors=True)


def flush(path: Path) -> None:
    """Make the disk keep what was written to a file or folder."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no handle for folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def free_mebibytes(folder: Path) -> int:
    """Free MiB on the disk of a folder, or of its nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free >> 20
