"""Observations and rewards brought to mean 0 and variance 1, by what was seen so far."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.training import processes

LIMIT = 10.0
"""Standard deviations at which a normalised observation, and a normalised reward, is cut off."""


class Normaliser(nn.Module):
    """Mean and variance of all that was seen so far, by which values are brought to mean 0 and variance 1.

    Moments of batches are merged after Chan, Golub and LeVeque (1979). Processes that each see a part agree on the moments.

    Example:
        >>> normaliser = Normaliser(1)
        >>> normaliser.update(torch.tensor([[1.0], [3.0]]))
        >>> normaliser(torch.tensor([[4.0]]))
        tensor([[2.]])
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, values: Float[Tensor, "... n"]) -> Float[Tensor, "... n"]:
        return ((values - self.mean) / (self.variance + 1e-8).sqrt()).clamp(-LIMIT, LIMIT)

    @torch.no_grad()
    def update(self, values: Float[Tensor, "... n"]) -> None:
        """Take more values into account; of many processes, all of theirs."""
        rows = values.flatten(0, -2).double()  # (samples, n)
        size = len(rows) * processes.world_size()
        mean = processes.all_reduce_mean(rows.mean(0))
        variance = processes.all_reduce_mean((rows - mean).square().mean(0))
        total = self.count.double() + size
        share, shift = size / total, mean - self.mean.double()
        merged = (1 - share) * self.variance.double() + share * variance + share * (1 - share) * shift.square()
        self.variance.copy_(merged)
        self.mean.copy_(self.mean.double() + share * shift)
        self.count.copy_(total)
