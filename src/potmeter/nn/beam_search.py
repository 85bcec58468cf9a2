"""Beam search: the likeliest sequences of tokens, as far as a few hypotheses at a time can find them.

Wu et al. (arXiv:1609.08144), eq. 14, for a source X and an output Y:

    s(Y, X) = log p(Y | X) / lp(Y) + cp(X; Y)      lp(Y) = ((5 + |Y|) / 6)^α      cp(X; Y) = β Σₛ log min(Σₜ weightₜₛ, 1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

MIN_COVERAGE = 1e-6
"""Attention that a source position has at least: the logarithm of none would hide everything else."""


@runtime_checkable
class Selectable(Protocol):
    """A decoder's state, such as its cache of keys and values, with a row for each hypothesis."""

    def select(self, rows: Int[Tensor, " n"]) -> Any:
        """The state of these hypotheses, in this order; one may come several times."""
        ...


State = TypeVar("State", bound=Selectable)


@dataclass(frozen=True)
class Hypothesis:
    """A finished sequence."""

    tokens: list[int]
    """Without the start and the end."""
    score: float
    """s of the equation above."""
    log_prob: float
    attention: Float[Tensor, "t s"] | None
    """The attention weights of each token, and of the end, over the source; None where there is no attention."""


@dataclass(frozen=True)
class Beam:
    """How to search.

    Args:
        width: The beam size, hypotheses that are kept at each step; 1 = greedy: the likeliest token, until that is the end.
        length_penalty: α, 0 to 2; 0 prefers short sequences.
        coverage_penalty: β; 0 = none.
        min_length: Fewest tokens, without the end.
        exact: Go on until nothing unfinished can get among the best, however long it becomes; else until nothing would
            that ended at once.
    """

    width: int = 5
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    min_length: int = 0
    exact: bool = False

    def normaliser(self, length: int) -> float:
        """lp(Y), by which log p is divided; ``length`` is |Y|, the end counted."""
        return float(((5 + length) / 6) ** self.length_penalty)

    def coverage(self, attention_sum: Float[Tensor, "n s"], mask: Bool[Tensor, "n s"] | None) -> Float[Tensor, " n"]:
        """cp(X; Y) of each hypothesis, from its attention weights summed over the target tokens so far."""
        logs = attention_sum.clamp(MIN_COVERAGE, 1).log()
        return self.coverage_penalty * (logs if mask is None else logs.masked_fill(~mask, 0)).sum(1)


@torch.no_grad()
def beam_search(
    step: Callable[[Int[Tensor, " n"], State], tuple[Float[Tensor, "n v"], Float[Tensor, "n s"] | None]],
    state: State,
    beam: Beam,
    max_lengths: Sequence[int],
    *,
    start: int,
    end: int,
    best: int = 1,
    source_mask: Bool[Tensor, "b s"] | None = None,
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """The best sequences of each item of a batch, the best one first.

    All items and hypotheses advance together; an item that is done leaves the batch.

    Args:
        step: Reads the newest token of each of N hypotheses and updates their state in place. Returns the logits of the
            next token, −∞ for what must not follow, and the attention weights over the source, or None.
        state: Of the B items, before the first token.
        beam: How to search.
        max_lengths: Most tokens of each item's sequences, the end counted.
        start: The token that every sequence begins with.
        end: The token that ends it.
        best: How many sequences of each item, at most ``beam.width``.
        source_mask: Where the source has something to attend to, for the coverage penalty; None = everywhere.
        device: Where logits and attention weights are.

    Returns:
        For each item at most ``best`` hypotheses.
    """
    k, items = beam.width, torch.arange(len(max_lengths), device=device)  # items still searched, k rows each
    state = state.select(items.repeat_interleave(k))
    log_probs = torch.full((len(items), k), -torch.inf, device=device)
    log_probs[:, 0] = 0  # all rows are alike at first: one of them counts
    tokens = torch.full((len(items) * k, 1), start, device=device)
    attention: Tensor | None = None  # (rows, T, S)
    finished: list[list[Hypothesis]] = [[] for _ in max_lengths]
    for length in range(1, max(max_lengths) + 1):
        logits, weights = step(tokens[:, -1], state)
        if weights is not None:
            attention = weights[:, None] if attention is None else torch.cat([attention, weights[:, None]], 1)
        candidates = log_probs[:, :, None] + logits.log_softmax(1).unflatten(0, (-1, k))  # (B, k, V)
        last = torch.tensor([length == max_lengths[item] for item in items.tolist()], device=device)
        ends = candidates[:, :, end].clone() if length > beam.min_length else torch.full_like(log_probs, -torch.inf)
        if k == 1:  # greedy: it ends where the end is the likeliest token, or where it has to
            ends = ends.masked_fill((ends < candidates.amax(2)) & ~last[:, None], -torch.inf)
        scores = ends / beam.normaliser(length)
        if beam.coverage_penalty and attention is not None:
            mask = None if source_mask is None else source_mask[items].repeat_interleave(k, 0)
            scores = scores + beam.coverage(attention.sum(1), mask).unflatten(0, (-1, k))
        values = torch.stack([scores, ends], 2).tolist()
        for row, item in enumerate(items.tolist()):
            for number in range(k):
                (score, log_prob), at = values[row][number], row * k + number
                if score > -torch.inf and (len(finished[item]) < best or score > finished[item][-1].score):
                    attended = None if attention is None else attention[at]  # (T, S)
                    finished[item].append(Hypothesis(tokens[at, 1:].tolist(), score, log_prob, attended))
                    finished[item].sort(key=lambda hypothesis: -hypothesis.score)
                    del finished[item][best:]
        candidates[:, :, end] = -torch.inf
        log_probs, places = candidates.flatten(1).topk(k)  # (B, k)
        rows = (torch.arange(len(items), device=device)[:, None] * k + places // logits.shape[1]).flatten()
        tokens = torch.cat([tokens[rows], (places % logits.shape[1]).flatten()[:, None]], 1)
        unfinished = torch.tensor(
            [
                can_improve(finished[item], log_prob, beam, length, max_lengths[item], best)
                for item, log_prob in zip(items.tolist(), log_probs[:, 0].tolist(), strict=True)
            ],
            device=device,
        )
        if not unfinished.any():
            break
        kept = unfinished.repeat_interleave(k)
        rows, tokens, items, log_probs = rows[kept], tokens[kept], items[unfinished], log_probs[unfinished]
        state = state.select(rows)
        attention = None if attention is None else attention[rows]
    return finished


def can_improve(
    finished: Sequence[Hypothesis], log_prob: float, beam: Beam, length: int, max_length: int, best: int
) -> bool:
    """Whether the likeliest unfinished hypothesis may still end among the best."""
    if length == max_length or log_prob == -torch.inf or (beam.width == 1 and finished):
        return False
    bound = log_prob / beam.normaliser(max_length if beam.exact else length + 1)
    return len(finished) < best or bound > finished[-1].score
