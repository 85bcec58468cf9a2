"""The losses: squared error before and after the postnet, the weighted stop token, guided attention."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from .config import Config
from .decoder import mask_of
from .model import Prediction


def measure_losses(
    prediction: Prediction, mel: Float[Tensor, "b t m"], frames: Int[Tensor, " b"], lengths: Int[Tensor, " b"], config: Config
) -> dict[str, Tensor]:  # fmt: skip
    """The sum that is minimised, and its parts, each a mean over what is no padding.

    Args:
        prediction: What the network says, teacher-forced.
        mel: The true frames, normalised.
        frames: Of each sentence.
        lengths: Of each text, in symbols.
        config: The weights of the parts.
    """
    steps = (frames + config.reduction - 1) // config.reduction
    heard = mask_of(steps * config.reduction, mel.shape[1])[..., None]  # the last step is heard to its end
    count = heard.sum() * mel.shape[2]
    parts = {
        "decoded": ((prediction.decoded - mel).square() * heard).sum() / count,
        "mel": ((prediction.mel - mel).square() * heard).sum() / count,
        "stop": stop_loss(prediction.stop, steps, config.stop_weight),
    }
    total = parts["decoded"] + parts["mel"] + parts["stop"]
    if config.guided_attention:
        parts["guided_attention"] = guided_attention_loss(prediction.attention, steps, lengths, config.guided_width)
        total = total + config.guided_attention * parts["guided_attention"]
    return {"loss": total, **parts}


def stop_loss(logits: Float[Tensor, "b s"], steps: Int[Tensor, " b"], weight: float) -> Tensor:
    """Binary cross-entropy of the stop token, which is 1 at the last step; that step counts ``weight`` times."""
    last = torch.arange(logits.shape[1], device=logits.device) == steps[:, None] - 1
    losses = F.binary_cross_entropy_with_logits(
        logits, last.float(), pos_weight=logits.new_tensor(weight), reduction="none"
    )
    real = mask_of(steps, logits.shape[1])
    return (losses * real).sum() / real.sum()


def guided_attention_loss(
    attention: Float[Tensor, "b s n"], steps: Int[Tensor, " b"], lengths: Int[Tensor, " b"], width: float
) -> Tensor:
    """The mean attention off the diagonal at a step (Tachibana et al. 2017, arXiv:1710.08969, section 4.1).

    Attention at symbol n of N and step s of S counts 1 − exp(−(n / N − s / S)² / 2g²).

    Args:
        attention: Attention weights.
        steps, lengths: S and N of each sentence.
        width: The paper's g.
    """
    s = torch.arange(attention.shape[1], device=attention.device)[None, :, None] / steps[:, None, None]
    n = torch.arange(attention.shape[2], device=attention.device)[None, None, :] / lengths[:, None, None]
    penalty = 1 - torch.exp(-(n - s).square() / (2 * width**2))
    return (attention * penalty * mask_of(steps, attention.shape[1])[..., None]).sum() / steps.sum()
