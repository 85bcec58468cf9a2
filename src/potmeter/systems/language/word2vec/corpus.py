"""Encoded text on disk, mapped into memory: for training in minibatches, for measuring in passages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest
from potmeter.data.sets.english import english
from potmeter.data.texts import read_chunks
from potmeter.errors import reject

from .synthetic import generate_sentences
from .vocabulary import LINE_END, Vocabulary

PASSAGE_LENGTH = 200
"""Words (and line ends) of a passage, the unit that is measured."""
SEARCHED_AT_ONCE = 2**16
"""Words (and line ends) that are compared at once where a whole text is searched."""


def choose_reader(source: str | None, dataset: str) -> Callable[[str], Iterable[str]]:
    """What reads one part (train, valid or test) of a text of one's own, or of a data set, in chunks."""
    if source:
        return partial(read_chunks, source)
    return generate_sentences if dataset == "synthetic" else lambda part: english()[part]


def map_words(chunks: Iterable[str], vocabulary: Vocabulary) -> np.ndarray:
    """A text as word numbers, int32, a file mapped into memory, which has no name and goes when it is no longer used.

    However long the text is, it takes no memory but the disk's cache.
    """
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        length = 0
        for chunk in chunks:
            numbers = vocabulary.encode(chunk)
            file.write(numbers.tobytes())
            length += len(numbers)
        file.flush()
        return np.memmap(file, np.int32, "r", shape=(length,)) if length else np.empty(0, np.int32)


def has_two_words(text: np.ndarray) -> bool:
    """Whether an encoded text has two different words; it is searched in parts, as it may be larger than the memory."""
    first = None
    for start in range(0, len(text), SEARCHED_AT_ONCE):
        part = text[start : start + SEARCHED_AT_ONCE]
        words = part[part != LINE_END]
        if first is None and len(words):
            first = words[0]
        if first is not None and (words != first).any():
            return True
    return False


class Passages:
    """Encoded text in passages: a data set that can be measured, and of which some can be selected.

    Args:
        text: Word numbers.
        vocabulary: What they mean.
        english: Whether the text is English, so that the test sets of English words are a measure too.
        indices: Which passages; None = all.
    """

    digests: tuple[str, ...] = ()
    """Of a user's files: one of the whole of each."""

    def __init__(
        self, text: np.ndarray, vocabulary: Vocabulary, english: bool = False, indices: Sequence[int] | None = None
    ) -> None:
        self.text, self.vocabulary, self.english = text, vocabulary, english
        self.indices = range(-(-len(text) // PASSAGE_LENGTH)) if indices is None else list(indices)

    def __len__(self) -> int:
        return len(self.indices)

    def passages(self) -> Iterator[np.ndarray]:
        """The passages' word numbers, read one by one."""
        for n in self.indices:
            yield np.asarray(self.text[n * PASSAGE_LENGTH : (n + 1) * PASSAGE_LENGTH])

    def fingerprint(self) -> str:
        """A digest of the text and of the words that its numbers mean."""
        return digest([self.text, self.indices, self.vocabulary.words])

    def select(self, indices: Sequence[int]) -> Passages:
        """Some of the passages as a data set of their own."""
        return Passages(self.text, self.vocabulary, self.english, [self.indices[i] for i in indices])

    @property
    def classes(self) -> tuple[str, ...]:
        """None: a text has no categories."""
        return ()


class RunningText(ResumableBatches):
    """Minibatches of ``batch_size`` consecutive words: the text from front to back, again and again."""

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
        """So many words from a position on; after the last one the first follows."""
        parts = []
        while size:
            parts.append(np.array(self.text[start : start + size]))
            size -= len(parts[-1])
            start = 0
        return np.concatenate(parts) if len(parts) > 1 else parts[0]
