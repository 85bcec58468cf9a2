"""Metrics of captions that are given as words: CIDEr and BLEU-4."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu import BLEU

from potmeter.errors import reject

LONGEST = 4
"""n-grams of up to so many words count."""
SIGMA = 6.0
"""Of the Gaussian penalty for a difference of length."""

Words = Sequence[str]
Ngram = tuple[str, ...]


def cider(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> np.ndarray:
    """CIDEr of each caption (Vedantam et al., arXiv:1411.5726), in the variant D, which COCO's evaluation calls CIDEr.

    For n = 1 … 4 captions are vectors of their n-grams' counts, weighted by log(N / df), df being the number of pictures
    that have the n-gram in a reference. A candidate's counts are cut to a reference's; the cosine of both, times
    exp(−Δ² / 2σ²) with the difference Δ of their lengths, is averaged over references and n, and multiplied by 10.

    Args:
        candidates: A caption for each picture.
        references: The captions of each picture that it is compared with.

    Returns:
        float64 (N,).

    Raises:
        UserError: When a picture has no reference, or there are not as many candidates as pictures.

    Example:
        >>> candidates, references = [["a", "red", "cat"], ["a", "dog"]], [[["a", "red", "cat"]], [["a", "dog"]]]
        >>> [[round(float(x), 6) for x in cider(candidates, references)]]
        [[7.5, 5.0]]
    """
    len(candidates) == len(references) or reject(
        "Every picture takes one caption.", f"{len(candidates)} captions, {len(references)} pictures"
    )
    all(references) or reject("Every picture takes a caption to compare with.", "a picture without one")
    counted = [[count_ngrams(reference) for reference in some] for some in references]
    documents = Counter(ngram for some in counted for ngram in {ngram for counts in some for ngram in counts})
    log_n = math.log(max(len(references), 1))
    weights = {ngram: log_n - math.log(count) for ngram, count in documents.items()}

    def vector(counts: Counter[Ngram]) -> tuple[list[dict[Ngram, float]], list[float], int]:
        """The weighted counts for each n, their norms, and the number of bigrams, which is what counts as the length."""
        parts: list[dict[Ngram, float]] = [{} for _ in range(LONGEST)]
        for ngram, count in counts.items():
            parts[len(ngram) - 1][ngram] = count * weights.get(ngram, log_n)
        length = sum(count for ngram, count in counts.items() if len(ngram) == 2)
        return parts, [math.sqrt(sum(x * x for x in part.values())) for part in parts], length

    scores = np.zeros(len(candidates))
    for number, (words, some) in enumerate(zip(candidates, counted, strict=True)):
        parts, norms, length = vector(count_ngrams(words))
        for other_parts, other_norms, other_length in map(vector, some):
            penalty = math.exp(-((length - other_length) ** 2) / (2 * SIGMA**2))
            for part, norm, other, other_norm in zip(parts, norms, other_parts, other_norms, strict=True):
                dot = sum(min(x, other[ngram]) * other[ngram] for ngram, x in part.items() if ngram in other)
                scores[number] += dot * penalty / (norm * other_norm if norm and other_norm else 1)
        scores[number] *= 10 / (LONGEST * len(some))
    return scores


def count_ngrams(words: Words) -> Counter[Ngram]:
    """All n-grams of one to four words."""
    return Counter(
        tuple(words[start : start + n]) for n in range(1, LONGEST + 1) for start in range(len(words) - n + 1)
    )


def bleu4(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """BLEU of n-grams up to four (Papineni et al. 2002) over all captions, in percent, with several references of each.

    Raises:
        UserError: When there are not as many candidates as pictures.

    Example:
        >>> round(bleu4(["a cat on a mat".split()], [["a cat on a mat".split(), "a mat".split()]]), 1)
        100.0
    """
    len(candidates) == len(references) or reject(
        "Every picture takes one caption.", f"{len(candidates)} captions, {len(references)} pictures"
    )
    most = max(map(len, references))
    streams: Any = [[" ".join(some[k]) if k < len(some) else None for some in references] for k in range(most)]
    bleu = BLEU(tokenize="none", force=True)
    return float(bleu.corpus_score([" ".join(words) for words in candidates], streams).score)
