"""How likely a text is: bits for each of its tokens, as a compressor would need that knew the model."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .model import Transformer

TOGETHER = 2048
"""Tokens that are read at once."""


def token_bits(model: Transformer, read: Int[Tensor, " all"]) -> Float[Tensor, " n"]:
    """−log₂ p of each token, but for the first, given those before it, of which it sees half a context at least.

    The text is read in windows of a whole context, half a context apart; of each the second half counts, of the first
    one all.

    Args:
        model: In evaluation mode.
        read: The n tokens, after one that began the text.
    """
    count, context = len(read) - 1, model.config.context
    step = max(context // 2, 1)
    later = -(-max(count - context, 0) // step)  # windows after the first
    first = count - later * step
    bits = [last_bits(model, read[None, : first + 1], first)] if first else []
    if later:
        windows = read[first + step - context :].unfold(0, context + 1, step)  # (later, context + 1)
        bits += [last_bits(model, part, step) for part in windows.split(max(TOGETHER // context, 1))]
    return torch.cat([read.new_zeros(0, dtype=torch.float32), *(part.flatten() for part in bits)])


def last_bits(model: Transformer, windows: Int[Tensor, "w t"], count: int) -> Float[Tensor, "w n"]:
    """−log₂ p of the last ``count`` tokens of each window."""
    scores = model.scores(model(windows[:, :-1])[:, -count:])  # (w, count, V)
    nats = F.cross_entropy(scores.transpose(1, 2), windows[:, -count:], reduction="none")
    return nats.float() / math.log(2)
