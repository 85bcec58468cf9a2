"""Threads that share a step: without locks on the same vectors, or side by side so that their number changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from potmeter.errors import reject

from .kernel import Tables, bring_together, learn
from .model import Config, WordVectors

CHUNK = 10_000
"""Words that a worker takes at a time where there are no lanes."""


@dataclass
class Lane:
    """Vectors that one worker at a time changes, and which of their rows it changed."""

    inputs: np.ndarray
    outputs: np.ndarray
    moved_in: np.ndarray
    moved_out: np.ndarray


class Workers:
    """Runs the kernel over a step's text.

    Args:
        model: Its matrices are changed in place.
        tables: Of its vocabulary.
        config: Which of the four methods, and how many lanes.
        lanes: Lanes of this process; 0 = none, all workers change the same vectors.
        workers: Threads.
    """

    def __init__(self, model: WordVectors, tables: Tables, config: Config, lanes: int, workers: int) -> None:
        self.tables, self.config, self.workers = tables, config, workers
        self.whole = [matrix.detach().numpy() for matrix in (model.inputs, model.outputs)]
        self.copies = [np.repeat(matrix[None], lanes, 0) for matrix in self.whole] if lanes > 1 else self.whole
        self.moved = [np.zeros((max(lanes, 1), len(matrix)), np.int32) for matrix in self.whole]
        places = [Lane(*(copy[n] for copy in self.copies), *(m[n] for m in self.moved)) for n in range(lanes)]
        self.lanes = places if lanes > 1 else [Lane(*self.whole, *(m[0] for m in self.moved))]
        self.threads = ThreadPoolExecutor(max(workers, 1))

    def pieces(self, words: int) -> int:
        """Into how many pieces a step of so many words is cut; each has a seed of its own."""
        return len(self.lanes) if self.config.lanes else -(-words // CHUNK)

    def step(self, text: np.ndarray, lr: float, seeds: np.ndarray) -> tuple[float, int]:
        """Learn from a piece of text.

        Args:
            text: Encoded words.
            lr: Learning rate; 0 only measures.
            seeds: One for each of the ``pieces``.

        Returns:
            The sum of the losses, each of before it was learned from, and their number.
        """
        parts = np.array_split(text, len(seeds))
        owners = [self.lanes[number % len(self.lanes)] for number in range(len(parts))]
        done = list(self.threads.map(self.learn, owners, parts, [lr] * len(parts), seeds))
        if len(self.lanes) > 1:
            for whole, copies, moved in zip(self.whole, self.copies, self.moved, strict=True):
                bounds = np.linspace(0, len(whole), self.workers + 1).astype(int)
                shares = [(whole, copies, moved, np.float32(lr), a, b) for a, b in pairwise(bounds)]
                list(self.threads.map(lambda share: bring_together(*share), shares))
        return sum(loss for loss, _ in done), sum(number for _, number in done)

    def learn(self, lane: Lane, text: np.ndarray, lr: float, seed: Any) -> tuple[float, int]:
        """The kernel on one piece."""
        c = self.config
        cbow, rate = c.architecture == "cbow", np.float32(lr)
        vectors, moved = (lane.inputs, lane.outputs), (lane.moved_in, lane.moved_out)
        return learn(*vectors, text, self.tables, c.window, c.negatives, cbow, rate, np.uint64(seed), *moved)


def measure(vectors: list[np.ndarray], passages: Iterable[np.ndarray], tables: Tables, config: Config) -> np.ndarray:
    """The mean loss, in nats, of each passage, with windows and noise drawn by a fixed seed: comparable between runs.

    A passage without a pair of words counts as the mean of the others.

    Raises:
        UserError: When no passage has a pair of words.
    """
    sums, numbers = np.array([*losses(vectors, passages, tables, config)]).reshape(-1, 2).T
    asked = numbers > 0
    asked.any() or no_pairs(config)
    values = sums / np.maximum(numbers, 1)
    return np.where(asked, values, values[asked].mean())


def losses(
    vectors: list[np.ndarray], passages: Iterable[np.ndarray], tables: Tables, config: Config
) -> Iterator[tuple[float, int]]:
    """The sum of each passage's losses, in nats, and their number."""
    moved = [np.zeros(len(matrix), np.int32) for matrix in vectors]
    cbow, still = config.architecture == "cbow", np.float32(0)
    for number, text in enumerate(passages):
        seed = np.uint64((number + 1) << 32)
        given: Any = (*vectors, text, tables, config.window, config.negatives, cbow, still, seed, *moved)
        yield learn(*given)


def no_pairs(config: Config) -> NoReturn:
    """Say that there is nothing to learn or to measure. Raises UserError."""
    reject(
        "No pair of words is left in the text: train with a larger --sample (0 skips no word) or with longer lines.",
        f"--sample {config.sample:g}",
    )
