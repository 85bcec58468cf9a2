"""Discs among squares of any colour, on any background: only the form says which is which. Generated, without network."""

from __future__ import annotations

import numpy as np
import torch

from potmeter.data.mask_data import MaskData
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits
from potmeter.errors import reject

COUNTS = {"train": 800, "valid": 100, "test": 200}


def shapes(size: int = 32) -> Splits:
    """Pictures with discs and squares, and masks of the discs.

    Args:
        size: Side in pixels.

    Returns:
        MaskData with ``image`` uint8 (N, 3, size, size) and ``mask``, 1 where there is a disc.

    Example:
        >>> shapes().train[0]["mask"].shape
        torch.Size([32, 32])
    """
    size >= 16 or reject("Shapes take at least 16 pixels a side.", size)
    rng, parts = np.random.default_rng(0), {}
    for part, count in COUNTS.items():
        drawn = [draw(rng, size) for _ in range(count)]
        image, mask = (torch.from_numpy(np.stack(each)) for each in zip(*drawn, strict=True))
        parts[part] = MaskData(
            classes=DATA_SETS["shapes"].classes, image=image.permute(0, 3, 1, 2).contiguous(), mask=mask
        )
    return Splits(**parts, dataset="shapes")


def draw(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) with up to three discs and squares, one upon the other, and the mask of the discs."""
    y, x = np.mgrid[:size, :size]
    image = rng.uniform(0, 255, 3) + rng.normal(0, 8, (size, size, 3))
    mask = np.zeros((size, size), np.uint8)
    for number in range(int(rng.integers(2, 5))):
        radius, centre = rng.uniform(0.12, 0.25) * size, rng.uniform(0.15, 0.85, 2) * size
        disc = number == 0 or bool(rng.random() < 0.5)
        away = (y - centre[0]) ** 2 + (x - centre[1]) ** 2
        inside = away < radius**2 if disc else np.maximum(abs(y - centre[0]), abs(x - centre[1])) < 0.9 * radius
        image[inside] = rng.uniform(0, 255, 3) + rng.normal(0, 8, (int(inside.sum()), 3))
        mask[inside] = disc
    return image.clip(0, 255).astype(np.uint8), mask
