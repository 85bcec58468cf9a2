"""Pages of help in two languages, paragraph by paragraph: LibreOffice's by the names of their elements, GNOME's by place."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from potmeter.errors import UserError

NAMED = re.compile(r'<(p|h\d)\s+id="((?:par|hd)_id\w+)"[^>]*>(.*?)</\1>', re.DOTALL)
"""A paragraph or a heading with a name that is the same in every language."""
TAG = re.compile(r"<[^>]*>")
BLOCKS = ("title", "p", "desc")
"""Elements of GNOME's pages that hold text of their own."""


def named_paragraphs(one: Path, other: Path) -> Iterator[tuple[str, str]]:
    """Paragraphs of two HTML pages that have the same name."""
    theirs = dict(paragraphs(other))
    for name, text in paragraphs(one):
        if name in theirs:
            yield text, theirs[name]


def paragraphs(page: Path) -> Iterator[tuple[str, str]]:
    """The named paragraphs of an HTML page as plain text."""
    for _, name, inside in NAMED.findall(page.read_text(encoding="utf-8", errors="replace")):
        yield name, html.unescape(TAG.sub("", inside))


def placed_paragraphs(one: Path, other: Path) -> Iterator[tuple[str, str]]:
    """Texts at the same places of two Mallard pages; none where their structures differ.

    Raises:
        UserError: When a page is no XML.
    """
    try:
        trees = [[*blocks(ElementTree.parse(page).getroot())] for page in (one, other)]
    except ElementTree.ParseError as error:
        raise UserError(f"{one.name} is no page of help: {error}.", received=one.name) from None
    if [kind for kind, _ in trees[0]] == [kind for kind, _ in trees[1]]:
        yield from ((a, b) for (_, a), (_, b) in zip(*trees, strict=True))


def blocks(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Kind and text of the elements that hold text, from first to last."""
    for element in root.iter():
        kind = str(element.tag).rpartition("}")[2]
        if kind in BLOCKS:
            yield kind, "".join(element.itertext())
