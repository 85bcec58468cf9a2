"""Muon: an optimiser for the matrices of hidden layers, whose steps go equally far in all directions.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). The gradient of a matrix mostly has a few
large directions; Muon replaces it by the nearest orthogonal matrix, in which rare directions count as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Muon(Optimizer):
    """As ``torch.optim.Muon``, but in float32 on a CPU: where a CPU cannot multiply in bfloat16, that one is far slower.

    Args:
        params: Matrices, and filters of convolutions, (out, in, …), which are taken as matrices (out, in · …).
        lr: How far a step goes, as a spectral norm; times √(rows / columns) where there are more rows than columns.
        weight_decay: Decoupled, times ``lr``.
        momentum: Nesterov momentum: decay, per step, of the moving average of the gradient.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 0.02, weight_decay: float = 0.0, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim < 2:
                raise ValueError(f"Muon takes matrices. Received: {tuple(p.shape)}")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step by the present gradients."""
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(p.grad)
                buffer = state["momentum_buffer"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalize(p.grad.lerp(buffer, group["momentum"]).flatten(1))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view_as(p), alpha=-group["lr"] * max(1.0, update.shape[0] / update.shape[1]) ** 0.5)


def move_to_muon(matrices: Sequence[Tensor], optimizer: Optimizer, lr: float, weight_decay: float = 0.0) -> Muon:
    """Hand matrices over: ``optimizer`` lets go of them, and the Muon that is returned trains them.

    Args:
        matrices: One at least; those of hidden layers, as Muon's paper has it. In their order they stand in the result.
        optimizer: What has them now and keeps all else, before its first step.
        lr: As of ``Muon``.
        weight_decay: As of ``Muon``.
    """
    moved = {id(matrix) for matrix in matrices}
    for group in optimizer.param_groups:
        group["params"] = [p for p in group["params"] if id(p) not in moved]
    return Muon(matrices, lr=lr, weight_decay=weight_decay)


def orthogonalize(matrix: Tensor) -> Tensor:
    """The nearest orthogonal matrix, roughly: all singular values become 0.6 to 1.25, by Newton–Schulz iteration.

    Five steps of X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, with Jordan's a, b, c, which bring the small ones up fastest. Those
    below a thousandth of the norm stay smaller.
    """
    x = matrix.to(torch.bfloat16 if matrix.is_cuda else torch.float32)
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=-4.775, alpha=2.0315), x, beta=3.4445)
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)
