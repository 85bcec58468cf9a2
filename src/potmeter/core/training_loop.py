"""The training loop as a system's ``step`` and ``batches`` see it: a protocol, so that no system hangs on the loop itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from potmeter.core.random import RandomStream


@runtime_checkable
class TrainingLoop(Protocol):
    """What a system's ``step`` and ``batches`` see of the training loop."""

    @property
    def step(self) -> int:
        """Steps done."""
        ...

    @property
    def fraction_done(self) -> float:
        """How much of the run is done, 0 to 1."""
        ...

    @property
    def seed(self) -> int:
        """Start of all randomness."""
        ...

    @property
    def workers(self) -> int:
        """Processes that prepare data ahead; threads, where a system trains by a kernel of its own."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the system is."""
        ...

    @property
    def rng(self) -> RandomStream:
        """The run's random numbers: this process's part of a stream that all processes share."""
        ...

    def update(self, loss: Tensor, *names: str) -> None:
        """Backward, clip, schedule, step: of the optimisers so named, default all."""
        ...

    def noise(self, *shape: int) -> Tensor:
        """This process's slice of the run's standard normal numbers."""
        ...

    def shuffle(self, data: Any) -> Iterable[Any]:
        """A data set as endless shuffled batches."""
        ...
