"""Which words there are, how often, and what follows from that: the subsampling, and the noise distribution."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from potmeter.data.words import find_words
from potmeter.errors import reject

MAX_COUNTED = 1_000_000
"""More different words than this, and than twice ``max_vocab_size``, are not counted at once: the rarest are forgotten, as
the original program does. A million take about a hundred megabytes."""
LINE_END = -1
"""Stands between two lines of encoded text: no window crosses it."""


def split_words(line: str) -> list[str]:
    """The words of a line, in lower case.

    Example:
        >>> split_words("It’s 1 TRUTH, universally_acknowledged…")
        ["it's", 'truth', 'universally', 'acknowledged']
    """
    return find_words(line.lower().replace("’", "'"))


def count_words(chunks: Iterable[str], max_counted: int = MAX_COUNTED) -> Counter[str]:
    """How often each word occurs in a text; of more than ``max_counted`` different ones the rarest are forgotten."""
    counts: Counter[str] = Counter()
    floor = 1
    for chunk in chunks:
        counts.update(split_words(chunk))
        while len(counts) > max_counted:
            floor += 1
            counts = Counter({word: number for word, number in counts.items() if number >= floor})
    return counts


@dataclass(frozen=True)
class Vocabulary:
    """Words with their counts in the training text, most frequent first."""

    words: tuple[str, ...]
    counts: tuple[int, ...]

    @classmethod
    def from_counts(cls, counts: Counter[str], min_count: int, max_size: int) -> Vocabulary:
        """The words that occur at least ``min_count`` times, of those the ``max_size`` most frequent (0 = all).

        Raises:
            UserError: When fewer than two are left.
        """
        pairs = sorted(((-n, word) for word, n in counts.items() if n >= min_count))[: max_size or None]
        len(pairs) >= 2 or reject(
            f"The text must have at least two different words that occur {min_count} times or more.",
            f"{len(counts):,} different words, {counts.total():,} in all",
        )
        return cls(tuple(word for _, word in pairs), tuple(-n for n, _ in pairs))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """Each word's number."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def phrase_beginnings(self) -> frozenset[str]:
        """What phrases begin with: ``new`` and ``new_york`` for ``new_york_city``."""
        parts = [word.split("_") for word in self.words if "_" in word]
        return frozenset("_".join(part[:end]) for part in parts for end in range(1, len(part)))

    def frequent_words(self) -> tuple[str, ...]:
        """Sixty words of four letters or more that come after the hundred most frequent, which say little; where there are
        no sixty, the most frequent words."""
        longer = [word for word in self.words[100:] if len(word) > 3][:60]
        return tuple(longer) if len(longer) == 60 else self.words[:60]

    def lookup(self, word: str) -> int:
        """A word's number, written in any case, a phrase with spaces too. Raises UserError, with near words, for others."""
        number = self.index.get(word) if word in self.index else self.index.get("_".join(split_words(word)))
        if number is None:
            near = difflib.get_close_matches(word.lower(), self.words, 3)
            hint = f"; near it are {', '.join(near)}" if near else ""
            reject(f"The vocabulary of {len(self):,} words lacks this one{hint}.", word)
        return number

    def encode(self, text: str) -> np.ndarray:
        """Running text as word numbers, int32, with ``LINE_END`` for ends of lines; unknown words are left out."""
        numbers: list[int] = []
        index = self.index
        for line in text.split("\n"):
            words = split_words(line)
            if self.phrase_beginnings:
                words = join_phrases(words, self)
            if numbers and numbers[-1] != LINE_END:
                numbers.append(LINE_END)
            numbers += [index[word] for word in words if word in index]
        return np.array(numbers, np.int32)

    # What follows from the counts

    @property
    def frequencies(self) -> np.ndarray:
        """Each word's share of the text, float64 (words,)."""
        counts = np.array(self.counts, np.float64)
        return counts / counts.sum()

    def keep_probabilities(self, threshold: float) -> np.ndarray:
        """The probability that subsampling keeps an occurrence: (√(f/t) + 1) · t/f, at most 1; f its share, t the threshold.

        The original program's formula, which differs from the paper's (Mikolov et al., arXiv:1310.4546, eq. 5).
        """
        if threshold == 0:
            return np.ones(len(self))
        ratio = threshold / self.frequencies
        return np.minimum((np.sqrt(1 / ratio) + 1) * ratio, 1)

    def noise_distribution(self) -> np.ndarray:
        """The probability that each word is drawn as a negative sample: its count to the power ¾, normalised."""
        power = np.array(self.counts, np.float64) ** 0.75
        return power / power.sum()


def join_phrases(words: list[str], vocabulary: Vocabulary) -> list[str]:
    """Words with those neighbours joined that the vocabulary has as a phrase, from the left, the longest phrase first."""
    joined, start = [], 0
    while start < len(words):
        phrase = name = words[start]
        after = start + 1
        for end in range(start + 1, len(words)):
            if phrase not in vocabulary.phrase_beginnings:
                break
            phrase = f"{phrase}_{words[end]}"
            if phrase in vocabulary.index:
                name, after = phrase, end + 1
        joined.append(name)
        start = after
    return joined


def build_alias_table(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias table (1977), which samples in constant time: pick a column, then itself or its alias.

    Returns:
        The probability of staying in each column as uint32 of 2³², and the aliases as int32.
    """
    size = len(probabilities)
    share, alias = probabilities * size, np.arange(size, dtype=np.int32)
    small, large = [*np.flatnonzero(share < 1)], [*np.flatnonzero(share >= 1)]
    while small and large:
        low, high = small.pop(), large[-1]
        alias[low] = high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    share[[*small, *large]] = 1  # what is left by rounding
    return np.minimum(share * 2**32, 2**32 - 1).astype(np.uint32), alias
