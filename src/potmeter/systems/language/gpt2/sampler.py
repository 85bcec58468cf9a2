"""Which token comes next: by temperature, by the k likeliest, by the nucleus; and the loop that goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from .model import Cache, Transformer

Choose = Callable[[Tensor], int]
Read = Callable[[int, Cache], Tensor]
"""From one more token, and those before it, to the scores (V,) of the token to follow."""
COLDEST = 1e-6
"""A lower temperature counts as 0: no other token has a chance there, and scores divided by it may be infinite."""


@dataclass(frozen=True)
class Sampler:
    """Draws a token from its scores (V,): divided by the temperature, then cut to ``top_k``, then to the nucleus.

    The nucleus (Holtzman et al., arXiv:1904.09751) is the likeliest tokens that together reach ``top_p``. The token
    with which they do belongs to it in the paper and for ``transformers``; OpenAI's code for GPT-2 leaves it out,
    unless it is the first.

    Args:
        temperature: 0 takes the likeliest.
        top_k: How many tokens are drawn from; None = all.
        top_p: Their probability; None = all.
        top_p_rule: ``huggingface`` or ``openai``.
        rng: Where the draws come from.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    top_p_rule: Literal["huggingface", "openai"] = "huggingface"
    rng: torch.Generator | None = None

    def __call__(self, scores: Float[Tensor, " v"]) -> int:
        if self.temperature < COLDEST:
            return int(scores.argmax())
        return int(torch.multinomial(self.kept(scores).softmax(0), 1, generator=self.rng))

    def kept(self, scores: Float[Tensor, " v"]) -> Float[Tensor, " v"]:
        """The scores that are drawn from: −∞ for the tokens that are not."""
        scores = scores / self.temperature
        if self.top_k is not None and self.top_k < len(scores):
            scores = scores.masked_fill(scores < scores.topk(self.top_k).values[-1], -torch.inf)
        if self.top_p is not None and self.top_p < 1:
            order = scores.argsort(descending=True)
            reached = scores[order].softmax(0).cumsum(0)
            before = reached - scores[order].softmax(0)  # by the likelier tokens
            out = before >= self.top_p if self.top_p_rule == "huggingface" else reached > self.top_p
            out[0] = False
            scores = scores.masked_fill(out[order.argsort()], -torch.inf)
        return scores


def generate(model: Transformer, ids: list[int], choose: Choose, known: int, read: Read | None = None) -> Iterator[int]:
    """Tokens that follow, without end.

    When the context is full, its last half is read again and the text goes on from there: positions are absolute, so
    that keys and values of tokens that move cannot be kept.

    Args:
        model: In evaluation mode.
        ids: What has been read, at least one token; the last ``context`` of them count.
        choose: From scores (V,) to a token.
        known: How many of the tokens stand for something.
        read: A faster way to read one token than the model's own.
    """
    context, device = model.config.context, model.tokens.weight.device
    ids, cache = list(ids), Cache(model.config, 1, model.tokens.weight)
    new = ids[-context:]
    while True:
        if cache.length + len(new) > context:
            cache.length, new = 0, ids[-max(context // 2, 1) :]
        if read is not None and len(new) == 1:
            scores = read(new[0], cache)
        else:
            scores = model.scores(model(torch.tensor([new], device=device), cache)[0, -1])
        new = [choose(scores[:known])]
        ids += new
        yield new[0]
