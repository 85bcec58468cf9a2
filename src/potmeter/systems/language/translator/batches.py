"""Pairs of sentences as tokens, and minibatches of about equally long ones."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch

from potmeter.core.training.batches import BucketedBatches
from potmeter.data.batches import Batch, to_device
from potmeter.errors import reject

from .model import Config, pad
from .pairs import Pairs
from .tokenizer import find_distinct_words
from .vocabularies import Vocabularies

Tokens = tuple[list[int], list[int]]
"""Of a source and of its translation."""


def build_batches(
    pairs: Pairs, directions: Sequence[str], vocabularies: Vocabularies, config: Config,
    *, seed: int, device: torch.device | str,
) -> BucketedBatches:  # fmt: skip
    """Training minibatches of all directions, with words to copy and subwords split at random, as the Config says."""
    encoded = [pair for direction in directions for pair in encode_pairs(pairs, direction, vocabularies)]
    encoded = [pair for pair in encoded if max(map(len, pair[0])) <= config.max_length]
    encoded or reject("No pair is short enough to be trained on: raise --max-length.", config.max_length)
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
