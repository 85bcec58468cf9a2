"""How likely a text is: the surprisal of each of its tokens, in bits, as a compressor would need that knew the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .model import Transformer

TOKENS_AT_ONCE = 2048
"""Tokens in one forward pass."""


def token_bits(model: Transformer, ids: Int[Tensor, " all"]) -> Float[Tensor, " n"]:
    """−log₂ p of each token but the first, given those before it, of which it sees half a context at least.

    The text is read in windows of a whole context, half a context apart; of each the second half counts, of the first
    one all.

    Args:
        model: In evaluation mode.
        ids: The n tokens of the text, after one that began it.
    """
    count, context_length = len(ids) - 1, model.config.context_length
    stride = max(context_length // 2, 1)
    later = -(-max(count - context_length, 0) // stride)  # windows after the first
    first = count - later * stride
    bits = [last_bits(model, ids[None, : first + 1], first)] if first else []
    if later:
        windows = ids[first + stride - context_length :].unfold(0, context_length + 1, stride)  # (later, context + 1)
        bits += [last_bits(model, part, stride) for part in windows.split(max(TOKENS_AT_ONCE // context_length, 1))]
    return torch.cat([ids.new_zeros(0, dtype=torch.float32), *(part.flatten() for part in bits)])


def last_bits(model: Transformer, windows: Int[Tensor, "w t"], count: int) -> Float[Tensor, "w n"]:
    """−log₂ p of the last ``count`` tokens of each window."""
    logits = model.logits(model(windows[:, :-1])[:, -count:])  # (w, count, V)
    nats = F.cross_entropy(logits.transpose(1, 2), windows[:, -count:], reduction="none")
    return nats.float() / math.log(2)


def merge_partial_characters(tokens: Sequence[bytes], bits: Sequence[float]) -> list[tuple[str, float]]:
    """Tokens as text with their surprisal; those that are a character only together are merged, and their bits added."""
    spans, held, total = [], b"", 0.0
    for token, value in zip(tokens, bits, strict=True):
        held, total = held + token, total + value
        try:
            spans.append((held.decode("utf-8"), total))
        except UnicodeDecodeError:
            continue
        held, total = b"", 0.0
    if held:
        spans.append((held.decode("utf-8", "replace"), total))
    return spans
