"""Words that belong together are joined into one: ``united_states`` (Mikolov et al., arXiv:1310.4546, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

from .vocabulary import PRUNE, Vocabulary, count, join, split


def with_phrases(
    pieces: Callable[[], Iterable[str]], passes: int, *, min_count: int, threshold: float, size: int
) -> Vocabulary:
    """The vocabulary of a text with its phrases, found in ``passes`` passes, each of which may join those of the last.

        score(a, b) = (count(ab) − min_count) / (count(a) · count(b)) · words of the text

    Args:
        pieces: Reads the text anew at each call.
        passes: How often; 0 = single words only.
        min_count: Words and pairs that occur less often are left out.
        threshold: The score above which a pair is joined.
        size: Most words; 0 = no bound.

    Raises:
        UserError: When fewer than two words are left.
    """
    most = max(PRUNE, 2 * size)
    counts = count(pieces(), most)
    for _ in range(passes):
        total = counts.total()
        before = Vocabulary.of(counts, min_count, 0)
        counts = Counter(dict(zip(before.words, before.counts, strict=True)))  # rare words make room for pairs
        pairs = count_pairs(pieces(), before, most)
        for (a, b), together in pairs.items():
            if together >= min_count and (together - min_count) / (counts[a] * counts[b]) * total > threshold:
                counts[f"{a}_{b}"] = together
        counts = recount(pieces(), Vocabulary.of(counts, min_count, 0))
    return Vocabulary.of(counts, min_count, size)


def count_pairs(pieces: Iterable[str], vocabulary: Vocabulary, most: int) -> Counter[tuple[str, str]]:
    """How often two words of the vocabulary follow each other in a line; pairs are forgotten as ``count`` forgets words."""
    pairs: Counter[tuple[str, str]] = Counter()
    floor = 1
    for piece in pieces:
        for line in piece.split("\n"):
            words = join(split(line), vocabulary)
            pairs.update((a, b) for a, b in pairwise(words) if a in vocabulary.index and b in vocabulary.index)
        while len(pairs) > most:
            floor += 1
            pairs = Counter({pair: number for pair, number in pairs.items() if number >= floor})
    return pairs


def recount(pieces: Iterable[str], vocabulary: Vocabulary) -> Counter[str]:
    """How often each word occurs once the vocabulary's phrases are joined."""
    counts: Counter[str] = Counter()
    for piece in pieces:
        for line in piece.split("\n"):
            counts.update(word for word in join(split(line), vocabulary) if word in vocabulary.index)
    return counts
