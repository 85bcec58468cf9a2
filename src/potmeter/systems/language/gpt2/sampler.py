"""Sampling the next token, by temperature, top-k and top-p, and the autoregressive loop around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .model import KeyValueCache, Transformer

DecodeStep = Callable[[int, KeyValueCache], Tensor]
"""From one more token, and the cache of those before it, to the logits (V,) of the next."""
MIN_TEMPERATURE = 1e-6
"""A lower temperature counts as 0: no other token has a chance there, and logits divided by it may overflow."""


@dataclass(frozen=True)
class Sampler:
    """Draws a token from its logits (V,): divided by the temperature, then cut to ``top_k``, then to the nucleus.

    The nucleus (Holtzman et al., arXiv:1904.09751) is the likeliest tokens that together reach ``top_p``. The token
    with which they do belongs to it in the paper and for ``transformers``; OpenAI's code for GPT-2 leaves it out,
    unless it is the first.

    Args:
        temperature: 0 is greedy: it takes the likeliest token.
        top_k: How many of the likeliest tokens may be drawn; None = all.
        top_p: Their probability in all; None = all.
        top_p_rule: ``huggingface`` or ``openai``.
        rng: Where the random numbers come from.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    top_p_rule: Literal["huggingface", "openai"] = "huggingface"
    rng: torch.Generator | None = None

    def __call__(self, logits: Float[Tensor, " v"]) -> int:
        if self.temperature < MIN_TEMPERATURE:
            return int(logits.argmax())
        return int(torch.multinomial(self.filter_logits(logits).softmax(0), 1, generator=self.rng))

    def filter_logits(self, logits: Float[Tensor, " v"]) -> Float[Tensor, " v"]:
        """The logits over the temperature, −∞ where ``top_k`` or ``top_p`` rules the token out."""
        logits = logits / self.temperature
        if self.top_k is not None and self.top_k < len(logits):
            logits = logits.masked_fill(logits < logits.topk(self.top_k).values[-1], -torch.inf)
        if self.top_p is not None and self.top_p < 1:
            order = logits.argsort(descending=True)
            cumulative = logits[order].softmax(0).cumsum(0)
            before = cumulative - logits[order].softmax(0)  # the probability of the likelier tokens
            removed = before >= self.top_p if self.top_p_rule == "huggingface" else cumulative > self.top_p
            removed[0] = False
            logits = logits.masked_fill(removed[order.argsort()], -torch.inf)
        return logits


def generate(
    model: Transformer,
    ids: list[int],
    sampler: Callable[[Tensor], int],
    num_tokens: int,
    decode_step: DecodeStep | None = None,
) -> Iterator[int]:
    """Yield the tokens that follow, without end.

    When the context is full, its last half is read again and the text goes on from there: position embeddings are
    absolute, so that keys and values of tokens that move cannot be kept.

    Args:
        model: In evaluation mode.
        ids: The prompt, at least one token; the last ``context_length`` of them count.
        sampler: From logits (V,) to a token.
        num_tokens: How many of the V tokens the tokenizer has; the rest is never drawn.
        decode_step: A faster way to read one token than the model's own forward.
    """
    context_length, device = model.config.context_length, model.token_embedding.weight.device
    ids, cache = list(ids), KeyValueCache(model.config, 1, model.token_embedding.weight)
    new = ids[-context_length:]
    while True:
        if cache.length + len(new) > context_length:
            cache.length, new = 0, ids[-max(context_length // 2, 1) :]
        if decode_step is not None and len(new) == 1:
            logits = decode_step(new[0], cache)
        else:
            logits = model.logits(model(torch.tensor([new], device=device), cache)[0, -1])
        new = [sampler(logits[:num_tokens])]
        ids += new
        yield new[0]
