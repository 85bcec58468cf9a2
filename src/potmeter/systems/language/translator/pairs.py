"""Pairs of sentences: where they come from, and batches of about equally long ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.fingerprint import digest
from potmeter.data.sets.english_hungarian import english_hungarian
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Text

Pair = tuple[str, str]

HELD = 2000
"""Most pairs of a user's files that are held out for validation, and as many for testing."""
CHARACTERS = 2000
"""Most characters of a sentence."""
POOL = 50
"""Batches' worth of pairs that are sorted by length together."""
REVERSED = {"train": 20_000, "valid": 200, "test": 400}


@dataclass(frozen=True)
class Pairs:
    """Sentences of two languages."""

    pairs: tuple[Pair, ...]
    languages: tuple[str, str]

    def __len__(self) -> int:
        return len(self.pairs)

    def select(self, indices: Sequence[int]) -> Pairs:
        """Only these pairs."""
        return Pairs(tuple(self.pairs[i] for i in indices), self.languages)

    def head(self, n: int) -> Pairs:
        """The first ``n`` pairs."""
        return Pairs(self.pairs[:n], self.languages)

    def fingerprint(self) -> str:
        """A digest of the sentences."""
        return digest([self.languages, self.pairs])

    def sides(self, direction: str) -> tuple[list[str], list[str]]:
        """Sources and references of a direction."""
        one, other = [a for a, _ in self.pairs], [b for _, b in self.pairs]
        return (one, other) if direction == "-".join(self.languages) else (other, one)


def pairs_of(source: str, target: str | None) -> Splits:
    """Training, validation and test pairs by a word, or of two aligned text files.

    Args:
        source: ``english-hungarian``; ``reverse``: rows of digits, and the same from behind; or a text file.
        target: The file whose lines translate those of ``source``.

    Raises:
        UserError: When a file is missing or no UTF-8 text, or their lines are not as many.
    """
    if source in ("english-hungarian", "reverse"):
        parts = english_hungarian() if source == "english-hungarian" else reversed_digits()
        languages = ("en", "hu") if source == "english-hungarian" else ("digits", "reversed")
        train, valid, test = (Pairs(tuple(parts[name]), languages) for name in ("train", "valid", "test"))
        return Splits(train, valid, test, origin=source)
    if target is None:
        reject("Two aligned files are needed: name the other one with --target-file.", source)
    return aligned(Path(source), Path(target))


def aligned(source: Path, target: Path) -> Splits:
    """Pairs of the lines of two files; of the last tenth half validates and half tests, drawn by a fixed seed.

    Pairs of which a side is empty, or longer than any sentence, are left out; equal pairs are kept once.
    """
    sides = [[line.strip() for line in Text.open(path).lines] for path in (source, target)]
    len(sides[0]) == len(sides[1]) or reject(
        f"{source} and {target} must have the same number of lines.", f"{len(sides[0]):,} and {len(sides[1]):,}"
    )
    found = [
        *dict.fromkeys(pair for pair in zip(*sides, strict=True) if all(0 < len(side) <= CHARACTERS for side in pair))
    ]
    random.Random(0).shuffle(found)
    held = min(len(found) // 20, HELD)
    held >= 1 or reject(
        f"{source} and {target} must have at least 20 pairs of lines of 1 to {CHARACTERS:,} characters.", len(found)
    )
    names = [path.suffix[1:] or path.stem for path in (source, target)]
    languages = (names[0], names[1]) if names[0] != names[1] else ("source", "target")
    train = found[: -2 * held]
    known = {side for pair in train for side in pair}  # a sentence that is trained on is not measured
    valid, test = (
        [pair for pair in part if not known & set(pair)] for part in (found[-2 * held : -held], found[-held:])
    )
    (valid and test) or reject("All sentences held out are trained on too; there is nothing to measure.", str(source))
    parts = [Pairs(tuple(part), languages) for part in (train, valid, test)]
    return Splits(parts[0], parts[1], parts[2])


def reversed_digits() -> dict[str, list[Pair]]:
    """Rows of 2 to 10 digits, and the same from behind; no row is in two parts."""
    rng, seen = random.Random(0), set()
    parts: dict[str, list[Pair]] = {name: [] for name in ("test", "valid", "train")}
    for name, part in parts.items():
        while len(part) < REVERSED[name]:
            digits = [str(rng.randrange(10)) for _ in range(rng.randint(2, 8))]
            if (row := " ".join(digits)) not in seen:
                part.append((row, " ".join(digits[::-1])))
                seen |= {row} if len(digits) > 3 or name != "train" else set()  # there are few short ones
    return parts


class Buckets(ResumableBatches):
    """Batches of encoded examples, without end, each of about equally long ones, so that little is padding.

    In an epoch every example comes once, but for those that are left over, fewer than a batch, in an order that depends
    on the seed and the epoch only.

    Args:
        lengths: Of the examples.
        collate: Examples by their numbers, and the epoch's seed for what is random in each, as a batch.
        batch_size: Examples in a batch, over all processes together.
        seed: Of the order.
    """

    def __init__(self, lengths: Sequence[int], collate: Any, batch_size: int, *, seed: int = 0) -> None:
        len(lengths) > 0 or reject("No pair is short enough to be trained on: raise --longest.", len(lengths))
        super().__init__(batch_size, seed=seed)
        self.lengths, self.collate = torch.tensor(lengths), collate

    def epoch(self, number: int) -> list[torch.Tensor]:
        """The batches of an epoch."""
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
