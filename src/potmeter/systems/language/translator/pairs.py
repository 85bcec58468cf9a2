"""Pairs of sentences: english-hungarian, rows of digits, or two aligned files of one's own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from potmeter.data.files import content_digest
from potmeter.data.fingerprint import digest
from potmeter.data.sets.english_hungarian import english_hungarian
from potmeter.data.splits import Splits
from potmeter.data.texts import TextFiles
from potmeter.errors import reject
from potmeter.media import Text

Pair = tuple[str, str]

MAX_HELD_OUT = 2000
"""Most pairs of a user's files that are held out for validation, and as many for testing."""
MAX_CHARACTERS = 2000
"""Most characters of a sentence."""
REVERSED_COUNTS = {"train": 20_000, "valid": 200, "test": 400}


@dataclass(frozen=True)
class Pairs:
    """Sentences of two languages."""

    pairs: tuple[Pair, ...]
    languages: tuple[str, str]
    digests: tuple[str, ...] = ()
    """Of a user's files: one of the whole of each."""

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


def load_pairs(source: str, target: str | None) -> Splits:
    """Training, validation and test pairs by a word, or of two aligned text files.

    Args:
        source: ``english-hungarian``; ``reverse``: rows of digits, and the same from behind; or a text file.
        target: The file whose lines translate those of ``source``.

    Raises:
        UserError: When a file is missing or no UTF-8 text, or their lines are not as many.
    """
    if source in ("english-hungarian", "reverse"):
        parts = english_hungarian() if source == "english-hungarian" else generate_reversed_digits()
        languages = ("en", "hu") if source == "english-hungarian" else ("digits", "reversed")
        train, valid, test = (Pairs(tuple(parts[name]), languages) for name in ("train", "valid", "test"))
        return Splits(train, valid, test, dataset=source)
    if target is None:
        reject("Two aligned files are needed: name the other one with --target-file.", source)
    return read_aligned_files(Path(source), Path(target))


def read_aligned_files(source: Path, target: Path) -> Splits:
    """Pairs of the lines of two files; of the last tenth half validates and half tests, drawn by a fixed seed.

    Pairs of which a side is empty, or longer than any sentence, are left out; equal pairs are kept once.
    """
    sides = [[line.strip() for line in Text.open(path).lines] for path in (source, target)]
    len(sides[0]) == len(sides[1]) or reject(
        f"{source} and {target} must have the same number of lines.", f"{len(sides[0]):,} and {len(sides[1]):,}"
    )
    pairs = [
        *dict.fromkeys(
            pair for pair in zip(*sides, strict=True) if all(0 < len(side) <= MAX_CHARACTERS for side in pair)
        )
    ]
    random.Random(0).shuffle(pairs)
    held = min(len(pairs) // 20, MAX_HELD_OUT)
    held >= 1 or reject(
        f"{source} and {target} must have at least 20 pairs of lines of 1 to {MAX_CHARACTERS:,} characters.", len(pairs)
    )
    names = [path.suffix[1:] or path.stem for path in (source, target)]
    languages = (names[0], names[1]) if names[0] != names[1] else ("source", "target")
    train = pairs[: -2 * held]
    trained = {side for pair in train for side in pair}  # such a sentence is not measured
    valid, test = (
        [pair for pair in part if not trained & set(pair)] for part in (pairs[-2 * held : -held], pairs[-held:])
    )
    (valid and test) or reject("All sentences held out are trained on too; there is nothing to measure.", str(source))
    digests = tuple(map(content_digest, (source, target)))
    whole = TextFiles(
        (source,), lambda _: Pairs(tuple(pairs), languages)
    )  # one file tells whether both were trained on
    return Splits(
        Pairs(tuple(train), languages, digests),
        Pairs(tuple(valid), languages),
        Pairs(tuple(test), languages),
        unsplit=whole,
    )


def generate_reversed_digits() -> dict[str, list[Pair]]:
    """Rows of 2 to 8 digits, and the same from behind; no row is in two parts, but for the shortest."""
    rng, seen = random.Random(0), set()
    parts: dict[str, list[Pair]] = {name: [] for name in ("test", "valid", "train")}
    for name, part in parts.items():
        while len(part) < REVERSED_COUNTS[name]:
            digits = [str(rng.randrange(10)) for _ in range(rng.randint(2, 8))]
            if (row := " ".join(digits)) not in seen:
                part.append((row, " ".join(digits[::-1])))
                seen |= {row} if len(digits) > 3 or name != "train" else set()  # there are few short ones
    return parts
