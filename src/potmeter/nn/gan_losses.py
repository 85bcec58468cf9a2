"""Adversarial losses: what a generator and the discriminator that tells its pictures from real ones minimise.

Non-saturating: Goodfellow et al. 2014 (arXiv:1406.2661). Hinge: Lim and Ye 2017 (arXiv:1705.02894). Wasserstein with
gradient penalty: Gulrajani et al. 2017 (arXiv:1704.00028). Least squares: Mao et al. 2016 (arXiv:1611.04076). R1: Mescheder
et al. 2018 (arXiv:1801.04406).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Objective = Literal["non-saturating", "hinge", "wgan-gp", "least-squares"]
Discriminator = Callable[[Tensor], Tensor]
"""From pictures (B, C, H, W) to a logit each (B,), high for real ones."""


def discriminator_loss(
    objective: Objective, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]
) -> Float[Tensor, ""]:
    """What the discriminator minimises, without penalties.

    Args:
        objective: ``non-saturating``: cross-entropy of the two kinds; ``hinge``: margins of 1 on either side;
            ``wgan-gp``: the difference of the means; ``least-squares``: half the squared errors of 1 for real, 0 for generated.
        real, fake: Logits of real and of generated pictures, or of patches of them.
    """
    if objective == "non-saturating":
        return (F.softplus(-real) + F.softplus(fake)).mean()
    if objective == "hinge":
        return (F.relu(1 - real) + F.relu(1 + fake)).mean()
    if objective == "least-squares":
        return ((real - 1).square() + fake.square()).mean() / 2
    return (fake - real).mean()


def generator_loss(objective: Objective, fake: Float[Tensor, "b ..."]) -> Float[Tensor, ""]:
    """What the generator minimises: −log of the probability that its pictures are real, minus their logits, or (1 − logit)²."""
    if objective == "least-squares":
        return (1 - fake).square().mean()
    return F.softplus(-fake).mean() if objective == "non-saturating" else -fake.mean()


def r1_penalty(discriminator: Discriminator, real: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """R1: squared norm of the gradient of the logit at each real picture (Mescheder et al., equation 9, without γ/2)."""
    return input_gradient(discriminator, real).square().sum(1)


def gradient_penalty(
    critic: Discriminator, real: Float[Tensor, "b c h w"], fake: Float[Tensor, "b c h w"], epsilon: Float[Tensor, " b"]
) -> Float[Tensor, " b"]:
    """(‖∇‖ − 1)² of the critic between real and generated pictures (WGAN-GP; Gulrajani et al., equation 3).

    Args:
        critic: The discriminator.
        real, fake: Pictures, paired.
        epsilon: Where between the two, 0 (fake) to 1 (real), each gradient is taken.
    """
    between = fake + epsilon[:, None, None, None] * (real - fake)
    return (input_gradient(critic, between.detach()).norm(dim=1) - 1).square()


def input_gradient(discriminator: Discriminator, images: Tensor) -> Tensor:
    """Gradient of the logit with respect to each picture (B, C·H·W), itself differentiable."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.flatten(1)


def minibatch_stddev(x: Float[Tensor, "b c h w"], group_size: int) -> Float[Tensor, "b 1 h w"]:
    """The mean standard deviation of the features over each group of the minibatch, as one more feature map.

    Karras et al. 2017 (arXiv:1710.10196), section 3: a discriminator that sees it notices when pictures are all alike.
    Where the batch cannot be divided so, the largest group that divides it is taken.
    """
    batch, _, height, width = x.shape
    size = next(size for size in range(min(group_size, batch), 0, -1) if batch % size == 0)
    groups = x.view(batch // size, size, *x.shape[1:])
    stddev = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # (B / size,)
    return stddev.repeat_interleave(size).view(batch, 1, 1, 1).expand(-1, 1, height, width)
