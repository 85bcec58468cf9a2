"""Masks on disk: the index of a class at every pixel, in grey or with a palette; or a grey picture for each class."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from potmeter.data.mask_data import VOID
from potmeter.errors import reject
from potmeter.media import read_bytes
from potmeter.media.image import open_safely
from potmeter.media.labels import read_indices

CHECK_SECONDS = 20.0
"""Longest time that masks are looked through for their values; of very many, the last are told when their turn comes."""


def find_values(masks: Sequence[Path]) -> frozenset[int]:
    """The values that stand in masks, for some seconds at most."""
    values, until = set[int](), time.monotonic() + CHECK_SECONDS
    for path in masks:
        values |= set(np.unique(open_indices(path)).tolist())
        if time.monotonic() > until:
            break
    return frozenset(values)


def open_indices(path: Path) -> np.ndarray:
    """The values (H, W) of a mask's file. Raises UserError when it is broken, or in colour."""
    with open_safely(read_bytes(path), path) as picture:
        if picture.mode in ("RGB", "RGBA", "LA"):
            values = np.array(picture.convert("RGB"))
            if (values == values[..., :1]).all():  # grey, saved as colour
                return values[..., 0]
        return read_indices(picture, str(path))


def read_index_mask(path: Path, shape: tuple[int, int], count: int, *, binary: bool) -> np.ndarray:
    """A mask of indices. Raises UserError for another size than the picture's, and for a value without a class."""
    values = open_indices(path)
    check_shape(path, values, shape)
    if binary:
        values = (values == 255).astype(np.uint8)
    strange = values[(values >= count) & (values != VOID)]
    if strange.size:
        reject(f"{path} has a value without a class: there are {count}, numbered from 0.", int(strange[0]))
    return values


def read_class_masks(own: dict[str, Path], shape: tuple[int, int], classes: tuple[str, ...]) -> np.ndarray:
    """One mask from a grey one for each class, bright where it is."""
    whole = np.zeros(shape, np.uint8)
    for name in sorted(own):
        values = open_indices(own[name])
        check_shape(own[name], values, shape)
        bright = values >= 128 if values.max() > 1 else values == 1
        whole[bright] = classes.index(name) if name in classes else reject(f"{own[name]} is of no class.", name)
    return whole


def check_shape(path: Path, values: np.ndarray, shape: tuple[int, int]) -> None:
    """Raise UserError where a mask has another size than its picture."""
    if values.shape != shape:
        reject(
            f"{path} must be as large as its picture, {shape[1]} × {shape[0]} pixels.",
            f"{values.shape[1]} × {values.shape[0]}",
        )
