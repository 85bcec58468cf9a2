"""What stage II learns to sharpen: real small pictures that are made as soft and as uneven as stage I's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream

MIN_BLUR, MAX_BLUR = 0.15, 1.5
"""Standard deviation of the blur, in pixels."""
MAX_NOISE = 0.2
"""Standard deviation of the noise, of pixels in [−1, 1]."""
LATER_NOISE = 0.3
"""Noise that comes after the blur, as a share of that before it."""
MIN_REAL = 0.25
"""Least share of the softened real picture in a mixture; the rest is stage I's."""
RADIUS = 4
"""Pixels to each side that a blurred one is a mean of."""


def soften(
    real: Float[Tensor, "b 3 h w"], generated: Float[Tensor, "b 3 h w"], rng: RandomStream
) -> Float[Tensor, "b 3 h w"]:
    """Real pictures, noisy and blurred, each differently, mixed with stage I's reconstructions of them.

    From these stage II learns which edges and feathers belong where a picture is soft. From stage I's pictures alone it
    cannot, since their edges are not where those of the real pictures are. Degraded copies of real pictures are what
    Real-ESRGAN learns from, too (arXiv:2107.10833).

    Args:
        real: Small pictures in [−1, 1].
        generated: What stage I makes of their sentences and of the noise that is found in them.
        rng: Where the random numbers come from.
    """
    uniform = lambda: rng.uniform(len(real))
    noise = MAX_NOISE * uniform()[:, None, None, None]
    blurred = blur(real + noise * rng.normal(*real.shape), (MAX_BLUR * uniform()).clamp_min(MIN_BLUR))
    share = MIN_REAL + (1 - MIN_REAL) * uniform()[:, None, None, None]
    return torch.lerp(generated, blurred + LATER_NOISE * noise * rng.normal(*real.shape), share)


def blur(images: Float[Tensor, "b c h w"], deviation: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Each picture convolved with a Gaussian of its own standard deviation, in pixels, cut off at ``RADIUS``."""
    channels = images.shape[1]
    offsets = torch.arange(-RADIUS, RADIUS + 1, device=images.device)
    kernels = (-offsets.square() / (2 * deviation[:, None].square())).exp()  # (B, 2 RADIUS + 1)
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)[:, None]  # (B·C, 1, 2 RADIUS + 1)
    x = F.pad(images, (RADIUS,) * 4, mode="replicate").flatten(0, 1)[None]  # (1, B·C, H + 2 RADIUS, W + 2 RADIUS)
    x = F.conv2d(F.conv2d(x, kernels[..., None], groups=len(kernels)), kernels[:, :, None], groups=len(kernels))
    return x[0].unflatten(0, (-1, channels))
