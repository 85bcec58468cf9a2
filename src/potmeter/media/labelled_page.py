"""A labelled page of pictures: rows with headings, and a caption below each picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from potmeter.media.image import Image

INK, FAINT = (30, 30, 30), (110, 110, 110)
GAP = 12
MARGIN = 20


def labelled_page(rows: Sequence[tuple[str, Sequence[tuple[Image, str]]]]) -> Image:
    """Rows of pictures under a heading, each picture with a line of text below it.

    Args:
        rows: Heading, and pictures with their captions; an empty heading or caption takes no room.
    """
    width = max(sum(picture.size[0] + GAP for picture, _ in cells) - GAP for _, cells in rows) + 2 * MARGIN
    strips = [page_row(title, cells, width) for title, cells in rows]
    whole = PIL.Image.new("RGB", (width, sum(strip.height for strip in strips) + MARGIN), "white")
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return Image.from_pil(whole)


def page_row(title: str, cells: Sequence[tuple[Image, str]], width: int) -> PIL.Image.Image:
    """One row of a page."""
    head = MARGIN + (28 if title else 0)
    foot = 26 if any(caption for _, caption in cells) else GAP
    height = max(picture.size[1] for picture, _ in cells)
    out = PIL.Image.new("RGB", (width, head + height + foot), "white")
    draw = PIL.ImageDraw.Draw(out)
    draw.text((MARGIN, MARGIN - 2), title, fill=INK, font=font(17))
    left = MARGIN
    for picture, caption in cells:
        out.paste(picture.pil(), (left, head))
        draw.text((left + picture.size[0] / 2, head + height + 5), caption, fill=FAINT, font=font(14), anchor="mt")
        left += picture.size[0] + GAP
    return out


@cache
def font(size: int) -> Any:
    """Pillow's own font, decoded once: a film writes with it on each frame."""
    return PIL.ImageFont.load_default(size)
