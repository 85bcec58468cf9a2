"""Words that belong together are joined into phrases: ``united_states`` (Mikolov et al., arXiv:1310.4546, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

from .vocabulary import MAX_COUNTED, Vocabulary, count_words, join_phrases, split_words


def build_vocabulary(
    read: Callable[[], Iterable[str]], passes: int, *, min_count: int, threshold: float, max_size: int
) -> Vocabulary:
    """The vocabulary of a text with its phrases, found in ``passes`` passes, each of which may join those of the last.

        score(a, b) = (count(ab) − min_count) / (count(a) · count(b)) · words of the text

    Args:
        read: Reads the text anew at each call, in chunks.
        passes: How often; 0 = single words only.
        min_count: Words and pairs that occur less often are left out.
        threshold: The score above which a pair is joined.
        max_size: Most words; 0 = no bound.

    Raises:
        UserError: When fewer than two words are left.
    """
    max_counted = max(MAX_COUNTED, 2 * max_size)
    counts = count_words(read(), max_counted)
    for _ in range(passes):
        total = counts.total()
        before = Vocabulary.from_counts(counts, min_count, 0)
        counts = Counter(dict(zip(before.words, before.counts, strict=True)))  # rare words make room for pairs
        for (a, b), together in count_pairs(read(), before, max_counted).items():
            if together >= min_count and (together - min_count) / (counts[a] * counts[b]) * total > threshold:
                counts[f"{a}_{b}"] = together
        counts = recount(read(), Vocabulary.from_counts(counts, min_count, 0))
    return Vocabulary.from_counts(counts, min_count, max_size)


def count_pairs(chunks: Iterable[str], vocabulary: Vocabulary, max_counted: int) -> Counter[tuple[str, str]]:
    """How often two words of the vocabulary follow each other in a line; rare pairs are forgotten as rare words are."""
    pairs: Counter[tuple[str, str]] = Counter()
    floor = 1
    for chunk in chunks:
        for line in chunk.split("\n"):
            words = join_phrases(split_words(line), vocabulary)
            pairs.update((a, b) for a, b in pairwise(words) if a in vocabulary.index and b in vocabulary.index)
        while len(pairs) > max_counted:
            floor += 1
            pairs = Counter({pair: number for pair, number in pairs.items() if number >= floor})
    return pairs


def recount(chunks: Iterable[str], vocabulary: Vocabulary) -> Counter[str]:
    """How often each word occurs once the vocabulary's phrases are joined."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        for line in chunk.split("\n"):
            counts.update(word for word in join_phrases(split_words(line), vocabulary) if word in vocabulary.index)
    return counts
