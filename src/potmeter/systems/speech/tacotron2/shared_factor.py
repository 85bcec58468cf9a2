"""A matrix that many products of a recurrence share, whose gradient is computed once for all of them.

Autograd adds up a full-sized gradient at each step. Kept aside, the steps' parts become the two factors of one large product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class SharedFactor:
    """The second factor of many products ``x @ factor``, matrices (K, N), or batches (B, K, N) with x (B, 1, K).

    Args:
        factor: The matrix; gradients arrive in it once the whole recurrence has gone back.

    Example:
        >>> weight = torch.ones(2, 2, requires_grad=True)
        >>> shared = SharedFactor(weight)
        >>> x = shared.multiply(shared.multiply(torch.ones(1, 2)))
        >>> x.sum().backward()
        >>> weight.grad
        tensor([[4., 4.],
                [4., 4.]])
    """

    def __init__(self, factor: Tensor) -> None:
        self.kept: list[tuple[Tensor, Tensor]] = []
        self.factor: Tensor = Collect.apply(factor, self.kept)  # type: ignore[no-untyped-call]

    def multiply(self, x: Tensor) -> Tensor:
        """``x @ factor``."""
        product: Tensor = Multiply.apply(x, self.factor, self.kept)  # type: ignore[no-untyped-call]
        return product


class Collect(torch.autograd.Function):
    """The factor itself; backward, after all its products, its gradient from their parts."""

    @staticmethod
    def forward(ctx: Any, factor: Tensor, kept: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.kept = kept
        ctx.set_materialize_grads(False)
        return factor.view_as(factor)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        inputs, outputs = (torch.cat(parts, -2) for parts in zip(*ctx.kept, strict=True))
        ctx.kept.clear()
        return inputs.mT @ outputs, None


class Multiply(torch.autograd.Function):
    """A product; backward, the gradient of ``x`` at once, and the part of the factor's aside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor, kept: list[tuple[Tensor, Tensor]]) -> Tensor:
        ctx.save_for_backward(x, factor)
        ctx.kept = kept
        return x @ factor

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None, None]:
        x, factor = ctx.saved_tensors
        ctx.kept.append((x, gradients[0]))
        return gradients[0] @ factor.mT, None, None
