"""Threads that share a step: without locks on the same vectors, or on replicas, so that their number changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from potmeter.errors import reject

from .kernel import Tables, merge_replicas, train_on_text
from .model import Config, WordVectors

WORDS_AT_ONCE = 10_000
"""Words that a worker takes at a time where there are no replicas."""


@dataclass
class Replica:
    """Vectors that one worker at a time updates, and how often it updated each row."""

    inputs: np.ndarray
    outputs: np.ndarray
    input_updates: np.ndarray
    output_updates: np.ndarray


class Workers:
    """Runs the kernel over a step's text.

    Args:
        model: Its matrices are updated in place.
        tables: Of its vocabulary.
        config: Which of the four methods, and how many replicas.
        workers: Threads.
    """

    def __init__(self, model: WordVectors, tables: Tables, config: Config, workers: int) -> None:
        self.tables, self.config, self.workers = tables, config, workers
        self.matrices = [matrix.detach().numpy() for matrix in (model.input_vectors, model.output_vectors)]
        count = max(config.replicas, 1)
        self.copies = [np.repeat(m[None], count, 0) if count > 1 else m[None] for m in self.matrices]
        self.updates = [np.zeros((count, len(matrix)), np.int32) for matrix in self.matrices]
        self.replicas = [Replica(*(part[n] for part in (*self.copies, *self.updates))) for n in range(count)]
        self.threads = ThreadPoolExecutor(max(workers, 1))

    def num_parts(self, words: int) -> int:
        """Into how many parts a step of so many words is cut; each has a seed of its own."""
        return len(self.replicas) if self.config.replicas else -(-words // WORDS_AT_ONCE)

    def step(self, text: np.ndarray, lr: float, seeds: np.ndarray) -> tuple[float, int]:
        """Learn from a piece of text.

        Args:
            text: Encoded words.
            lr: Learning rate; 0 only measures.
            seeds: One for each of the ``num_parts``.

        Returns:
            The sum of the losses, each of before it was learned from, and how many predictions they are of.
        """
        parts = np.array_split(text, len(seeds))
        replicas = [self.replicas[number % len(self.replicas)] for number in range(len(parts))]
        results = list(self.threads.map(self.train, replicas, parts, [lr] * len(parts), seeds))
        if len(self.replicas) > 1:
            for matrix, copies, updates in zip(self.matrices, self.copies, self.updates, strict=True):
                bounds = np.linspace(0, len(matrix), self.workers + 1).astype(int)
                jobs = [(matrix, copies, updates, np.float32(lr), first, last) for first, last in pairwise(bounds)]
                list(self.threads.map(lambda job: merge_replicas(*job), jobs))
        return sum(loss for loss, _ in results), sum(predictions for _, predictions in results)

    def train(self, replica: Replica, text: np.ndarray, lr: float, seed: Any) -> tuple[float, int]:
        """The kernel on one part."""
        c, vectors, updates = (
            self.config,
            (replica.inputs, replica.outputs),
            (replica.input_updates, replica.output_updates),
        )
        settings = (c.window, c.negative_samples, c.architecture == "cbow", np.float32(lr), np.uint64(seed))
        arguments: Any = (*vectors, text, self.tables, *settings, *updates)
        return train_on_text(*arguments)


def passage_losses(
    vectors: list[np.ndarray], passages: Iterable[np.ndarray], tables: Tables, config: Config
) -> np.ndarray:
    """The mean loss, in nats, of each passage, with windows and noise drawn by a fixed seed: comparable between runs.

    A passage without a pair of words counts as the mean of the others.

    Args:
        vectors: Input and output vectors, float32 (words, D) each.
        passages: Encoded words.
        tables: Of the vocabulary.
        config: Which of the four methods.

    Raises:
        UserError: When no passage has a pair of words.
    """
    sums, counts = np.array([*sum_losses(vectors, passages, tables, config)]).reshape(-1, 2).T
    has_pairs = counts > 0
    has_pairs.any() or reject_no_pairs(config)
    means = sums / np.maximum(counts, 1)
    return np.where(has_pairs, means, means[has_pairs].mean())


def sum_losses(
    vectors: list[np.ndarray], passages: Iterable[np.ndarray], tables: Tables, config: Config
) -> Iterator[tuple[float, int]]:
    """The sum of each passage's losses, in nats, and how many predictions they are of."""
    updates = [np.zeros(len(matrix), np.int32) for matrix in vectors]
    for number, text in enumerate(passages):
        seed, lr = np.uint64((number + 1) << 32), np.float32(0)
        settings = (config.window, config.negative_samples, config.architecture == "cbow", lr, seed)
        arguments: Any = (*vectors, text, tables, *settings, *updates)
        yield train_on_text(*arguments)


def reject_no_pairs(config: Config) -> NoReturn:
    """Raise a UserError that says that there is nothing to learn or to measure."""
    reject(
        "No pair of words is left in the text: train with longer lines, or a larger --subsampling-threshold (0 skips no word).",
        f"--subsampling-threshold {config.subsampling_threshold:g}",
    )
