"""A medium as the page shows it: its HTML and how large it should stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.tour.markup import Html, escape

WIDEST, TALLEST = 880, 420
"""Pixels of the page that a picture may fill; small ones are enlarged towards these by whole factors."""
ENLARGED = 8
"""Largest factor by which a small picture is enlarged."""
LARGEST_INPUT = 960
"""Longest side, in pixels, of a photo shown as an input: so that the page stays a few megabytes."""
ROW = 12
"""A list of pictures shows so many of them, and the number of the others."""


@dataclass(frozen=True)
class Shown:
    """One medium on the page."""

    name: str
    """The parameter's, or the result's field's; empty for a result that is one medium."""
    kind: str
    """The medium's type in lower case, ``quoted`` or ``more``: its class in the style sheet."""
    html: Html
    json: Any = None
    width: int | None = None
    """Pixels to show it with."""
    wide: bool = False
    """Whether it wants the whole width of the page."""


def show(medium: media.Medium, name: str = "") -> Shown:
    """A result's medium, enlarged or marked as wide by what it is."""
    kind, wide, width = type(medium).__name__.lower(), isinstance(medium, media.Chart), None
    if isinstance(medium, media.Image | media.Video):
        columns, rows = medium.size if isinstance(medium, media.Image) else medium.frames.shape[2:0:-1]
        width = columns * magnification(columns, rows)
        wide = width > WIDEST // 2
    elif isinstance(medium, media.Text):
        wide = len(medium.text) > 280
    elif isinstance(medium, media.Table):
        wide = len(medium.columns) > 4
    return Shown(name, kind, Html(medium.html()), medium.json(), width, wide)


def magnification(columns: int, rows: int) -> int:
    """The whole factor by which a picture is enlarged on the page: 1 for all but small ones."""
    if max(columns, rows) >= 256:
        return 1
    return max(1, min(ENLARGED, WIDEST // columns, TALLEST // rows))


def show_input(p: Parameter, value: Any) -> list[Shown]:
    """What went in: media as themselves, text quoted. Numbers and choices stand in the command already."""
    if value is None or not (p.medium or (p.type is str and p.choice is None)):
        return []
    items = list(value) if p.many else [value]
    shown = [show_one(item, p.name) for item in items[:ROW]]
    if len(items) > ROW:
        shown.append(Shown("", "more", escape(f"and {len(items) - ROW} more")))
    return shown


def show_one(item: Any, name: str) -> Shown:
    """One medium or text that went in."""
    if isinstance(item, str | media.Text):
        return Shown(name, "quoted", escape(item))
    return show(reduced(item), name)


def reduced(medium: media.Medium) -> media.Medium:
    """A photo at the size the page can show; anything else as it is."""
    if not isinstance(medium, media.Image) or max(medium.size) <= LARGEST_INPUT:
        return medium
    picture = medium.pil()
    picture.thumbnail((LARGEST_INPUT, LARGEST_INPUT))
    return media.Image.from_pil(picture)
