"""What two adversaries want: the losses of a generator and of the discriminator that tells its pictures from real ones.

Non-saturating: Goodfellow et al. 2014 (arXiv:1406.2661). Hinge: Lim and Ye 2017 (arXiv:1705.02894). Wasserstein with
gradient penalty: Gulrajani et al. 2017 (arXiv:1704.00028). R1: Mescheder et al. 2018 (arXiv:1801.04406).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Objective = Literal["non-saturating", "hinge", "wgan-gp"]
Discriminator = Callable[[Tensor], Tensor]
"""A discriminator: from pictures (B, C, H, W) to one unbounded number each (B,), high for real ones."""


def discriminator_loss(objective: Objective, real: Float[Tensor, " b"], made: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """What the discriminator minimises, without penalties.

    Args:
        objective: ``non-saturating``: cross-entropy of the two kinds; ``hinge``: margins of 1 on either side;
            ``wgan-gp``: the difference of the means.
        real, made: The verdicts on real and on made pictures.
    """
    if objective == "non-saturating":
        return (F.softplus(-real) + F.softplus(made)).mean()
    if objective == "hinge":
        return (F.relu(1 - real) + F.relu(1 + made)).mean()
    return (made - real).mean()


def generator_loss(objective: Objective, made: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """What the generator minimises: −log of the probability that its pictures are real, or minus the verdict itself."""
    return F.softplus(-made).mean() if objective == "non-saturating" else -made.mean()


def r1_penalty(verdict: Discriminator, real: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Squared norm of the verdict's gradient at each real picture (Mescheder et al., equation 9, without γ/2)."""
    return input_gradient(verdict, real).square().sum(1)


def gradient_penalty(
    verdict: Discriminator, real: Float[Tensor, "b c h w"], made: Float[Tensor, "b c h w"], share: Float[Tensor, " b"]
) -> Float[Tensor, " b"]:
    """How far the gradient's norm is from 1 between the real and the made, squared (Gulrajani et al., equation 3).

    Args:
        verdict: The critic.
        real, made: Pictures, paired.
        share: Where between the two, 0 to 1, each is taken.
    """
    between = made + share[:, None, None, None] * (real - made)
    return (input_gradient(verdict, between.detach()).norm(dim=1) - 1).square()


def input_gradient(verdict: Discriminator, images: Tensor) -> Tensor:
    """The verdict's gradient at each picture (B, C·H·W), itself differentiable."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(verdict(images).sum(), images, create_graph=True)
    return gradient.flatten(1)


def minibatch_stddev(x: Float[Tensor, "b c h w"], group: int) -> Float[Tensor, "b 1 h w"]:
    """The mean standard deviation of the features over each ``group`` of neighbours in the batch, as one more map.

    Karras et al. 2017 (arXiv:1710.10196), section 3: a discriminator that sees it notices when pictures are all alike.
    Where the batch cannot be divided so, the largest group that divides it is taken.
    """
    batch, _, height, width = x.shape
    group = next(size for size in range(min(group, batch), 0, -1) if batch % size == 0)
    apart = x.view(batch // group, group, *x.shape[1:])
    deviation = (apart.var(1, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))  # (B / group,)
    return deviation.repeat_interleave(group).view(batch, 1, 1, 1).expand(-1, 1, height, width)
