"""Pairs of sentences as tokens, and minibatches of about equally long ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.batches import Batch, to_device
from potmeter.errors import reject

from .model import Config, pad
from .pairs import Pairs
from .tokenizer import find_distinct_words
from .vocabularies import Vocabularies

POOL = 200
"""Minibatches whose pairs are sorted by length together."""
Tokens = tuple[list[int], list[int]]
"""Of a source and of its translation."""


class BucketedBatches(ResumableBatches):
    """Minibatches of encoded examples, without end, each of about equally long ones, so that little is padding.

    In an epoch every example comes once, but for those that are left over, fewer than a batch, in an order that depends
    on the seed and the epoch only.

    Args:
        lengths: Of the examples, by which they are sorted.
        collate: Examples by their numbers, and the epoch's seed for what is random in each, as a batch.
        batch_size: Examples in a batch, over all processes together.
        seed: Of the order.
    """

    def __init__(self, lengths: Sequence[int], collate: Any, batch_size: int, *, seed: int = 0) -> None:
        len(lengths) > 0 or reject("No pair is short enough to be trained on: raise --max-length.", len(lengths))
        super().__init__(batch_size, seed=seed)
        self.lengths, self.collate = torch.tensor(lengths), collate

    def epoch(self, number: int) -> list[torch.Tensor]:
        """The minibatches of an epoch, as numbers of examples."""
        rng = self.epoch_rng(number)
        order = torch.randperm(len(self.lengths), generator=rng)
        pools = [pool[self.lengths[pool].argsort(stable=True)] for pool in order.split(POOL * self.batch_size)]
        batches = [batch for pool in pools for batch in pool.split(self.batch_size)]
        whole = [batch for batch in batches if len(batch) == self.batch_size]
        batches = whole or [order.repeat(self.batch_size)[: self.batch_size]]  # fewer examples than a batch has
        return [batches[i] for i in torch.randperm(len(batches), generator=rng).tolist()]

    def generate(self) -> Iterator[dict[str, torch.Tensor]]:
        number, first = divmod(self.position, len(self.epoch(0)))
        while True:
            for batch in self.epoch(number)[first:]:
                yield self.collate(self.local_slice(batch).tolist(), hash((self.seed, number)))
            number, first = number + 1, 0


def build_batches(
    pairs: Pairs, directions: Sequence[str], vocabularies: Vocabularies, config: Config,
    *, seed: int, device: torch.device | str,
) -> BucketedBatches:  # fmt: skip
    """Training minibatches of all directions, with words to copy and subwords split at random, as the Config says."""
    encoded = [pair for direction in directions for pair in encode_pairs(pairs, direction, vocabularies)]
    encoded = [pair for pair in encoded if max(map(len, pair[0])) <= config.max_length]
    lengths = [len(plain[1]) * (config.max_length + 1) + len(plain[0]) for plain, _ in encoded]  # the target's first

    def collate(numbers: list[int], seed: int) -> Batch:
        sources, targets = [], []
        for i in numbers:
            rng = random.Random(hash((seed, i)))
            source, target = encoded[i][rng.random() < config.copy_probability]
            if config.subword_dropout:
                source = vocabularies.source.split(source, config.subword_dropout, rng)
                target = vocabularies.target.split(target, config.subword_dropout, rng)
            sources.append(source)
            targets.append(target)
        return to_device({"source": pad(sources), "target": pad(targets)}, device)

    return BucketedBatches(lengths, collate, config.batch_size, seed=seed)


def encode_pairs(pairs: Pairs, direction: str, vocabularies: Vocabularies) -> list[tuple[Tokens, Tokens]]:
    """Source and target tokens of each pair, plainly and with the words that stand on both sides as tokens to copy."""
    encoded = []
    for source, target in zip(*pairs.sides(direction), strict=True):
        shared = {word for word in find_distinct_words(source) & find_distinct_words(target) if len(word) > 2}
        plain, copying = (
            (vocabularies.encode_source(source, direction, copy)[0], vocabularies.encode_target(target, copy))
            for copy in (set(), shared)
        )
        encoded.append((plain, copying))
    return encoded
