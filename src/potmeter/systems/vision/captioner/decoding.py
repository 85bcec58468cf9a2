"""Beam search over captions."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.nn.beam_search import Beam, Hypothesis, beam_search

from .model import END, SPECIAL, Config, Decoder, DecoderState


@torch.no_grad()
def search_captions(
    decoder: Decoder, config: Config, maps: Float[Tensor, "b f hs ws"], language: str, beam: Beam, best: int = 1
) -> list[list[Hypothesis]]:
    """The best captions of each feature map in a language, the best one first.

    Args:
        decoder: In evaluation mode.
        config: Its own.
        maps: Feature maps.
        language: One of the Config's.
        beam: How to search.
        best: How many of each, at most ``beam.width``.
    """
    words = slice(len(SPECIAL) + len(config.languages), None)

    def step(tokens: Int[Tensor, " n"], state: DecoderState) -> tuple[Float[Tensor, "n v"], Tensor | None]:
        logits, weights = decoder.step(tokens, state)
        allowed = torch.full_like(logits, -torch.inf)
        allowed[:, END], allowed[:, words] = logits[:, END], logits[:, words]
        return allowed, weights

    return beam_search(
        step,
        decoder.encode(maps),
        beam,
        [config.max_length + 1] * len(maps),
        start=config.start(language),
        end=END,
        best=best,
        device=maps.device,
    )
