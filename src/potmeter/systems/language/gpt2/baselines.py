"""Text models without a network, for GPT-2 to beat: a compressor, and counts of n-grams."""

from __future__ import annotations

import lzma

import numpy as np

from .texts import Document
from .tokenizer import Tokenizer

MAX_TEXT = 16_000_000
"""Characters of the training text, from its start, that the baselines read."""
SUBWORDS = 2048
"""Vocabulary of the n-grams over pieces of words."""
ORDERS = {"characters": (5, 6, 7, 8), "subwords": (2, 3, 4)}
"""The units, and the lengths of n-gram, among which the validation text chooses."""


def xz_bits_per_byte(train: str, test: str) -> float:
    """Bits a byte that ``xz -9e`` needs for the test text after the training text: the archive of both less that of one."""

    def size(text: str) -> int:
        return len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))

    return 8 * (size(train + test) - size(train)) / len(test.encode())


def kneser_ney_bits_per_byte(train: str, valid: str, test: str) -> float:
    """Bits a byte of the best n-gram model: unit and order are those with which the validation text has fewest."""
    best = (float("inf"), float("inf"))
    for unit, orders in ORDERS.items():
        numbers, size = in_units(unit, train, valid, test)
        possible = [order for order in orders if order <= len(numbers[0])] or [1]
        model = KneserNey(numbers[0], size, max(possible))
        bits = [model.bits(part) for part in numbers[1:]]  # each (order, N)
        for order in possible:
            scores = [b[order - 1].sum() / len(text.encode()) for b, text in zip(bits, (valid, test), strict=True)]
            best = min(best, (scores[0], scores[1]))
    return float(best[1])


def in_units(unit: str, train: str, *others: str) -> tuple[list[np.ndarray], int]:
    """Texts as numbers, and how many different ones there can be: characters, or pieces of words."""
    if unit == "characters":
        codes = [np.frombuffer(text.encode("utf-32-le"), "<u4") for text in (train, *others)]
        known = np.unique(np.concatenate(codes))  # to know what characters there can be is a small advantage
        return [np.searchsorted(known, code) for code in codes], len(known)
    tokenizer = Tokenizer.train(Document(train).chunks(), SUBWORDS)
    return [np.array(tokenizer.encode(text), np.int64) for text in (train, *others)], len(tokenizer)


class KneserNey:
    """Interpolated modified Kneser–Ney smoothing (Chen and Goodman, "An Empirical Study of Smoothing", 1998, eq. 26).

        p(w | h) = (c(hw) − D(c(hw))) / c(h·) + γ(h) p(w | h')        h' = h without its first unit

    Below the highest order the counts c are numbers of different units before: "Francisco" is frequent, but follows
    little else than "San". Every order's three discounts D come from how many n-grams occur once to four times.

    Args:
        text: Units as numbers, (N,).
        size: How many different units there can be.
        order: Length of the longest n-gram.
    """

    def __init__(self, text: np.ndarray, size: int, order: int) -> None:
        self.size, self.order = size, order
        self.grams: list[
            np.ndarray
        ] = []  # of each order: the keys of its n-grams, sorted; a key is prefix · size + unit
        ids, firsts, self.prefix = [np.zeros(len(text) + 1, np.int64)], [], []
        for _ in range(order):
            keys = shifted(ids[-1]) * size + np.append(0, text) if len(ids) > 1 else np.append(0, text)
            found, first, number = np.unique(keys[len(ids) :], return_index=True, return_inverse=True)
            self.grams.append(found)
            self.prefix.append(found // size)
            ids.append(np.append(np.zeros(len(ids), np.int64), number))
            firsts.append(first + len(ids) - 1)
        self.raw = [np.bincount(ids[n][n:], minlength=len(self.grams[n - 1])) for n in range(1, order + 1)]
        self.kinds = [  # how many different units stand before each n-gram
            np.bincount(ids[n][firsts[n]], minlength=len(self.grams[n - 1])) for n in range(1, order)
        ]
        self.tables = {
            (n, top): self.table(n, top) for n in range(1, order + 1) for top in (True, False) if top or n < order
        }

    def table(self, n: int, top: bool) -> tuple[np.ndarray, np.ndarray]:
        """Of the n-grams of a length: the discounted share of each, and γ of each prefix; ``top``: by plain counts."""
        counts = self.raw[n - 1] if top else self.kinds[n - 1]
        n1, n2, n3, n4 = (max(int((counts == k).sum()), 1) for k in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        free = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
        discount = np.append(0, np.clip(free, 0.1, [1, 2, 3]))  # 0 would leave nothing for what was never seen
        taken = discount[np.minimum(counts, 3)]
        prefixes = len(self.grams[n - 2]) if n > 1 else 1
        total = np.bincount(self.prefix[n - 1], counts, prefixes)  # 0: only at the text's start or end, counts nothing
        gamma = np.where(total > 0, np.bincount(self.prefix[n - 1], taken, prefixes), 1) / np.maximum(total, 1)
        return (counts - taken) / np.maximum(total, 1)[self.prefix[n - 1]], gamma

    def bits(self, text: np.ndarray) -> np.ndarray:
        """−log₂ p of each unit of a text, (order, N): by models of every length up to ``order``."""
        places = [np.zeros(len(text), np.int64)]  # of the n-gram that ends at each unit; −1 = never seen
        for n in range(1, self.order + 1):
            before = shifted(places[-1], fill=-1) if n > 1 else places[0]
            keys = before * self.size + text
            place = np.minimum(np.searchsorted(self.grams[n - 1], keys), len(self.grams[n - 1]) - 1)
            places.append(np.where((before >= 0) & (self.grams[n - 1][place] == keys), place, -1))
        lower = np.full(len(text), 1 / self.size)
        results = []
        for n in range(1, self.order + 1):
            before = shifted(places[n - 1], fill=-1) if n > 1 else places[0]
            results.append(-np.log2(self.mixed(n, True, places[n], before, lower)))
            if n < self.order:
                lower = self.mixed(n, False, places[n], before, lower)
        return np.stack(results)

    def mixed(self, n: int, top: bool, place: np.ndarray, before: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """p of the n-grams at these places; where the prefix was never seen, that of the shorter ones."""
        share, gamma = self.tables[n, top]
        p = np.where(place >= 0, share[place], 0.0) + np.where(before >= 0, gamma[before], 1.0) * lower
        return p


def shifted(x: np.ndarray, fill: int = 0) -> np.ndarray:
    """What stood one place earlier."""
    return np.append(fill, x[:-1])
