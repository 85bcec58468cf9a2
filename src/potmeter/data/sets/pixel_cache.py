"""Pictures that were drawn once, as one array in the cache."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from potmeter.errors import UserError, reject


def write_pixels(path: Path, pixels: np.ndarray) -> None:
    """Write the array aside, and rename it: what is in the cache is whole."""
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        np.save(aside, pixels)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None


def read_pixels(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The array in the cache, uint8. Raises UserError when it is not what was written."""
    try:
        pixels: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is damaged: delete it, and it is drawn anew.", received=str(error)[:80]) from None
    if pixels.shape != shape or pixels.dtype != np.uint8:
        reject(f"{path} holds other pictures: delete it, and they are drawn anew.", f"{pixels.dtype} {pixels.shape}")
    return pixels
