"""Beam search: the likeliest translation, as far as a few hypotheses at a time can find it.

Wu et al. (arXiv:1609.08144), eq. 14, for a source X and a translation Y:

    s(Y, X) = log p(Y | X) / ((5 + |Y|) / 6)^α + β Σₛ log min(Σₜ weightₜₛ, 1)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .model import END, PAD, START, State, Translation

FLOOR = 1e-6
"""Attention that a source token has at least: the logarithm of none would hide everything else."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished translation."""

    tokens: list[int]
    """Without the start and the end."""
    score: float
    log_p: float
    weights: Float[Tensor, "t s"] | None
    """How much each token, and the end, looked at each source token."""


@dataclass(frozen=True)
class Beam:
    """How to search.

    Args:
        width: Hypotheses that are kept at each step; 1 = greedy: the likeliest token, until that is the end.
        length: α; 0 prefers short translations. 1.4 was the best of 0.6, 1 and 1.4 on validation pairs.
        coverage: β; 0 = no coverage penalty.
        longest: Most tokens of a translation; None = twice the source's, and ten.
        shortest: Fewest tokens of a translation.
        known: Tokens that stand for something; None = all.
        exact: Go on until nothing unfinished can get among the best, however long it becomes; else until nothing would
            that ended at once.
    """

    width: int = 5
    length: float = 1.4
    coverage: float = 0.0
    longest: int | None = None
    shortest: int = 0
    known: int | None = None
    exact: bool = False

    def penalty(self, tokens: int) -> float:
        """By what log p is divided; ``tokens`` counts the end."""
        return float(((5 + tokens) / 6) ** self.length)

    def covered(self, attended: Float[Tensor, "n s"], mask: Tensor) -> Float[Tensor, " n"]:
        """The coverage penalty."""
        return self.coverage * attended.clamp(FLOOR, 1).log().masked_fill(~mask, 0).sum(1)


@torch.no_grad()
def search(model: Translation, source: Int[Tensor, "b s"], beam: Beam, best: int = 1) -> list[list[Hypothesis]]:
    """The best translations of each sentence, the best one first.

    All sentences and hypotheses advance together; a sentence that is done leaves.

    Args:
        model: In evaluation mode.
        source: Filled up with ``PAD``.
        beam: How.
        best: How many of each, at most ``beam.width``.
    """
    k, device = beam.width, source.device
    longest = beam.longest or 2 * source.shape[1] + 10
    state = model.encode(source)
    sentences = torch.arange(len(source), device=device)  # of the rows' groups of k
    state = state.select(sentences.repeat_interleave(k))
    log_p = torch.full((len(source), k), -torch.inf, device=device)
    log_p[:, 0] = 0  # all rows are alike at first: one of them counts
    tokens = torch.full((len(source) * k, 1), START, device=device)
    attended = state.mask.new_zeros(state.mask.shape, dtype=torch.float32)
    looked: Tensor | None = None  # (rows, T, S)
    finished: list[list[Hypothesis]] = [[] for _ in range(len(source))]
    for length in range(1, longest + 1):
        x, weights = model.decode(tokens[:, -1:], state)
        if weights is not None:
            attended = attended + weights[:, 0]
            looked = weights if looked is None else torch.cat([looked, weights], 1)
        step = allowed(model.scores(x[:, 0]), beam).log_softmax(1)  # (rows, V)
        total = log_p[:, :, None] + step.unflatten(0, (-1, k))  # (B, k, V)
        ends = total[:, :, END].clone() if length > beam.shortest else torch.full_like(log_p, -torch.inf)
        if k == 1 and length < longest:
            ends = ends.masked_fill(ends < total.amax(2), -torch.inf)
        finish(finished, sentences, ends, tokens, attended, looked, beam, state, best)
        total[:, :, END] = -torch.inf
        log_p, place = total.flatten(1).topk(k)  # (B, k)
        rows = (torch.arange(len(sentences), device=device)[:, None] * k + place // total.shape[2]).flatten()
        tokens = torch.cat([tokens[rows], (place % total.shape[2]).flatten()[:, None]], 1)
        likeliest = zip(sentences.tolist(), log_p[:, 0].tolist(), strict=True)
        going = [unfinished(finished[sentence], value, beam, length, longest, best) for sentence, value in likeliest]
        alive = torch.tensor(going, device=device)
        if not alive.any():
            break
        kept = alive.repeat_interleave(k)
        rows, tokens, sentences, log_p = rows[kept], tokens[kept], sentences[alive], log_p[alive]
        state, attended = state.select(rows), attended[rows]
        looked = None if looked is None else looked[rows]
    return finished


def allowed(scores: Float[Tensor, "n v"], beam: Beam) -> Float[Tensor, "n v"]:
    """The scores, −∞ for what no translation has."""
    scores[:, [PAD, START]] = -torch.inf
    if beam.known is not None:
        scores[:, beam.known :] = -torch.inf
    return scores


def finish(
    finished: list[list[Hypothesis]], sentences: Tensor, ends: Float[Tensor, "b k"], tokens: Tensor, attended: Tensor,
    looked: Tensor | None, beam: Beam, state: State, best: int,
) -> None:  # fmt: skip
    """Put the hypotheses that might end here among the finished ones, of which each sentence keeps its best."""
    score = ends / beam.penalty(tokens.shape[1])
    if beam.coverage:
        score = score + beam.covered(attended, state.mask).unflatten(0, (-1, beam.width))
    for row, sentence in enumerate(sentences.tolist()):
        done = finished[sentence]
        for number, value in enumerate(score[row].tolist()):
            if value > -torch.inf and (len(done) < best or value > done[-1].score):
                at = row * beam.width + number
                weights = None if looked is None else looked[at]
                done.append(Hypothesis(tokens[at, 1:].tolist(), value, float(ends[row, number]), weights))
                done.sort(key=lambda one: -one.score)
                del done[best:]


def unfinished(done: list[Hypothesis], log_p: float, beam: Beam, length: int, longest: int, best: int) -> bool:
    """Whether a hypothesis with this log p may still end among the best."""
    if length == longest or log_p == -torch.inf or (beam.width == 1 and done):
        return False
    bound = log_p / beam.penalty(longest if beam.exact else length + 1)
    return len(done) < best or bound > done[-1].score
