"""Text models without a network, for GPT-2 to beat: a compressor, and an n-gram model."""

from __future__ import annotations

import lzma

import numpy as np

from .texts import Document
from .tokenizer import Tokenizer

MAX_TEXT = 16_000_000
"""Characters of the training text, from its start, that the baselines are given."""
SUBWORDS = 2048
"""Vocabulary size of the n-grams over subwords."""
ORDERS = {"characters": (5, 6, 7, 8), "subwords": (2, 3, 4)}
"""The units, and the lengths of n-gram, among which the validation text chooses."""


def xz_bits_per_byte(train: str, test: str) -> float:
    """Bits per byte that ``xz -9e`` needs for the test text after the training text: the archive of both less that of one."""

    def size(text: str) -> int:
        return len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))

    return 8 * (size(train + test) - size(train)) / len(test.encode())


def kneser_ney_bits_per_byte(train: str, valid: str, test: str) -> float:
    """Bits per byte of the best n-gram model: unit and order are those with which the validation text has fewest."""
    best = (float("inf"), float("inf"))  # of the validation text, and of the test text
    for unit, orders in ORDERS.items():
        sequences, size = encode_units(unit, train, valid, test)
        possible = [order for order in orders if order <= len(sequences[0])] or [1]
        model = KneserNey(sequences[0], size, max(possible))
        bits = [model.bits(part) for part in sequences[1:]]  # each (order, N)
        for order in possible:
            scores = [b[order - 1].sum() / len(text.encode()) for b, text in zip(bits, (valid, test), strict=True)]
            best = min(best, (scores[0], scores[1]))
    return float(best[1])


def encode_units(unit: str, train: str, *others: str) -> tuple[list[np.ndarray], int]:
    """Texts as numbers of their characters or subwords, and how many different ones there can be."""
    if unit == "characters":
        codes = [np.frombuffer(text.encode("utf-32-le"), "<u4") for text in (train, *others)]
        alphabet = np.unique(np.concatenate(codes))  # to know what characters there can be is a small advantage
        return [np.searchsorted(alphabet, code) for code in codes], len(alphabet)
    tokenizer = Tokenizer.train(Document(train).chunks(), SUBWORDS)
    return [np.array(tokenizer.encode(text), np.int64) for text in (train, *others)], len(tokenizer)


class KneserNey:
    """Interpolated modified Kneser–Ney smoothing (Chen and Goodman, "An Empirical Study of Smoothing", 1998, eq. 26).

        p(w | h) = (c(hw) − D(c(hw))) / c(h·) + γ(h) p(w | h')        h' = h without its first unit

    Below the highest order the counts c are continuation counts, of the different units that stand before: "Francisco"
    is frequent, but follows little else than "San". Every order's three discounts D come from how many n-grams occur
    once to four times.

    Args:
        text: Units as numbers, (N,).
        size: How many different units there can be.
        order: Length of the longest n-gram.
    """

    def __init__(self, text: np.ndarray, size: int, order: int) -> None:
        self.size, self.order = size, order
        self.keys: list[np.ndarray] = []
        """Of each order its n-grams, sorted; a key is history · size + unit."""
        self.history: list[np.ndarray] = []
        """Of each n-gram the number of its first n − 1 units among the n-grams one order below."""
        numbers, first_seen = [np.zeros(len(text) + 1, np.int64)], []  # of the n-gram that ends at each unit
        for n in range(1, order + 1):
            keys = shift_right(numbers[-1]) * size + np.append(0, text) if n > 1 else np.append(0, text)
            unique, first, number = np.unique(keys[n:], return_index=True, return_inverse=True)
            self.keys.append(unique)
            self.history.append(unique // size)
            numbers.append(np.append(np.zeros(n, np.int64), number))
            first_seen.append(first + n)
        self.counts = [np.bincount(numbers[n][n:], minlength=len(self.keys[n - 1])) for n in range(1, order + 1)]
        self.continuation_counts = [
            np.bincount(numbers[n][first_seen[n]], minlength=len(self.keys[n - 1])) for n in range(1, order)
        ]
        self.tables = {
            (n, highest): self.discount(n, highest)
            for n in range(1, order + 1)
            for highest in (True, False)
            if highest or n < order
        }

    def discount(self, n: int, highest: bool) -> tuple[np.ndarray, np.ndarray]:
        """The discounted probability of each n-gram, and the backoff weight γ of each history.

        Args:
            n: Length of the n-grams.
            highest: Whether they are the model's longest, for which plain counts hold.
        """
        counts = self.counts[n - 1] if highest else self.continuation_counts[n - 1]
        n1, n2, n3, n4 = (max(int((counts == k).sum()), 1) for k in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        estimates = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        by_count = np.append(0, np.clip(estimates, 0.1, [1, 2, 3]))  # 0 would leave nothing for what was never seen
        discounts = by_count[np.minimum(counts, 3)]
        history, histories = self.history[n - 1], len(self.keys[n - 2]) if n > 1 else 1
        total = np.bincount(history, counts, histories)  # 0: only at the text's start or end, counts nothing
        gamma = np.where(total > 0, np.bincount(history, discounts, histories), 1) / np.maximum(total, 1)
        return (counts - discounts) / np.maximum(total, 1)[history], gamma

    def bits(self, text: np.ndarray) -> np.ndarray:
        """−log₂ p of each unit of a text, (order, N): by models of every length up to ``order``."""
        numbers = [np.zeros(len(text), np.int64)]  # of the n-gram that ends at each unit; −1 = never seen
        for n in range(1, self.order + 1):
            history = self.history_of(numbers[-1], n)
            keys = history * self.size + text
            number = np.minimum(np.searchsorted(self.keys[n - 1], keys), len(self.keys[n - 1]) - 1)
            numbers.append(np.where((history >= 0) & (self.keys[n - 1][number] == keys), number, -1))
        lower = np.full(len(text), 1 / self.size)
        results = []
        for n in range(1, self.order + 1):
            history = self.history_of(numbers[n - 1], n)
            results.append(-np.log2(self.interpolate((n, True), numbers[n], history, lower)))
            if n < self.order:
                lower = self.interpolate((n, False), numbers[n], history, lower)
        return np.stack(results)

    @staticmethod
    def history_of(numbers: np.ndarray, n: int) -> np.ndarray:
        """The history of the n-gram that ends at each unit: the (n − 1)-gram that ends one unit before."""
        return shift_right(numbers, fill=-1) if n > 1 else numbers

    def interpolate(
        self, table: tuple[int, bool], number: np.ndarray, history: np.ndarray, lower: np.ndarray
    ) -> np.ndarray:
        """p of n-grams, given p of those one shorter; which is all there is where the history was never seen."""
        p, gamma = self.tables[table]
        return np.where(number >= 0, p[number], 0.0) + np.where(history >= 0, gamma[history], 1.0) * lower


def shift_right(x: np.ndarray, fill: int = 0) -> np.ndarray:
    """Each element one place later."""
    return np.append(fill, x[:-1])
