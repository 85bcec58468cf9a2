"""A medium as the page shows it: its HTML and how large it should stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.presentation.markup import Html, escape, join, tag

MAX_WIDTH, MAX_HEIGHT = 880, 420
"""Pixels of the page that a picture may fill; small ones are enlarged towards these by whole factors."""
MAX_MAGNIFICATION = 8
"""Largest factor by which a small picture is enlarged."""
MAX_INPUT_SIDE = 960
"""Longest side, in pixels, of a photo shown as an input: so that the page stays a few megabytes."""
MAX_INPUTS = 12
"""A list of pictures shows so many of them, and the number of the others."""


@dataclass(frozen=True)
class Figure:
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


def make_figure(medium: media.Medium, name: str = "", *, rows: int | None = None) -> Figure:
    """A result's medium, enlarged or marked as wide by what it is.

    Args:
        medium: What is shown.
        name: Of the field it stands in.
        rows: Of a longer table only so many are shown, and the others folded away.
    """
    kind, wide, width, html = type(medium).__name__.lower(), isinstance(medium, media.Chart), None, Html(medium.html())
    if isinstance(medium, media.Image | media.Video):
        columns, lines = medium.size if isinstance(medium, media.Image) else medium.frames.shape[2:0:-1]
        width = columns * magnification(columns, lines)
        wide = width > MAX_WIDTH // 2
    elif isinstance(medium, media.Text) and is_code(medium.text):
        kind, html = "text code", fold_code(medium)
    elif isinstance(medium, media.Text):
        wide = len(medium.text) > 280
    elif isinstance(medium, media.Table):
        wide = len(medium.columns) > 4 or sum(map(len, map(str, medium.rows[0] if medium.rows else ()))) > 60
        html = fold_table(medium, rows) if rows and len(medium.rows) > rows + 2 else html
    return Figure(name, kind, html, medium.json(), width, wide)


def is_code(text: str) -> bool:
    """Whether a text is one endless word, for a program to read and nobody else."""
    return len(text) > 60 and len(text.split()) == 1


def fold_code(medium: media.Text) -> Html:
    """A code's length, to be opened."""
    return tag("details", tag("summary", f"a code of {len(medium.text):,} characters"), Html(medium.html()))


def fold_table(medium: media.Table, rows: int) -> Html:
    """The first rows of a table, and the whole of it to be opened."""
    first = media.Table(medium.columns, medium.rows[:rows])
    summary = tag("summary", f"all {len(medium.rows):,} rows")
    return join(Html(first.html()), tag("details", summary, Html(medium.html())))


def magnification(columns: int, rows: int) -> int:
    """The whole factor by which a picture is enlarged on the page: 1 for all but small ones."""
    if max(columns, rows) >= 256:
        return 1
    return max(1, min(MAX_MAGNIFICATION, MAX_WIDTH // columns, MAX_HEIGHT // rows))


def make_input_figures(p: Parameter, value: Any) -> list[Figure]:
    """What went in: media as themselves, text quoted. Numbers and choices stand in the command already."""
    if value is None or not (p.medium or (p.type is str and p.choice is None)):
        return []
    items = list(value) if p.many else [value]
    shown = [make_input_figure(item, p.name) for item in items[:MAX_INPUTS]]
    if len(items) > MAX_INPUTS:
        shown.append(Figure("", "more", escape(f"and {len(items) - MAX_INPUTS} more")))
    return shown


def make_input_figure(item: Any, name: str) -> Figure:
    """One medium or text that went in."""
    if isinstance(item, str | media.Text):
        return Figure(name, "quoted", escape(item))
    return make_figure(shrink_photo(item), name)


def shrink_photo(medium: media.Medium) -> media.Medium:
    """A photo at the size the page can show; anything else as it is."""
    if not isinstance(medium, media.Image) or max(medium.size) <= MAX_INPUT_SIDE:
        return medium
    picture = medium.pil()
    picture.thumbnail((MAX_INPUT_SIDE, MAX_INPUT_SIDE))
    return media.Image.from_pil(picture)


def render_figure(figure: Figure) -> Html:
    """A medium with its name below it."""
    if figure.kind == "quoted":
        return tag("blockquote", figure.html)
    if figure.kind == "more":
        return tag("p", figure.html, class_="more")
    label = tag("figcaption", figure.name.replace("_", " ")) if figure.name else None
    width = f"--width: {figure.width}px" if figure.width else None
    return tag("figure", figure.html, label, class_=f"medium {figure.kind}", style=width)
