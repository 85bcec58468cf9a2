"""HTML as nested calls. Whatever is not already HTML is escaped: captions, names and texts are anybody's."""

from __future__ import annotations

import html
import re

EMPTY = {"br", "hr", "link", "meta"}
"""Elements without an end tag."""


class Html(str):
    """Text that is HTML already. Only ``tag``, ``join`` and a medium's own ``html()`` make it."""

    __slots__ = ()


def escape(child: object) -> Html:
    """A child of an element as HTML: itself when it is HTML, otherwise escaped."""
    return child if isinstance(child, Html) else Html(html.escape(str(child)))


def join(*children: object, between: str = "") -> Html:
    """Several children in a row; None is left out."""
    return Html(html.escape(between).join(escape(child) for child in children if child is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element.

    Args:
        name: As in HTML.
        children: HTML, or anything else, whose text is escaped; None is left out.
        attributes: A trailing underscore is dropped (``class_``), other underscores become hyphens; None is left out.

    Example:
        >>> tag("p", "1 < 2 ", tag("b", "yes"), class_="note")
        '<p class="note">1 &lt; 2 <b>yes</b></p>'
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opening = "".join(f' {key}="{html.escape(str(value))}"' for key, value in given.items())
    return Html(f"<{name}{opening}>" if name in EMPTY else f"<{name}{opening}>{join(*children)}</{name}>")


def prose(text: str) -> Html:
    """A docstring's text, with what stands between double (or single) backquotes as code."""
    pieces = re.split(r"``(.+?)``|`(.+?)`", text)
    # re.split gives text, first group, second group, text, …: of each pair of groups one is None
    return join(
        *(tag("code", piece) if place % 3 else piece for place, piece in enumerate(pieces) if piece is not None)
    )
