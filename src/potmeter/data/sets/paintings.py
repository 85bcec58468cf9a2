"""Paintings in the public domain, and a pattern that needs no network: what a style is learned from."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import PIL.Image

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.rcc import read_rcc
from potmeter.errors import reject
from potmeter.media import Image

STARRY_NIGHT = "usr/share/doc/opencv-doc/examples/data/starry_night.jpg"
PUZZLES = "usr/share/gcompris-qt/rcc/paintings.rcc"
RESOURCE = "gcompris/src/activities/paintings/resource/"
BOARDS = {"great-wave": 7, "composition": 19}
"""The number of the board that tells where the pieces of a painting are."""
PAINTINGS = ("starry-night", *BOARDS, "waves")
"""Vincent van Gogh, The Starry Night, 1889; Katsushika Hokusai, The Great Wave off Kanagawa, 1831; Wassily Kandinsky,
Composition VIII, 1923; and drawn waves."""
SCALE = 702, 515
"""Width and height in pixels of a board, which places are fractions of."""
EDGE = 4
"""Pixels at a painting's edge where its pieces do not end alike."""


def load_painting(name: str) -> Image:
    """A painting by name, as large as it can be had, about 700 pixels wide.

    Raises:
        UserError: There is none of that name, or it must be fetched and cannot.
    """
    if name == "starry-night":
        return Image.open(fetch("starry-night") / STARRY_NIGHT)
    if name in BOARDS:
        return assemble(read_rcc(fetch("paintings") / PUZZLES), BOARDS[name])
    if name == "waves":
        return draw_waves()
    reject(f"The paintings are {', '.join(PAINTINGS)}.", name)


def assemble(files: dict[str, bytes], number: int) -> Image:
    """The painting whose pieces a board of GCompris' puzzles places."""
    board = files[f"{RESOURCE}board/board{number}_0.qml"].decode()
    canvas = PIL.Image.new("RGBA", SCALE)
    for text in re.findall(r"\{[^{}]*\.webp[^{}]*\}", board):
        entry = json.loads(text)
        piece = PIL.Image.open(io.BytesIO(files[RESOURCE + entry["pixmapfile"]])).convert("RGBA")
        middle = float(entry["x"]) * SCALE[0], float(entry["y"]) * SCALE[1]
        canvas.alpha_composite(piece, (round(middle[0] - piece.width / 2), round(middle[1] - piece.height / 2)))
    covered = np.asarray(canvas)[..., 3] > 0
    rows, columns = (np.flatnonzero(covered.mean(axis) > 0.5) for axis in (1, 0))
    box = columns[0] + EDGE, rows[0] + EDGE, columns[-1] + 1 - EDGE, rows[-1] + 1 - EDGE
    return Image.from_pil(canvas.crop(box))


def draw_waves(size: int = 256) -> Image:
    """Wavy stripes in four colours with dark outlines."""
    y, x = np.mgrid[:size, :size] / size
    phase = 10 * (y + 0.06 * np.sin(2 * np.pi * (3 * x + y)))
    colours = np.array([(24, 48, 110), (226, 170, 60), (190, 60, 50), (236, 226, 200)])
    pixels = colours[phase.astype(int) % 4]
    pixels[phase % 1 < 0.15] = (20, 16, 24)
    return Image(pixels.astype(np.uint8))
