"""Training data as minibatches without end, which can be left and taken up again anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader

from potmeter.core.training import processes
from potmeter.data.batches import to_device
from potmeter.errors import reject

S = TypeVar("S")


class ResumableBatches:
    """Minibatches without end, of which a checkpoint keeps the position; a base of what ``System.batches`` returns.

    A subclass writes ``generate``. What is random in it depends on the seed and the epoch only, so that a run that is
    resumed gets the same batches as one that never stopped.

    Args:
        batch_size: Samples in a batch, over all processes together.
        seed: Of the order.

    Raises:
        UserError: When the processes cannot share a batch evenly.
    """

    def __init__(self, batch_size: int, *, seed: int = 0) -> None:
        if batch_size % processes.world_size():
            reject(f"batch_size must be divisible by the {processes.world_size()} processes.", batch_size)
        self.batch_size, self.seed = batch_size, seed
        self.position = 0
        """Batches given out so far."""

    def generate(self) -> Iterator[Any]:
        """The batches from ``position``, which is read once, at the start, and advances by itself."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        for batch in self.generate():
            self.position += 1  # before the batch is trained on, after which a checkpoint may be written
            yield batch

    def epoch_rng(self, epoch: int) -> torch.Generator:
        """Random numbers of an epoch."""
        return torch.Generator().manual_seed(hash((self.seed, epoch)) % 2**63)

    def local_slice(self, batch: S) -> S:
        """This process's part of a whole batch of samples or of their numbers."""
        size = self.batch_size // processes.world_size()
        return batch[processes.rank() * size : (processes.rank() + 1) * size]  # type: ignore[index]

    def state_dict(self) -> dict[str, int]:
        """The position."""
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to a position."""
        self.position = state["position"]


class ShuffledBatches(ResumableBatches):
    """A map-style data set in random order, shuffled anew each epoch.

    Epochs follow each other without a gap, so that every batch is full, even where the data set is smaller than one.

    Args:
        data: Has ``__len__`` and ``__getitems__(indices)``.
        batch_size, seed: As of any ``ResumableBatches``.
        workers: Processes that prepare batches ahead.
        device: Where the batches go.

    Raises:
        UserError: When the data set is empty.
    """

    def __init__(self, data: Any, batch_size: int, *, seed: int = 0, workers: int = 0, device: Any = "cpu") -> None:
        len(data) > 0 or reject("The training data are empty.", len(data))
        super().__init__(batch_size, seed=seed)
        self.data, self.workers, self.device = data, workers, device

    def indices(self) -> Iterator[list[int]]:
        """This process's sample indices of each batch."""
        size = len(self.data)
        epoch, order, sample = -1, torch.empty(0, dtype=torch.int64), self.position * self.batch_size
        while True:
            batch: list[int] = []
            while len(batch) < self.batch_size:
                if sample // size != epoch:
                    epoch = sample // size
                    order = torch.randperm(size, generator=self.epoch_rng(epoch))
                taken = order[sample % size :][: self.batch_size - len(batch)].tolist()
                batch += taken
                sample += len(taken)
            yield self.local_slice(batch)

    def generate(self) -> Iterator[Any]:
        loaded: Any = (self.data.__getitems__(batch) for batch in self.indices())
        if self.workers:
            sampler: Any = self.indices()
            rng = torch.Generator().manual_seed(self.seed)  # else the loader would shift torch's global one
            loaded = DataLoader(
                self.data, batch_sampler=sampler, num_workers=self.workers, collate_fn=identity_collate, generator=rng
            )
        for batch in loaded:
            yield to_device(batch, self.device)


class BucketedBatches(ResumableBatches):
    """Minibatches of about equally long samples, so that little is padding.

    In an epoch every sample comes once, but for those that are left over, fewer than a batch.

    Args:
        lengths: Of the samples, by which they are sorted.
        collate: Samples by their numbers, and the epoch's seed for what is random in each, as a batch.
        batch_size, seed: As of any ``ResumableBatches``.
    """

    pool = 200
    """Minibatches whose samples are sorted by length together."""

    def __init__(
        self, lengths: Sequence[int], collate: Callable[[list[int], int], Any], batch_size: int, *, seed: int = 0
    ) -> None:
        super().__init__(batch_size, seed=seed)
        self.lengths, self.collate = torch.tensor(lengths), collate

    def candidates(self, epoch: int) -> torch.Tensor:
        """The numbers of the samples that take part in an epoch: all."""
        return torch.arange(len(self.lengths))

    def epoch(self, number: int) -> list[torch.Tensor]:
        """The minibatches of an epoch, as numbers of samples."""
        rng, order = self.epoch_rng(number), self.candidates(number)
        order = order[torch.randperm(len(order), generator=rng)]
        pools = [part[self.lengths[part].argsort(stable=True)] for part in order.split(self.pool * self.batch_size)]
        batches = [batch for part in pools for batch in part.split(self.batch_size) if len(batch) == self.batch_size]
        batches = batches or [order.repeat(self.batch_size)[: self.batch_size]]  # fewer samples than a batch has
        return [batches[i] for i in torch.randperm(len(batches), generator=rng).tolist()]

    def generate(self) -> Iterator[Any]:
        number, first = 0, self.position
        while first >= (count := max(len(self.candidates(number)) // self.batch_size, 1)):
            number, first = number + 1, first - count
        while True:
            for batch in self.epoch(number)[first:]:
                yield self.collate(self.local_slice(batch).tolist(), hash((self.seed, number)))
            number, first = number + 1, 0


def identity_collate(batch: Any) -> Any:
    """Data sets return whole batches; there is nothing left to collate."""
    return batch
