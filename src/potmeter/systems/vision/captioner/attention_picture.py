"""Where the captioner looked for each word: its picture once for each, brightest where the attention is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from jaxtyping import Float
from torch import Tensor

from potmeter.media import Image

CELL, LABEL, GAP = 224, 34, 10
"""Pixels of a word's picture, of the word below it, and between two."""
COLUMNS = 4
DARK = 0.22
"""Share of its light that a place without attention keeps."""
INK = (31, 41, 51)


def draw_attention(image: Image, words: Sequence[str], weights: Float[Tensor, "t p"]) -> Image:
    """The whole picture, and for each word the picture lit by the attention weights of its step.

    Args:
        image: What was looked at, square.
        words: The words, the end among them.
        weights: The attention weights of each over the P = side² places.
    """
    import matplotlib

    font_file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")  # which has accents
    font = PIL.ImageFont.truetype(font_file, 18)
    picture = image.pil().resize((CELL, CELL), PIL.Image.Resampling.BICUBIC)
    cells = [(picture, "")]
    cells += [(light(picture, row), word) for word, row in zip(words, weights.float().cpu().numpy(), strict=True)]
    columns, rows = min(COLUMNS, len(cells)), -(-len(cells) // COLUMNS)
    page = PIL.Image.new("RGB", (columns * (CELL + GAP) + GAP, rows * (CELL + LABEL + GAP) + GAP), "white")
    draw = PIL.ImageDraw.Draw(page)
    for number, (cell, word) in enumerate(cells):
        left, top = GAP + number % COLUMNS * (CELL + GAP), GAP + number // COLUMNS * (CELL + LABEL + GAP)
        page.paste(cell, (left, top))
        draw.text((left + CELL / 2, top + CELL + LABEL / 2), word, fill=INK, font=font, anchor="mm")
    return Image.from_pil(page)


def light(picture: PIL.Image.Image, weights: np.ndarray) -> PIL.Image.Image:
    """A picture as bright as the weights (P,) of its places, smoothed between them; the largest is as it is."""
    side = round(len(weights) ** 0.5)
    grid = PIL.Image.fromarray((weights / weights.max()).reshape(side, side).astype(np.float32))
    smooth = np.asarray(grid.resize(picture.size, PIL.Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    pixels = np.asarray(picture, np.float32) * (DARK + (1 - DARK) * smooth)
    return PIL.Image.fromarray(pixels.round().astype(np.uint8))
