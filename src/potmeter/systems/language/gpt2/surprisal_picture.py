"""A picture of a text, every token coloured by its surprisal: how little the model expected it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from potmeter.media import Image

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
FONT_SIZE, LINE_HEIGHT, MARGIN, WIDTH = 19, 32, 24, 880
"""In pixels; the width is that of the whole picture, where nothing else is said."""
SATURATION = 12.0
"""Bits from which on the colour stays the same: one in four thousand."""
MAX_LINES = 200
"""Longer texts are cut here; the table has every token."""
EXPECTED, UNEXPECTED = np.array([255.0, 255.0, 255.0]), np.array([240.0, 120.0, 60.0])
INK, GREY = (28, 28, 28), (120, 120, 120)


def draw_surprisal(spans: Sequence[tuple[str, float]], width: int = WIDTH) -> Image:
    """Draw a text, coloured by surprisal.

    Args:
        spans: The text in parts, each with its surprisal in bits.
        width: Of the picture, in pixels; below 800 the legend is not complete.
    """
    font = PIL.ImageFont.truetype(str(FONT), FONT_SIZE)
    boxes, lines = lay_out(spans, font, width)
    picture = PIL.Image.new("RGB", (width, 2 * MARGIN + LINE_HEIGHT * (lines + 2)), "white")
    draw = PIL.ImageDraw.Draw(picture)
    for text, bits, x, line in boxes:
        y = MARGIN + LINE_HEIGHT * line
        draw.rectangle((x, y, x + font.getlength(text), y + LINE_HEIGHT - 4), fill=colour_of(bits))
        draw.text((x, y + 1), text, INK, font)
    draw_legend(draw, MARGIN + LINE_HEIGHT * (lines + 1), width)
    return Image(np.array(picture))


def lay_out(
    spans: Sequence[tuple[str, float]], font: PIL.ImageFont.FreeTypeFont, width: int
) -> tuple[list[tuple[str, float, float, int]], int]:
    """The boxes to draw, as (text, bits, x, line), and how many lines they fill."""
    boxes: list[tuple[str, float, float, int]] = []
    x, line = float(MARGIN), 0
    for text, bits in spans:
        for number, piece in enumerate(text.replace("\t", "    ").split("\n")):
            if number:
                x, line = float(MARGIN), line + 1
            length = font.getlength(piece)
            if x + length > width - MARGIN and x > MARGIN:
                x, line, piece = float(MARGIN), line + 1, piece.lstrip(" ")
                length = font.getlength(piece)
            if line >= MAX_LINES:
                return boxes, MAX_LINES
            if piece:
                boxes.append((piece, bits, x, line))
            x += length
    return boxes, line + 1


def colour_of(bits: float) -> tuple[int, int, int]:
    """White for what was certain, orange for what nobody could expect."""
    share = min(bits / SATURATION, 1.0)
    red, green, blue = (EXPECTED + share * (UNEXPECTED - EXPECTED)).round().astype(int).tolist()
    return red, green, blue


def draw_legend(draw: PIL.ImageDraw.ImageDraw, y: int, width: int) -> None:
    """What the colours mean, as far as there is room."""
    font, x = PIL.ImageFont.truetype(str(FONT), 13), float(MARGIN)
    for bits, text in ((0, "expected"), (4, "1 in 16"), (8, "1 in 256"), (12, "1 in 4,096 or less")):
        wide = 26 + font.getlength(f"{bits} bits: {text}")
        if x + wide > width - MARGIN:
            return
        draw.rectangle((x, y, x + 18, y + 18), fill=colour_of(bits), outline=GREY)
        draw.text((x + 26, y + 1), f"{bits} bits: {text}", GREY, font)
        x += wide + 42
