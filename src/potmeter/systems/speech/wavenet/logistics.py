"""A mixture of logistic distributions over 16-bit samples (Salimans et al., arXiv:1701.05517; arXiv:1711.10433)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

STEP = 2 / 65535
"""From one 16-bit sample to the next."""
MIN_LOG_SCALE = -11.0
"""Logarithm of the narrowest scale: narrower ones would fit single samples."""


def mixture_nats(parameters: Float[Tensor, "*b k3"], samples: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """−log p of the 16-bit sample that each one rounds to.

    Its probability is the mixture's between half a step below and half a step above; at -1 and 1 all beyond counts too.

    Args:
        parameters: Logits of the mixture, means and logarithms of the scales, (…, 3 · mixtures).
        samples: In [-1, 1].
    """
    logits, means, log_scales = parameters.float().chunk(3, dim=-1)
    inverse = torch.exp(-log_scales.clamp_min(MIN_LOG_SCALE))
    steps = (samples * (1 / STEP)).round()[..., None]
    centred = steps * STEP - means
    upper, lower = inverse * (centred + STEP / 2), inverse * (centred - STEP / 2)
    # log(σ(u) - σ(l)) = log σ(u) + log σ(-l) + log(1 - exp(l - u)), without a difference of near numbers
    inside = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    last = round(1 / STEP)
    log_probs = torch.where(
        steps <= -last, F.logsigmoid(upper), torch.where(steps >= last, F.logsigmoid(-lower), inside)
    )
    return -torch.logsumexp(logits.log_softmax(-1) + log_probs, dim=-1)
