"""Sentences in English and Hungarian, from the translations of free software: help pages, menus, a fantasy game.

What is held out is held out by whole documents: pages, catalogues of messages, campaigns of the game.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from potmeter.data.fetching.fetch import fetch
from potmeter.data.fetching.packages import WESNOTH
from potmeter.data.formats.gettext import messages
from potmeter.data.formats.help_pages import named_paragraphs, placed_paragraphs
from potmeter.errors import reject

Pair = tuple[str, str]

HELD_OUT_INTERVAL = 30
"""Of so many help pages one is for validation and the next one for testing."""
HELD_OUT = {"basctl": "valid", "wiz": "test", "wesnoth-tsg": "valid", "wesnoth-dm": "test"}
"""The catalogues that are held out: modules of LibreOffice and campaigns of Wesnoth."""
MAX_WORDS = 25
"""Words of a sentence that is trained on; those measured have from 3 to 15."""
MEASURED_LENGTHS = range(3, 16)
SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)]?\s+(?=[\"“„(—–]?[^\W\d_a-záéíóöőúüű])")
MARKUP = re.compile(r"<[^<>]*>|^\w+\^|(?<!\w)[~_](?=\w)|(?<=\w)~(?=\w)")
"""Tags; Wesnoth's ``female^``; the sign before a menu's shortcut."""
UNFIT = re.compile(r"[$%{}<>|\\=\[\]@#\t~]|\w_\w|https?:|\.\w+/|\b\w+\(\)|\.\.\.\.")
"""Placeholders, code and addresses: a pair with one of them is left out."""
LETTERS = re.compile(r"[^\W\d_]+")


@cache
def english_hungarian() -> dict[str, list[Pair]]:
    """The pairs of each part; an English or a Hungarian sentence that is trained on is not measured.

    Returns:
        ``train``, ``valid`` and ``test``; every English sentence once.

    Raises:
        UserError: When a package cannot be fetched, or does not hold what it should.
    """
    parts: dict[str, list[Pair]] = {"train": [], "valid": [], "test": []}
    seen: dict[str, set[str]] = {"english": set(), "hungarian": set()}
    ordered = sorted(documents(), key=lambda document: list(parts).index(document[0]))  # training first
    for part, pairs in ordered:
        for english, hungarian in sentences(pairs):
            sides = {comparison_key(english), comparison_key(hungarian)}
            if comparison_key(english) in seen["english"]:
                continue
            if part != "train" and (
                sides & (seen["english"] | seen["hungarian"]) or not is_measured(english, hungarian)
            ):
                continue
            seen["english"].add(comparison_key(english))
            seen["hungarian"].add(comparison_key(hungarian))
            parts[part].append((english, hungarian))
    return {part: pairs or reject("The packages do not hold the texts.", part) for part, pairs in parts.items()}


def documents() -> Iterator[tuple[str, Iterable[Pair]]]:
    """All documents, each with the part it belongs to."""
    pages = [*libreoffice_help(), *gnome_help()]
    held_out = {HELD_OUT_INTERVAL - 2: "valid", HELD_OUT_INTERVAL - 1: "test"}
    for number, page in enumerate(pages):
        yield held_out.get(number % HELD_OUT_INTERVAL, "train"), page
    for path in catalogues():
        yield HELD_OUT.get(path.stem, "train"), messages(path)


def libreoffice_help() -> Iterator[Iterable[Pair]]:
    """The pages of LibreOffice's help."""
    english, hungarian = (
        fetch(f"libreoffice-help-{tag}") / "usr/share/libreoffice/help" / name / "text"
        for tag, name in (("en", "en-US"), ("hu", "hu"))
    )
    for page in sorted(english.rglob("*.html")):
        if (other := hungarian / page.relative_to(english)).is_file():
            yield named_paragraphs(page, other)


def gnome_help() -> Iterator[Iterable[Pair]]:
    """The pages of GNOME's help."""
    folder = fetch("gnome-help") / "usr/share/help"
    for page in sorted((folder / "C").rglob("*.page")):
        if (other := folder / "hu" / page.relative_to(folder / "C")).is_file():
            yield placed_paragraphs(page, other)


def catalogues() -> Iterator[Path]:
    """The catalogues of LibreOffice's menus and dialogues, and of Wesnoth and its campaigns."""
    for tag in ("libreoffice-hu", *WESNOTH):
        yield from sorted(fetch(tag).rglob("*.mo"))


# From texts to clean sentences -----------------------------------------------------------------------------------


def sentences(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Texts cut into sentences where both have the same number of them, and of these the fit ones."""
    for texts in pairs:
        one, other = ([s for s in SENTENCE_END.split(clean(text)) if s] for text in texts)
        if len(one) != len(other):
            one, other = [" ".join(one)], [" ".join(other)]
        for english, hungarian in zip(one, other, strict=True):
            if is_translation(english, hungarian):
                yield english, hungarian


def clean(text: str) -> str:
    """One line without markup.

    Example:
        >>> clean("female^Elvish <i>Archer</i>\\n")
        'Elvish Archer'
    """
    return " ".join(MARKUP.sub("", text).split())


def is_translation(english: str, hungarian: str) -> bool:
    """Whether two sentences can be translations: words on both sides, not the same ones, of similar length, no code."""
    words = [LETTERS.findall(text.lower()) for text in (english, hungarian)]
    if not all(1 <= len(w) <= MAX_WORDS and len(max(w, key=len)) <= 40 for w in words):
        return False
    shared = len(set(words[0]) & set(words[1])) / len(set(words[1]))
    return (
        shared <= 0.5
        and 0.4 <= (len(hungarian) + 5) / (len(english) + 5) <= 2.5
        and not any(UNFIT.search(text) for text in (english, hungarian))
    )


def is_measured(english: str, hungarian: str) -> bool:
    """Whether a held-out pair is one of those that are measured."""
    return all(len(text.split()) in MEASURED_LENGTHS for text in (english, hungarian))


def comparison_key(text: str) -> str:
    """What two sentences have in common that differ only in case, digits and punctuation."""
    return " ".join(LETTERS.findall(text.lower()))
