"""Encoded text on disk, read as if it were in memory: for training as a stream, for measuring as passages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest
from potmeter.errors import reject

from .vocabulary import LINE_END, Vocabulary

PASSAGE = 200
"""Words (and line ends) of a passage that is measured."""
LOOKED_AT = 2**16
"""Words (and line ends) that are looked at together where a whole text is searched."""


def encoded(pieces: Iterable[str], vocabulary: Vocabulary) -> np.ndarray:
    """A text as word numbers, int32, in a file without a name that goes when it is no longer used.

    However long the text is, it takes no memory but the disk's cache.
    """
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        length = 0
        for piece in pieces:
            numbers = vocabulary.encode(piece)
            file.write(numbers.tobytes())
            length += len(numbers)
        file.flush()
        return np.memmap(file, np.int32, "r", shape=(length,)) if length else np.empty(0, np.int32)


def has_two_words(text: np.ndarray) -> bool:
    """Whether an encoded text has two different words; it is looked at in parts, as it may be larger than the memory."""
    first = None
    for start in range(0, len(text), LOOKED_AT):
        part = text[start : start + LOOKED_AT]
        words = part[part != LINE_END]
        if first is None and len(words):
            first = words[0]
        if first is not None and (words != first).any():
            return True
    return False


class Passages:
    """Encoded text in passages: a data set that can be measured, and of which a part can be picked.

    Args:
        text: Word numbers.
        vocabulary: What they mean.
        judged: Whether the text is English, so that what people think of English words is a measure too.
        picked: Which passages; None = all.
    """

    def __init__(
        self, text: np.ndarray, vocabulary: Vocabulary, judged: bool = False, picked: Sequence[int] | None = None
    ) -> None:
        self.text, self.vocabulary, self.judged = text, vocabulary, judged
        self.picked = range(-(-len(text) // PASSAGE)) if picked is None else list(picked)

    def __len__(self) -> int:
        return len(self.picked)

    def passages(self) -> Iterator[np.ndarray]:
        """The passages' word numbers, read one by one."""
        for n in self.picked:
            yield np.asarray(self.text[n * PASSAGE : (n + 1) * PASSAGE])

    def fingerprint(self) -> str:
        """A digest of the text and of the words that its numbers mean."""
        return digest([self.text, self.picked, self.vocabulary.words])

    def select(self, indices: Sequence[int]) -> Passages:
        """Some of the passages as a data set of their own."""
        return Passages(self.text, self.vocabulary, self.judged, [self.picked[i] for i in indices])

    @property
    def classes(self) -> tuple[str, ...]:
        """None: a text has no categories."""
        return ()


class Stream(ResumableBatches):
    """A text from front to back, again and again, ``batch_size`` words at a time."""

    def __init__(self, text: np.ndarray, batch_size: int) -> None:
        len(text) > 0 or reject("The training text has no word of the vocabulary.", "0 words")
        super().__init__(batch_size)
        self.text = text

    def generate(self) -> Iterator[dict[str, Any]]:
        start = self.position * self.batch_size
        while True:
            yield {"text": torch.from_numpy(self.read(start % len(self.text), self.batch_size))}
            start += self.batch_size

    def read(self, start: int, size: int) -> np.ndarray:
        """So many words from a place on; after the last one the first follows."""
        parts = []
        while size:
            parts.append(np.array(self.text[start : start + size]))
            size -= len(parts[-1])
            start = 0
        return np.concatenate(parts) if len(parts) > 1 else parts[0]
