"""DeepFool: straight to the nearest boundary of a network that is taken to be linear, again and again."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import norms

from .inputs import check


def deepfool(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    *,
    steps: int = 50,
    candidates: int = 10,
    overshoot: float = 0.02,
) -> Float[Tensor, "b c h w"]:
    """A nearly smallest L2 change that makes the answer another (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, alg. 2).

    Args:
        model: A ``Classifier``.
        x: Pictures (B, C, H, W) in [0, 1]; those not taken for ``y`` are left as they are.
        y: The right classes (B,).
        steps: Most steps for a picture.
        candidates: The likeliest other classes whose boundaries are looked at.
        overshoot: How much farther than the boundary to go, as a share of the way.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check(model, x, y)
    with torch.no_grad():
        logits = model.logits(x)
    others = logits.scatter(1, y[:, None], -torch.inf).topk(min(candidates, logits.shape[1] - 1)).indices  # (B, K)
    found, total = x.clone(), torch.zeros_like(x)
    left = (logits.argmax(1) == y).nonzero()[:, 0]  # the pictures still classified rightly
    for _ in range(steps):
        if not len(left):
            break
        behind, normals = boundaries(model, found[left], y[left], others[left])
        sizes = normals.flatten(2).norm(dim=2).clamp(min=1e-12)  # (B, K)
        nearest = (behind / sizes).argmin(1)
        row = torch.arange(len(left), device=x.device)
        way = normals[row, nearest]
        total[left] += way * (behind[row, nearest].view(-1, 1, 1, 1) / norms(way) ** 2)
        found[left] = (x[left] + (1 + overshoot) * total[left]).clamp(0, 1)
        with torch.no_grad():
            left = left[model.logits(found[left]).argmax(1) == y[left]]
    return found


def boundaries(model: Any, x: Tensor, y: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """How far each other class (B, K) is behind in logits, and the direction (B, K, C, H, W) in which it catches up."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = model.logits(x)
        if not logits.requires_grad:
            reject("The network must be differentiable in its input.", "logits without a gradient")
        lead = logits.gather(1, y[:, None]) - logits.gather(1, others)  # (B, K)
        normals = [
            -torch.autograd.grad(lead[:, k].sum(), x, retain_graph=k < lead.shape[1] - 1)[0]
            for k in range(lead.shape[1])
        ]
    return lead.detach().clamp(min=0), torch.stack(normals, 1)
