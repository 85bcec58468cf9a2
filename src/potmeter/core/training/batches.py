"""Training data as an endless sequence of batches that can be left and taken up again anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from potmeter.core.training import processes
from potmeter.data.batches import to_device
from potmeter.errors import reject


class ShuffledBatches:
    """A data set as an endless sequence of batches, shuffled anew each epoch, of which each process takes its slice.

    Epochs follow each other without a gap, so that every batch is full, even where the data set is smaller than one.
    """

    def __init__(self, data: Any, batch_size: int, *, seed: int = 0, workers: int = 0, device: Any = "cpu") -> None:
        if len(data) == 0:
            reject("The training data are empty.", len(data))
        if batch_size % processes.world_size():
            reject(f"batch_size must be divisible by the {processes.world_size()} processes.", batch_size)
        self.data, self.batch_size, self.seed, self.workers, self.device = data, batch_size, seed, workers, device
        self.position = 0

    def indices(self) -> Iterator[list[int]]:
        """This process's sample numbers of each batch, from the current position on."""
        share, size = self.batch_size // processes.world_size(), len(self.data)
        epoch, order, position = -1, torch.empty(0, dtype=torch.int64), self.position
        while True:
            batch: list[int] = []
            while len(batch) < self.batch_size:
                if position // size != epoch:
                    epoch = position // size
                    order = torch.randperm(
                        size, generator=torch.Generator().manual_seed(hash((self.seed, epoch)) % 2**63)
                    )
                start = position % size
                taken = order[start : start + self.batch_size - len(batch)].tolist()
                batch += taken
                position += len(taken)
            yield batch[processes.rank() * share : (processes.rank() + 1) * share]

    def __iter__(self) -> Iterator[Any]:
        loaded = (self.data.__getitems__(batch) for batch in self.indices())
        if self.workers:
            sampler: Any = self.indices()
            own = torch.Generator().manual_seed(self.seed)  # else the loader would shift torch's global one
            ahead: Any = DataLoader(
                self.data, batch_sampler=sampler, num_workers=self.workers, collate_fn=identity_collate, generator=own
            )
            loaded = iter(ahead)
        for batch in loaded:
            self.position += self.batch_size
            yield to_device(batch, self.device)

    def state_dict(self) -> dict[str, int]:
        """The position: samples given out so far, over all processes."""
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to a position."""
        self.position = state["position"]


def identity_collate(batch: Any) -> Any:
    """Data sets return whole batches; there is nothing left to collate."""
    return batch
