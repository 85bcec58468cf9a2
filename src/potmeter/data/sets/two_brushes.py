"""Discs, squares and triangles painted with two brushes, generated: one fills evenly, the other shades and outlines."""

from __future__ import annotations

import numpy as np
import torch

from potmeter.data.splits import Splits, TensorData
from potmeter.data.two_styles import TwoStyles

STYLES = "even", "shaded"
COUNTS = {"train": 256, "valid": 32, "test": 64}
"""Pictures of each part; those for training are different ones in each style."""
OUTLINE = 0.12
"""Width of an outline, as a share of the thing's radius."""


def two_brushes(size: int = 32) -> Splits:
    """Pictures in two styles, unpaired for training and paired for testing.

    Args:
        size: Side in pixels.

    Returns:
        Splits of ``TwoStyles`` of TensorData with ``image`` uint8 (N, 3, size, size).
    """
    train = TwoStyles(draw_things("even", "train first", size), draw_things("shaded", "train second", size), STYLES)
    valid, test = (
        TwoStyles(draw_things("even", part, size), draw_things("shaded", part, size), STYLES, paired=True)
        for part in ("valid", "test")
    )
    return Splits(train, valid, test, dataset="two-brushes")


def draw_things(style: str, part: str, size: int) -> TensorData:
    """The things of a part, in a style."""
    rng = np.random.default_rng(list(part.encode()))
    pictures = [draw_thing(style, rng, size) for _ in range(COUNTS[part.split()[0]])]
    return TensorData(image=torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous())


def draw_thing(style: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """A thing of random kind, place, size and colour on white, uint8 (size, size, 3)."""
    kind, radius = rng.integers(3), rng.uniform(0.25, 0.42)
    middle, colour = 0.5 + rng.uniform(-0.08, 0.08, 2), rng.uniform(0.15, 0.9, 3)
    y, x = ((np.mgrid[:size, :size] + 0.5) / size - middle[:, None, None]) / radius  # the thing reaches to about 1
    distance = (np.hypot(x, y), np.maximum(abs(x), abs(y)), np.maximum(abs(x) * 0.87 + y / 2, -y))[kind]
    soft = 2 / (size * radius)  # so wide are edges

    def inside(level: float) -> np.ndarray:
        return np.clip((level - distance) / soft + 0.5, 0, 1)[..., None]

    picture = np.ones((size, size, 3))
    if style == "even":
        painted = picture + inside(0.85) * (colour - picture)
    else:
        lit = np.clip(colour * (1.15 - 0.45 * y[..., None]) + 0.1, 0, 1)  # light falls from above
        painted = picture + inside(0.85 + OUTLINE) * (0.35 * colour - picture)
        painted = painted + inside(0.85 - OUTLINE) * (lit - painted)
    return (255 * painted).round().astype(np.uint8)
