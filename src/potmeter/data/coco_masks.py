"""Masks from COCO's JSON: its things painted one over the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potmeter.data.coco_images import locate_images
from potmeter.data.folder import shorten_list
from potmeter.data.formats.coco import Coco, CocoAnnotation, is_visible, rasterise, read_coco
from potmeter.data.mask_data import BACKGROUND, VOID
from potmeter.data.mask_folder_data import ReadMask, Row
from potmeter.errors import reject
from potmeter.notices import note


def coco_rows_by_split(files: dict[str, tuple[Path, Path]], root: Path) -> tuple[dict[str, list[Row]], tuple[str, ...]]:
    """The pictures of COCO's files, by split, and the names of the classes.

    Args:
        files: For each split its file, and the folder in which its pictures are sought.
        root: What messages call it all.

    Raises:
        UserError: When a file is broken, none of its pictures is there, or the splits have different categories.
    """
    rows_by_split: dict[str, list[Row]] = {}
    names: tuple[str, ...] = ()
    dropped = Counter[str]()
    for split, (path, folder) in files.items():
        coco = read_coco(path)
        own = (BACKGROUND, *coco.categories.values())
        not names or names == own or reject(f"{path} has other categories than the other splits.", shorten_list(own))
        len(own) <= VOID or reject("A mask has at most 255 classes.", len(own))
        names = own
        rows = list(coco_rows(path, folder, coco, dropped))
        rows_by_split[split] = rows or reject(
            f"None of the {len(coco.images)} images of {path} is there.", coco.images[0].file_name
        )
    for what, count in dropped.items():
        note(f"{root}: {count:,} {what}.")
    len(set(names)) == len(names) or reject("Two categories have one name.", shorten_list(names))
    return rows_by_split, names


def coco_rows(path: Path, folder: Path, coco: Coco, dropped: Counter[str]) -> Iterator[Row]:
    """The pictures of a file that are there; what is left out is counted in ``dropped``."""
    order = {category: index for index, category in enumerate(coco.categories, 1)}
    for image, found in locate_images(path, folder, coco):
        things = coco.annotations.get(image.id, [])
        kept = [thing for thing in things if is_visible(path, image, thing)]
        if len(kept) < len(things):
            dropped["annotations without area are left out"] += len(things) - len(kept)
        yield Row(found, coco_reader(found, kept, order, (image.height, image.width)), (path,))


def coco_reader(
    picture: Path, things: list[CocoAnnotation], order: dict[int, int], listed: tuple[int, int]
) -> ReadMask:
    """What paints the things of a picture, one over the other as they are listed; of crowds nothing is said."""

    def read(shape: tuple[int, int]) -> np.ndarray:
        shape == listed or reject(
            f"{picture} must be as large as the annotations say, {listed[1]} × {listed[0]} pixels.",
            f"{shape[1]} × {shape[0]}",
        )
        whole = np.zeros(shape, np.uint8)
        for thing in sorted(things, key=lambda thing: not thing.crowd):
            mask = rasterise(thing.segmentation, *shape)
            if mask is not None:
                whole[mask] = VOID if thing.crowd else order[thing.category]
        return whole

    return read
