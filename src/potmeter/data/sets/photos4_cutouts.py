"""Lay a cut-out photograph over a background."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image

from potmeter.data.sets.wheel_photos import wheel_photo_path

SCENES = (
    *("china.jpg", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg"),
    *("brick.png", "grass.png", "gravel.png"),
)
"""Photos inside scikit-image and scikit-learn without animals, flowers or fruit, to lay cut-outs over."""

FILL = 0.85
"""Share of the picture's side that the cut-out's longer side takes."""


def compose(path: Path, size: int, background: str) -> np.ndarray:
    """A square picture of the cut-out, in the middle and as large as fits, whatever its size was.

    Without that the category could be told from the size alone: the fruits are small files.

    Args:
        path: A picture with an alpha channel.
        size: Side in pixels.
        background: ``white``, ``plain`` (one random colour) or ``scene`` (a random part of a photo). What is random
            depends on the file's name only, so that a picture is the same in every run.

    Returns:
        uint8 array of shape (size, size, 3).
    """
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    with PIL.Image.open(path) as file:
        cutout = file.convert("RGBA")
    cutout = cutout.crop(cutout.getchannel("A").getbbox())
    scale = FILL * size / max(cutout.size)
    # Pillow weighs colours by alpha here, so that invisible ones outside the outline do not bleed into its edge
    cutout = cutout.resize([max(1, round(n * scale)) for n in cutout.size], PIL.Image.Resampling.BICUBIC)
    canvas = draw_background(background, size, rng)
    canvas.alpha_composite(cutout, ((size - cutout.width) // 2, (size - cutout.height) // 2))
    return np.array(canvas.convert("RGB"))


def draw_background(background: str, size: int, rng: np.random.Generator) -> PIL.Image.Image:
    """The picture that the cut-out is laid over, RGBA."""
    if background == "scene":
        scene = load_scene(SCENES[rng.integers(len(SCENES))])
        side = int(min(scene.size) * rng.uniform(0.5, 1))
        x, y = (int(rng.integers(n - side + 1)) for n in scene.size)
        return scene.resize((size, size), PIL.Image.Resampling.BICUBIC, box=(x, y, x + side, y + side))
    colour = tuple(int(c) for c in rng.integers(256, size=3)) if background == "plain" else (255, 255, 255)
    return PIL.Image.new("RGBA", (size, size), colour)


@cache
def load_scene(name: str) -> PIL.Image.Image:
    """One of ``SCENES``."""
    return PIL.Image.open(wheel_photo_path(name)).convert("RGBA")
