"""The state of a training run: what the loop changes and a checkpoint must hold."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from potmeter.core.random import RandomStream
from potmeter.core.system import System
from potmeter.core.training import processes
from potmeter.core.training.options import Options
from potmeter.data.splits import Splits


@dataclass
class Progress:
    """How far a run has come; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    """Wall-clock of all sessions up to the last checkpoint or now."""
    best: dict[str, float] = field(default_factory=dict)
    """Metrics of the best evaluation."""
    best_step: int = -1
    """When that was."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The last evaluation."""
    validation_seconds: float = 0.0
    """Seconds that went into validation so far."""
    last_validation_seconds: float = 0.0
    """Of these, what the last full validation took."""
    last_loss_seconds: float = 0.0
    """What the last ``validation_loss`` took."""


def describe_data(splits: Splits) -> dict[str, Any]:
    """What tells data from others: their name, how many samples each part has, where it has samples, a fingerprint."""
    parts = {name: len(part) for name in ("train", "valid") if hasattr(part := getattr(splits, name), "__len__")}
    return {"name": splits.dataset, "samples": parts, "fingerprint": splits.fingerprint()}


class TrainingState:
    """The fields of a run. ``Trainer`` fills and updates them; ``resume`` writes and reads them."""

    system: System
    splits: Splits
    data: dict[str, Any]
    """What tells these data from others."""
    options: Options
    run: Path
    """The run's folder."""
    device: torch.device
    sharded: bool
    """Whether FSDP2 shares out the parameters."""
    rng: RandomStream
    """The run's random numbers: this process's part of a stream that all processes share."""
    optimizers: dict[str, Optimizer]
    parameters: dict[str, list[Tensor]]
    """The parameters of each optimiser."""
    average: AveragedModel | None
    """The moving average of the weights, where the Config asks for one."""
    batches: Any
    """The iterable that ``System.batches`` returned."""
    progress: Progress
    started: float
    """When this session began, by ``time.monotonic``."""
    saved_at: float
    """When the last checkpoint was written, by the same clock."""
    last_evaluated_step: int
    """The step of the last full evaluation."""

    @property
    def step(self) -> int:
        """Steps done."""
        return self.progress.step

    @property
    def fraction_done(self) -> float:
        """How much of the run is done, 0 to 1: by steps, by the clock, or whichever is further."""
        shares = [self.step / self.options.steps] if self.options.steps else []
        if self.options.seconds:
            shares.append(processes.broadcast_float(self.seconds / self.options.seconds))
        return min(max(shares), 1.0)

    @property
    def seed(self) -> int:
        """Start of all randomness."""
        return self.options.seed

    @property
    def workers(self) -> int:
        """Processes that prepare data ahead; threads, where a system trains by a kernel of its own."""
        return self.options.workers

    @property
    def seconds(self) -> float:
        """Wall-clock of the run so far, over all its sessions."""
        return self.progress.seconds + time.monotonic() - self.started

    def inference_system(self) -> System:
        """The system with the weights that are used: the moving average where there is one."""
        if self.average is None:
            return self.system
        used: System = self.average.module  # type: ignore[assignment]
        return used
