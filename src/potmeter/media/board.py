"""A board with pieces, as a picture and as SVG: stones on the crossings of lines, or discs in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from potmeter.media.image import Image

if TYPE_CHECKING:
    import numpy as np
    import PIL.ImageDraw

Look = Literal["crossings", "cells"]
"""Where pieces lie: on the crossings of lines, as in Go, or in cells."""
WOOD, LINE, BLACK, WHITE, MARK = "#e3b565", "#6b4c1e", "#161616", "#f7f5f0", "#c8281e"
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
"""Names of columns: I is left out, as on Go boards, so that none is taken for a 1."""
SCALE = 3
"""A picture is drawn so many times as large, then made smaller, which smooths its edges."""


def draw_board(
    pieces: np.ndarray, look: Look, *, last: int | None = None, shades: np.ndarray | None = None, side: int = 420
) -> Image:
    """A board with its coordinates.

    Args:
        pieces: Whole numbers (rows, columns): 0 empty, 1 black, 2 white.
        look: Where pieces lie.
        last: The cell, counted row by row, of the piece to mark: the last move.
        shades: How strongly each cell is coloured, (rows, columns), 0 to 1: a policy, or visits of a search.
        side: Of the longer side, in pixels.
    """
    import PIL.Image
    import PIL.ImageDraw

    from potmeter.media.labelled_page import font

    rows, columns = pieces.shape
    cell = SCALE * side / (max(rows, columns) + 1)
    size = round(cell * (columns + 1)), round(cell * (rows + 1))
    picture = PIL.Image.new("RGB", size, WOOD)
    draw = PIL.ImageDraw.Draw(picture)
    centre = lambda row, column: ((column + 1) * cell, (row + 0.75) * cell)
    draw_lines(draw, rows, columns, look, cell)
    for row in range(rows):
        draw.text((cell * 0.3, centre(row, 0)[1]), str(rows - row), fill=LINE, font=font(round(cell / 4)), anchor="mm")
    for column in range(columns):
        at = centre(rows - 1, column)[0], size[1] - cell * 0.3
        draw.text(at, LETTERS[column], fill=LINE, font=font(round(cell / 4)), anchor="mm")
    for row in range(rows):
        for column in range(columns):
            (x, y), piece = centre(row, column), int(pieces[row, column])
            if shades is not None and shades[row, column] > 0.005 and not piece:
                share = float(shades[row, column])
                radius = cell * (0.16 + 0.28 * share**0.5)
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=blend(WOOD, "#2f6fdb", share**0.5))
                label = f"{100 * share:.0f}"
                draw.text(
                    (x, y), label, fill="white", font=font(round(cell / 4)), anchor="mm"
                ) if share >= 0.02 else None
            if piece:
                radius = cell * 0.46
                box = (x - radius, y - radius, x + radius, y + radius)
                draw.ellipse(box, fill=(BLACK, WHITE)[piece - 1], outline=LINE, width=SCALE)
            if last == row * columns + column:
                radius = cell * 0.14
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=MARK)
    return Image.from_pil(picture.resize((size[0] // SCALE, size[1] // SCALE), PIL.Image.Resampling.LANCZOS))


def draw_lines(draw: PIL.ImageDraw.ImageDraw, rows: int, columns: int, look: Look, cell: float) -> None:
    """The lines of a board."""
    shift = 0.5 if look == "cells" else 0.0
    left, right = (1 - shift) * cell, (columns + shift) * cell
    top, bottom = (0.75 - shift) * cell, (rows - 0.25 + shift) * cell
    for row in range(rows + (look == "cells")):
        y = (row + 0.75 - shift) * cell
        draw.line((left, y, right, y), fill=LINE, width=SCALE)
    for column in range(columns + (look == "cells")):
        x = (column + 1 - shift) * cell
        draw.line((x, top, x, bottom), fill=LINE, width=SCALE)


def blend(low: str, high: str, share: float) -> tuple[int, ...]:
    """A colour between two, written as #rrggbb."""
    channels = [tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in (low, high)]
    return tuple(round(a + (b - a) * min(max(share, 0), 1)) for a, b in zip(*channels, strict=True))


def svg_board(pieces: np.ndarray, look: Look, last: int | None = None) -> str:
    """The same board as SVG, small enough for a page with one for every move of a game."""
    rows, columns = pieces.shape
    shift = 0.5 if look == "cells" else 0.0
    lines = [f"M{1 - shift} {y + 1 - shift}H{columns + shift}" for y in range(rows + (look == "cells"))]
    lines += [f"M{x + 1 - shift} {1 - shift}V{rows + shift}" for x in range(columns + (look == "cells"))]
    discs = [
        f'<circle cx="{column + 1}" cy="{row + 1}" r=".46" fill="{(BLACK, WHITE)[piece - 1]}"/>'
        for row, line in enumerate(pieces.tolist())
        for column, piece in enumerate(line)
        if piece
    ]
    if last is not None:
        discs.append(f'<circle cx="{last % columns + 1}" cy="{last // columns + 1}" r=".14" fill="{MARK}"/>')
    return (
        f'<svg viewBox="0 0 {columns + 1} {rows + 1}" width="{24 * (columns + 1)}" role="img">'
        f'<rect width="100%" height="100%" fill="{WOOD}"/>'
        f'<path d="{"".join(lines)}" stroke="{LINE}" stroke-width=".03" fill="none"/>{"".join(discs)}</svg>'
    )
