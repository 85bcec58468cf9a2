"""DeepFool: straight to the nearest boundary of a network that is taken to be linear, again and again."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import norms

from .criterion import is_adversarial, least_lead
from .inputs import check_inputs


def deepfool(
    model: Any,
    x: Float[Tensor, "b c h w"],
    y: Int[Tensor, " b"],
    *,
    steps: int = 50,
    candidates: int = 10,
    overshoot: float = 0.02,
) -> Float[Tensor, "b c h w"]:
    """A nearly smallest L2 perturbation that changes the answer (Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, alg. 2).

    The last step crosses the boundary by ``criterion.least_lead``: on the boundary itself, rounding decides.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) in [0, 1]; those not taken for ``y`` are left as they are.
        y: The right classes (B,).
        steps: Most steps for an image.
        candidates: The likeliest other classes whose boundaries are looked at.
        overshoot: How much farther than the boundary to go, as a share of the whole perturbation.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y)
    with torch.no_grad():
        logits = model.logits(x)
    others = logits.scatter(1, y[:, None], -torch.inf).topk(min(candidates, logits.shape[1] - 1)).indices  # (B, K)
    adversarial, total = x.clone(), torch.zeros_like(x)
    left = (logits.argmax(1) == y).nonzero()[:, 0]  # the images still classified correctly
    for _ in range(steps):
        if not len(left):
            break
        gaps, normals = linearise(model, adversarial[left], y[left], others[left])
        lengths = normals.flatten(2).norm(dim=2).clamp(min=1e-12)  # (B, K)
        nearest = (gaps / lengths).argmin(1)
        row = torch.arange(len(left), device=x.device)
        normal = normals[row, nearest]
        total[left] += normal * (gaps[row, nearest].view(-1, 1, 1, 1) / norms(normal) ** 2)
        adversarial[left] = (x[left] + (1 + overshoot) * total[left]).clamp(0, 1)
        with torch.no_grad():
            left = left[~is_adversarial(model.logits(adversarial[left]), y[left])]
    return adversarial


def linearise(model: Any, x: Tensor, y: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """How many logits ``y`` leads each other class by (B, K), at least a little, and the gradient that undoes it."""
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
    return lead.maximum(2 * least_lead(logits)[:, None]).detach(), torch.stack(normals, 1)
