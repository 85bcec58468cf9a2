"""The latent vector that a generator makes a given picture from, found by descent: encoding without an encoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.core.progress import progress


def invert(
    decode: Callable[[Tensor], Tensor],
    images: Float[Tensor, "b c h w"],
    candidates: Float[Tensor, "n latent"],
    *,
    steps: int = 200,
    starts: int = 3,
    lr: float = 0.1,
    prior_penalty: Callable[[Tensor], Tensor] | None = None,
) -> Float[Tensor, "b latent"]:
    """Descend, from the candidates whose pictures are nearest, on the squared distance between pictures at several sizes.

    Args:
        decode: From latent vectors to pictures in [0, 1]; differentiable.
        images: What is to be found, in [0, 1].
        candidates: Latent vectors to start from.
        steps: Adam's steps.
        starts: Candidates that each picture's search begins from; the best end counts.
        lr: Its first step length, in units of the candidates' standard deviation; it falls to 0 as a cosine.
        prior_penalty: A number (B,) for each vector, large where the prior is small, that is added to the distance.

    Returns:
        The vectors of the nearest pictures that were met, which depend on nothing but the arguments.
    """
    starts = min(starts, len(candidates))
    targets = pyramid(images).repeat_interleave(starts, 0)  # (B · starts, values)
    with torch.no_grad():
        candidate_pyramids = torch.cat([pyramid(decode(part)) for part in candidates.split(64)])
        nearest = torch.cdist(pyramid(images), candidate_pyramids).topk(starts, largest=False).indices.flatten()
    z = candidates[nearest].clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=lr * float(candidates.std()), betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best, least = z.detach().clone(), torch.full((len(z),), float("inf"), device=images.device)
    with torch.enable_grad():
        for _ in progress(range(steps), "inversion"):
            distances = (pyramid(decode(z)) - targets).square().sum(1)
            losses = distances if prior_penalty is None else distances + prior_penalty(z)
            better = losses.detach() < least
            least = torch.where(better, losses.detach(), least)
            best[better] = z.detach()[better]
            (z.grad,) = torch.autograd.grad(losses.sum(), z)
            optimizer.step()
            schedule.step()
    winner = least.view(-1, starts).argmin(1)  # (B,)
    return best.view(-1, starts, z.shape[1])[torch.arange(len(winner)), winner]


def pyramid(images: Float[Tensor, "b c h w"], levels: int = 4) -> Float[Tensor, "b values"]:
    """Pictures at full and at ever halved sizes, each size with the same weight, as vectors whose squares compare."""
    parts = []
    for level in range(levels):
        if level:
            if min(images.shape[-2:]) < 2:
                break
            images = F.avg_pool2d(images, 2)
        values = images.flatten(1)
        parts.append(values * values.shape[1] ** -0.5)
    return torch.cat(parts, 1)
