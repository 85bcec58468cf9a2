"""A prompt continued, as text that grows with each token."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch

from .model import Transformer
from .sampler import DecodeStep, Sampler, generate
from .tokenizer import Tokenizer

CHARACTERS_PER_TOKEN = 100
"""Of a long prompt so many characters, for each token of the context, are encoded: more would never be seen."""


@torch.no_grad()
def continue_text(
    model: Transformer,
    tokenizer: Tokenizer,
    prompt: str,
    tokens: int,
    sampler: Sampler,
    stop: str | None = None,
    decode_step: DecodeStep | None = None,
) -> Iterator[str]:
    """Yield the text so far, after each token; it ends where the model ends it, or before ``stop``.

    Args:
        model: In evaluation mode.
        tokenizer: The model's.
        prompt: The beginning; may be empty.
        tokens: How many to add at most.
        sampler: How each is chosen.
        stop: Never appears in what is added, not even its first characters.
        decode_step: As for ``generate``.
    """
    added: list[int] = []
    ids = tokenizer.encode(prompt[-CHARACTERS_PER_TOKEN * model.config.context_length :]) or [tokenizer.end]
    for token in islice(generate(model, ids, sampler, len(tokenizer), decode_step), tokens):
        if token == tokenizer.end:
            break
        added.append(token)
        text = tokenizer.decode(added)
        if stop and stop in text:
            yield prompt + text.partition(stop)[0]
            return
        yield prompt + text[: len(text) - partial_stop_length(text, stop or "")]
    yield prompt + tokenizer.decode(added)


def partial_stop_length(text: str, stop: str) -> int:
    """How many characters at the end of a text may be the beginning of ``stop``.

    Example:
        >>> partial_stop_length("a rose, an", ", and")
        4
    """
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
