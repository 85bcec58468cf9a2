"""Data sets whose items come one by one from a source: from files, or generated when they are asked for."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest

CHECK_SECONDS = 5.0
"""Longest time for which a data set is searched for broken files."""

Item = TypeVar("Item")
Produced = TypeVar("Produced", covariant=True)


class Source(Protocol[Produced]):
    """Where items come from."""

    def read(self, i: int) -> Produced:
        """The item of this index."""
        ...

    def fingerprint(self) -> str:
        """A digest of all that the items depend on."""
        ...


class ItemGenerator(Generic[Item]):
    """A source whose items are generated when they are asked for, each from its index: the same in every run.

    Args:
        generate: Returns the item of an index.
        origin: All that the items depend on, in words and numbers, for the fingerprint.
    """

    def __init__(self, generate: Callable[[int], Item], origin: Sequence[Any]) -> None:
        self.read, self.origin = generate, list(origin)

    def fingerprint(self) -> str:
        """A digest of all that the items depend on."""
        return digest(self.origin)


class SourceData(Dataset, Generic[Item]):
    """Some of the items of a source. A subclass says how items become a minibatch: ``__getitems__``.

    Args:
        source: Where they come from.
        count: How many it has.
        indices: Those that belong to this data set; None = all.
    """

    def __init__(self, source: Source[Item], count: int, indices: Sequence[int] | None = None) -> None:
        self.source = source
        self.indices = range(count) if indices is None else list(indices)

    @property
    def digests(self) -> tuple[str, ...]:
        """For each item the digest of its file; AttributeError for generated ones."""
        digests: Any = self.source.digests  # type: ignore[attr-defined]
        return tuple(digests[i] for i in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        raise NotImplementedError

    def read(self, indices: Sequence[int] | Tensor) -> list[Item]:
        """The items at these places."""
        return [self.source.read(self.indices[i]) for i in torch.as_tensor(indices, dtype=torch.long).tolist()]

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The items at these places as a data set of their own."""
        chosen = copy.copy(self)
        chosen.indices = [self.indices[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return chosen

    def head(self, n: int) -> Self:
        """The first ``n`` items (all, if there are fewer)."""
        return self.select(range(min(n, len(self))))

    def check(self) -> None:
        """Read items, for ``CHECK_SECONDS`` at most; UserError for the first that is broken or does not fit."""
        until = time.monotonic() + CHECK_SECONDS
        for i in self.indices:
            self.source.read(i)
            if time.monotonic() > until:
                return
