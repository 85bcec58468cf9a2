"""Jane Austen's six novels, as running text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.rdata import read_rdb
from potmeter.errors import reject

FOLDER = "usr/lib/R/site-library/janeaustenr/data"
LIFETIME = ("sensesensibility", "prideprejudice", "mansfieldpark", "emma")
"""The four she saw published (1811 to 1815): what is trained on."""
POSTHUMOUS = ("northangerabbey", "persuasion")
"""The two published after her death (1817): held out whole, the first for validation, the second for testing."""


def austen() -> dict[str, str]:
    """The novels by name, in the order of publication; paragraphs are lines, with an empty line between them.

    Raises:
        UserError: when the package cannot be fetched, or does not hold the six novels.

    Example:
        >>> austen()["prideprejudice"].splitlines()[10][:38]  # doctest: +SKIP
        'It is a truth universally acknowledged'
    """
    books = read_rdb(fetch("austen") / FOLDER / "Rdata.rdb")
    return {name: join_lines(novel_lines(books, name)) for name in (*LIFETIME, *POSTHUMOUS)}


def novel_lines(books: dict, name: str) -> list[str]:
    """A novel's printed lines."""
    lines = books.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        reject("The database does not hold the novel.", name)
    return lines


def join_lines(lines: Iterable[str]) -> str:
    """Printed lines as running text: a paragraph's are joined by one space, as sentences are; empty lines part them."""
    return "\n\n".join(paragraphs(lines)) + "\n"


def paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """Paragraphs, each as one line."""
    held: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            held += line.split()
        elif held:
            yield " ".join(held)
            held = []
