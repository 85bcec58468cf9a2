"""Translating many sentences: sorted by length, searched together, by the compiled search where there is one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.nn.beam_search import Beam, Hypothesis, beam_search

from .compiled_search import CompiledSearch, can_compile
from .model import END, PAD, START, DecoderState, Seq2Seq, pad

BATCH = 64
"""Sentences that torch searches at once."""
COMPILED_BATCH = 512
"""Sentences that the compiled search takes at once, all threads together; it divides them further."""
MIN_COMPILED = 8
"""Sentences from which on the search is compiled: numba takes seconds for it, once on a machine."""


@torch.no_grad()
def translate_tokens(
    model: Seq2Seq, rows: Sequence[list[int]], beam: Beam, vocab_size: int, best: int = 1, compiled: bool | None = None
) -> list[list[Hypothesis]]:
    """The best translations of each sentence, the best one first.

    Args:
        model: In evaluation mode.
        rows: The source tokens of each sentence.
        beam: How to search.
        vocab_size: How many tokens the vocabulary has: the model may have more.
        best: How many of each, at most ``beam.width``.
        compiled: Whether to use the compiled search; None = where it can be used, and pays.
    """
    if compiled is None:
        compiled = len(rows) >= MIN_COMPILED and can_compile(model, beam)
    search = CompiledSearch(model) if compiled else TorchSearch(model)  # type: ignore[arg-type]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    size = COMPILED_BATCH if compiled else BATCH
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    hypotheses: list[list[Hypothesis]] = [[] for _ in rows]
    for batch in progress(batches, "sentences") if len(batches) > 1 else batches:
        found = search([rows[i] for i in batch], beam, [max_length(rows[i]) for i in batch], vocab_size, best)
        for i, each in zip(batch, found, strict=True):
            hypotheses[i] = each
    return hypotheses


def max_length(row: Sequence[int]) -> int:
    """Most tokens of a translation, the end counted."""
    return 2 * len(row) + 10


class TorchSearch:
    """Beam search with any model on any device."""

    def __init__(self, model: Seq2Seq) -> None:
        self.model = model

    def __call__(
        self, rows: Sequence[list[int]], beam: Beam, max_lengths: Sequence[int], vocab_size: int, best: int = 1
    ) -> list[list[Hypothesis]]:
        """The best translations of each sentence; the arguments are those of ``CompiledSearch``."""
        model, device = self.model, self.model.source_embedding.weight.device
        state = model.encode(pad([*rows], device))

        def step(tokens: Int[Tensor, " n"], state: DecoderState) -> tuple[Float[Tensor, "n v"], Tensor | None]:
            output, attention = model.decode(tokens[:, None], state)
            logits = model.logits(output[:, 0])
            logits[:, [PAD, START]] = -torch.inf
            logits[:, vocab_size:] = -torch.inf
            return logits, None if attention is None else attention[:, 0]

        return beam_search(
            step,
            state,
            beam,
            max_lengths,
            start=START,
            end=END,
            best=best,
            source_mask=state.source_mask,
            device=device,
        )
