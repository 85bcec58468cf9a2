"""Photographs of all kinds of things, without labels: what a style is learned on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from potmeter.data.fetching.fetch import fetch
from potmeter.data.file_split import hash_fraction
from potmeter.data.formats.rcc import read_rcc
from potmeter.data.sets.gcompris import read_animal_photos
from potmeter.data.sets.wheel_photos import PHOTOS, wheel_photo_path
from potmeter.data.splits import Splits, TensorData
from potmeter.media import Image

TESTED = ("astronaut", "cat", "china", "coffee", "flower", "motorcycle", "rocket")
"""Photographs of scikit-image and scikit-learn that nobody trains on."""
SHARE_ALIKE = ("erase/", "wonders/chichenItza", "wonders/christTheRedeemer", "wonders/tajMahal")
"""Photographs under CC BY-SA, or in a container where most are, that are left out."""
MONUMENTS = "usr/share/gcompris-qt/rcc/explore_monuments.rcc"


def photographs(size: int = 384) -> Splits:
    """GCompris' photographs of landscapes, buildings and animals that are in the public domain or CC0.

    Args:
        size: Side in pixels; they are scaled to cover it, and the middle is cut out.

    Returns:
        Splits of TensorData with ``image`` uint8 (N, 3, size, size): 64 train, 6 valid, and 7 test, the ``TESTED``.
    """
    files = list_free_photographs()
    names = sorted(files, key=hash_fraction)
    pictures = {name: Image.decode(files[name], name) for name in names}
    valid, train = names[:6], names[6:]
    return Splits(
        photo_data(train, [pictures[name] for name in train], size),
        photo_data(valid, [pictures[name] for name in valid], size),
        read_wheel_photos(TESTED, size),
        dataset="photographs",
    )


def list_free_photographs() -> dict[str, bytes]:
    """By name, sorted, GCompris' photographs of landscapes, buildings and animals that are in the public domain or CC0."""
    monuments = {
        "/".join(Path(name).with_suffix("").parts[-2:]): data
        for name, data in read_rcc(fetch("monuments") / MONUMENTS).items()
        if name.endswith(".webp")
    }
    files = read_animal_photos() | monuments
    return {name: files[name] for name in sorted(files) if not name.startswith(SHARE_ALIKE)}


def wheel_photographs(size: int = 128) -> Splits:
    """Photographs of scikit-image and scikit-learn; the ``TESTED`` for testing, three for validation."""
    rest = [name for name in PHOTOS if name not in TESTED]
    return Splits(
        read_wheel_photos(rest[3:], size),
        read_wheel_photos(rest[:3], size),
        read_wheel_photos(TESTED, size),
        dataset="wheel-photos",
    )


def read_wheel_photos(names: Sequence[str], size: int) -> TensorData:
    """Photographs of scikit-image and scikit-learn by name."""
    return photo_data(names, [Image.open(wheel_photo_path(PHOTOS[name])) for name in names], size)


def photo_data(names: Sequence[str], pictures: Sequence[Image], size: int) -> TensorData:
    """TensorData of pictures, brought to size."""
    return TensorData(names=names, image=torch.stack([picture.uint8_tensor(size) for picture in pictures]))
