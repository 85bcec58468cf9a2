"""One global stream of random numbers, of which every process sees its own slice."""

from __future__ import annotations

import torch
from torch import Tensor


class RandomStream:
    """Random numbers that do not depend on the number of processes.

    Every process draws the numbers of the whole batch and keeps its part of the first dimension, so that one process
    with a batch of 64 and two with 32 each see the same 64.

    Args:
        seed: Start of the stream.
        rank, world_size: This process's number, and how many processes there are.
        device: Where the numbers are made.

    Example:
        >>> whole = RandomStream(7).normal(4, 2)
        >>> parts = [RandomStream(7, rank, 2).normal(2, 2) for rank in range(2)]
        >>> torch.equal(whole, torch.cat(parts))
        True
    """

    def __init__(self, seed: int = 0, rank: int = 0, world_size: int = 1, device: torch.device | str = "cpu") -> None:
        self.rank, self.world_size = rank, world_size
        self.generator = torch.Generator(device).manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of this (local) shape."""
        return self._slice(
            torch.randn(self._global_shape(shape), generator=self.generator, device=self.generator.device)
        )

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1) of this (local) shape."""
        return self._slice(
            torch.rand(self._global_shape(shape), generator=self.generator, device=self.generator.device)
        )

    def integers(self, high: int, *shape: int) -> Tensor:
        """Whole numbers in [0, high) of this (local) shape."""
        whole = self._global_shape(shape)
        return self._slice(torch.randint(high, whole, generator=self.generator, device=self.generator.device))

    def _global_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0] * self.world_size, *shape[1:])

    def _slice(self, numbers: Tensor) -> Tensor:
        return numbers if self.world_size == 1 else numbers.chunk(self.world_size)[self.rank]

    def state_dict(self) -> dict[str, Tensor]:
        """The position in the stream."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go to a position in the stream."""
        self.generator.set_state(state["generator"].cpu())
