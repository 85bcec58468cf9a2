"""DeepFool: straight to the nearest boundary of a network that is taken to be linear, again and again."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import l2_norms

from .criterion import is_adversarial, min_margin
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

    The last step crosses the boundary by ``criterion.min_margin``: on the boundary itself, rounding decides.

    Args:
        model: A ``Classifier``.
        x: Images (B, C, H, W) in [0, 1]; those not taken for ``y`` are left as they are.
        y: The right classes (B,).
        steps: Most steps for an image.
        candidates: How many other classes, the likeliest ones, have their boundaries considered.
        overshoot: How much farther than the boundary to go, as a share of the whole perturbation.

    Raises:
        UserError: For inputs of another shape or range, or a network without a gradient.
    """
    check_inputs(model, x, y)
    with torch.no_grad():
        logits = model.logits(x)
    others = logits.scatter(1, y[:, None], -torch.inf).topk(min(candidates, logits.shape[1] - 1)).indices  # (B, K)
    adversarial, total = x.clone(), torch.zeros_like(x)
    active = (logits.argmax(1) == y).nonzero()[:, 0]  # the images still classified correctly
    for _ in range(steps):
        if not len(active):
            break
        gaps, normals = linearise(model, adversarial[active], y[active], others[active])
        lengths = normals.flatten(2).norm(dim=2).clamp(min=1e-12)  # (B, K)
        nearest = (gaps / lengths).argmin(1)
        row = torch.arange(len(active), device=x.device)
        normal = normals[row, nearest]
        total[active] += normal * (gaps[row, nearest].view(-1, 1, 1, 1) / l2_norms(normal) ** 2)
        adversarial[active] = (x[active] + (1 + overshoot) * total[active]).clamp(0, 1)
        with torch.no_grad():
            active = active[~is_adversarial(model.logits(adversarial[active]), y[active])]
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
    return lead.maximum(2 * min_margin(logits)[:, None]).detach(), torch.stack(normals, 1)
