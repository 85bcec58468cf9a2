"""A user's own pictures with things in them: COCO's JSON, or folders of labelme's files.

What is no mistake must not stop a training: pictures without things, crowds, run lengths, ids with gaps, things without an
outline or an area (left out, counted, said), pictures that are listed and not there (the first three named).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from potmeter.data.coco_images import find_coco, locate_images
from potmeter.data.file_split import count_splits, split_files
from potmeter.data.files import content_digest, find_files
from potmeter.data.fingerprint import digest, digest_files
from potmeter.data.folder import SPLIT_BOUNDS, find_split_folders, shorten_list, split_name
from potmeter.data.formats.coco import has_area, is_visible, rasterise, read_coco
from potmeter.data.formats.labelme import read_labelme
from potmeter.data.objects import ObjectData, Scene
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.notices import note

CACHE_BYTES = 2**30
"""Most memory in which one data set keeps pictures and masks."""
MIN_VISIBLE = 4
"""Pixels of a thing in the scaled picture, below which it is not there to be seen."""


@dataclass(frozen=True)
class Outline:
    """A thing as a file describes it."""

    label: int
    """From 1 on."""
    segmentation: Any
    """Polygons or run lengths, as in COCO's JSON."""
    crowd: bool = False


@dataclass(frozen=True)
class ObjectRow:
    """A picture and the things in it."""

    image: Path
    size: tuple[int, int] | None
    """Height and width that the file says; None where it does not."""
    things: tuple[Outline, ...]
    source: Path
    """The file that says so."""


class FileScenes:
    """Pictures on disk with the things in them, scaled for a network; decoded when first used, then kept in memory.

    Args:
        rows: Pictures.
        image_size: Pixels of the shorter side …
        max_size: … unless the longer one would be more than this.
    """

    def __init__(self, rows: Sequence[ObjectRow], image_size: int, max_size: int) -> None:
        self.rows, self.image_size, self.max_size = list(rows), image_size, max_size
        self.cache: dict[int, Scene] = {}
        self.bytes = 0

    @property
    def digests(self) -> tuple[str, ...]:
        """For each picture what its file has in common with its copies and with no other."""
        return tuple(content_digest(row.image) for row in self.rows)

    def fingerprint(self) -> str:
        """A digest of all files and of what is in them."""
        files = sorted({path for row in self.rows for path in (row.image, row.source)})
        things = [[(thing.label, thing.crowd) for thing in row.things] for row in self.rows]
        return digest([digest_files(files), things, self.image_size, self.max_size])

    def read(self, i: int) -> Scene:
        """One of them."""
        if i in self.cache:
            return self.cache[i]
        scene = self.decode(self.rows[i])
        size = scene.pixels.nbytes + scene.masks.nbytes
        if self.bytes + size <= CACHE_BYTES:
            self.cache[i], self.bytes = scene, self.bytes + size
        return scene

    def decode(self, row: ObjectRow) -> Scene:
        """Read a picture and draw the masks of its things."""
        picture = Image.open(row.image).pil()
        shape = picture.height, picture.width
        if row.size is not None and row.size != shape:
            said = f"{row.size[1]} × {row.size[0]}"
            reject(
                f"{row.image} must be as large as {row.source.name} says, {said} pixels.", f"{shape[1]} × {shape[0]}"
            )
        height, width = scale_to(shape, self.image_size, self.max_size)
        pixels = np.array(picture.resize((width, height), PIL.Image.Resampling.BILINEAR))
        masks, labels, crowd = [], [], []
        for thing in row.things:
            mask = draw_mask(thing.segmentation, shape, (height, width))
            if mask is not None and mask.sum() >= MIN_VISIBLE:
                masks.append(mask)
                labels.append(thing.label)
                crowd.append(thing.crowd)
        drawn = np.stack(masks) if masks else np.zeros((0, height, width), bool)
        return Scene(pixels, drawn, np.array(labels, np.int64), np.array(crowd, bool))


def scale_to(shape: tuple[int, int], image_size: int, max_size: int) -> tuple[int, int]:
    """Height and width at which a picture is looked at.

    Example:
        >>> scale_to((600, 800), 320, 512), scale_to((20, 20_000), 320, 512)
        ((320, 427), (1, 512))
    """
    factor = min(image_size / min(shape), max_size / max(shape))
    return max(1, round(factor * shape[0])), max(1, round(factor * shape[1]))


def draw_mask(segmentation: Any, shape: tuple[int, int], scaled: tuple[int, int]) -> np.ndarray | None:
    """The pixels (h, w), bool, of a thing in the scaled picture; None where it has none.

    Args:
        segmentation: Of the picture in its own size.
        shape: That size, height and width.
        scaled: Height and width wanted.
    """
    if isinstance(segmentation, list):
        down, across = scaled[0] / shape[0], scaled[1] / shape[1]
        polygons = [segmentation] if segmentation and isinstance(segmentation[0], (int, float)) else segmentation
        smaller = [
            [value * (down if place % 2 else across) for place, value in enumerate(polygon)]
            if isinstance(polygon, list)
            else polygon
            for polygon in polygons
        ]
        return rasterise(smaller, *scaled)
    whole = segmentation if isinstance(segmentation, np.ndarray) else rasterise(segmentation, *shape)
    if whole is None or not whole.any():
        return None
    small = PIL.Image.fromarray(whole.astype(np.uint8) * 255).resize(scaled[::-1], PIL.Image.Resampling.BILINEAR)
    return np.array(small) >= 128


# Files ---------------------------------------------------------------------------------------------------------------


def object_files(source: str | Path, image_size: int, max_size: int, *, classes: Sequence[str] = ()) -> Splits:
    """Read pictures with things in them, and say in one line what was understood.

    * A file of COCO's JSON, or a folder with one, its pictures beside it or in ``images/``; or COCO's own folders, with
      ``annotations/instances_train….json`` and ``instances_val….json``.
    * A folder of labelme's files, each beside its picture. Pictures without such a file are left out.

    With ``train/`` and ``val/`` or ``test/`` below the folder, these are the splits; else 80 % are for training, 10 % for
    validation and 10 % for testing, as in ``image_folder``.

    Args:
        source: The folder, or COCO's JSON.
        image_size: Pixels of a picture's shorter side, to which it is scaled …
        max_size: … unless the longer one would be more than this.
        classes: Those that a network knows: the data have no others.

    Raises:
        UserError: For a missing or empty folder, a file that is broken, a picture of another size than the file says.
    """
    root = Path(source)
    if not os.path.exists(root):
        reject(f"There is no file or folder {root}.", str(source))
    files = coco_files(root)
    dropped = Counter[str]()
    if files:
        rows, names = read_coco_rows(files, dropped)
    else:
        rows, names = read_labelme_rows(root, dropped)
    for what, count in dropped.items():
        note(f"{root}: {count:,} {what}.")
    if classes and tuple(classes) != names:
        strange = [name for name in names if name not in classes]
        strange and reject(f"The network knows {shorten_list(classes)}, and not all classes.", shorten_list(strange))
        numbers = {number: classes.index(name) + 1 for number, name in enumerate(names, 1)}
        rows = {split: [relabel(row, numbers) for row in each] for split, each in rows.items()}
        names = tuple(classes)
    return as_splits(root, rows, names, image_size, max_size)


def relabel(row: ObjectRow, numbers: dict[int, int]) -> ObjectRow:
    """A row whose labels have other numbers."""
    things = tuple(Outline(numbers[thing.label], thing.segmentation, thing.crowd) for thing in row.things)
    return ObjectRow(row.image, row.size, things, row.source)


def coco_files(root: Path) -> dict[str, tuple[Path, Path]]:
    """For each split ("" where there are none) a file of COCO's JSON and the folder of its pictures; empty for labelme's."""
    if os.path.isfile(root):
        return {"": (root, root.parent)}
    by_split: dict[str, tuple[Path, Path]] = {}
    for path in sorted(root.glob("annotations/instances_*.json")):
        if split := split_name(re.sub(r"\d+$", "", path.stem.removeprefix("instances_"))):
            by_split.setdefault(split, (path, root))
    if "train" in by_split and len(by_split) > 1:
        return by_split
    parts = find_split_folders(root)
    folders = parts if "train" in parts and len(parts) > 1 else {"": parts.get("train", root)}
    files = {split: (found, folder) for split, folder in folders.items() if (found := find_coco(folder))}
    return {} if any(read_labelme(path) for path, _ in files.values()) else files


def read_coco_rows(
    files: dict[str, tuple[Path, Path]], dropped: Counter[str]
) -> tuple[dict[str, list[ObjectRow]], tuple[str, ...]]:
    """The pictures of COCO's files, by split, and the names of the classes; what is left out is counted."""
    rows: dict[str, list[ObjectRow]] = {}
    names: tuple[str, ...] = ()
    for split, (path, folder) in files.items():
        coco = read_coco(path)
        own = tuple(coco.categories.values())
        names in ((), own) or reject(f"{path} has other categories than the other splits.", shorten_list(own))
        names = own
        order = {category: label for label, category in enumerate(coco.categories, 1)}
        rows[split] = []
        for image, found in locate_images(path, folder, coco):
            things = []
            for thing in coco.annotations.get(image.id, []):
                if thing.box is not None and min(thing.box[2:]) <= 0:
                    dropped["things whose box has no area are left out"] += 1
                elif not is_visible(path, image, thing):
                    dropped["things without an outline, or whose outline has no area, are left out"] += 1
                else:
                    things.append(Outline(order[thing.category], thing.segmentation, thing.crowd))
            rows[split].append(ObjectRow(found, (image.height, image.width), tuple(things), path))
        rows[split] or reject(f"None of the {len(coco.images)} images of {path} is there.", coco.images[0].file_name)
    len(set(names)) == len(names) or reject("Two categories have one name.", shorten_list(names))
    return rows, names


def read_labelme_rows(root: Path, dropped: Counter[str]) -> tuple[dict[str, list[ObjectRow]], tuple[str, ...]]:
    """The pictures of labelme's files below a folder, by split, and the names of the classes in their order."""
    found = find_split_folders(root)
    folders = found if "train" in found and len(found) > 1 else {"": found.get("train", root)}
    read: dict[str, list[tuple[Path, Path, Any]]] = {}
    absent: list[str] = []
    for split, folder in folders.items():
        read[split] = []
        labelled = set[Path]()
        for path in find_files(folder, (".json",)).files:
            file = read_labelme(path)
            if file is None:
                continue
            picture = find_picture(path, file.picture)
            if picture is None:
                absent.append(file.picture)
                continue
            labelled.add(picture.resolve())
            read[split].append((path, picture, file))
        others = [path for path in find_files(folder, Image.suffixes).files if path.resolve() not in labelled]
        if others and read[split]:
            dropped["pictures without a file of labelme's are left out"] += len(others)
    if absent:
        note(f"{root}: {len(absent):,} pictures of labelme's files are not there, such as {', '.join(absent[:3])}.")
    everything = [each for split in read.values() for each in split]
    everything or reject(f"{root} needs COCO's JSON, or labelme's files beside their pictures.", str(root))
    names = tuple(sorted({shape.label for _, _, file in everything for shape in file.shapes}))
    names or reject(f"Nothing is drawn in the {len(everything)} files of {root}.", str(root))
    rows: dict[str, list[ObjectRow]] = {}
    for split, files in read.items():
        rows[split] = []
        for path, picture, file in files:
            things = []
            for shape in file.shapes:
                if has_area(shape.segmentation, *(file.size or (10**6, 10**6))):
                    things.append(Outline(names.index(shape.label) + 1, shape.segmentation))
                else:
                    dropped["shapes without area are left out"] += 1
            rows[split].append(ObjectRow(picture, file.size, tuple(things), path))
    return rows, names


def find_picture(path: Path, said: str) -> Path | None:
    """The picture of a file of labelme's: where that says, or beside it under that name or the file's own.

    Args:
        path: The file.
        said: Where the picture lies from there. A whole path is another machine's: its last name counts.
    """
    places = [*([] if os.path.isabs(said) else [path.parent / said]), path.parent / os.path.basename(said)]
    places += [path.with_suffix(suffix) for suffix in Image.suffixes]
    return next((place for place in places if os.path.isfile(place)), None)  # os.path: False for what can be no path


def as_splits(
    root: Path, rows: dict[str, list[ObjectRow]], names: tuple[str, ...], image_size: int, max_size: int
) -> Splits:
    """Rows by split (all under "" where they are not split yet) as data sets, and a line that says so."""
    is_split = "" not in rows
    every = [] if is_split else rows[""]
    if not is_split or "valid" not in rows:
        whole = {row.image: row for row in rows["train" if is_split else ""]}
        base = root if root.is_dir() else Path(os.path.commonpath([path.parent for path in whole]))
        cut = split_files([(path, "") for path in whole], base, (0.9,) if is_split else SPLIT_BOUNDS)
        parts = [[whole[path] for path, _ in part] for part in cut]
        rows = {**(rows if is_split else {}), **dict(zip(("train", "valid", "test"), parts, strict=False))}
    counts = count_splits(rows)
    things = sum(len(row.things) for each in rows.values() for row in each)
    total = sum(len(each) for each in rows.values())
    note(
        f"{root}: {total:,} pictures with {things:,} things of {len(names)} classes ({shorten_list(names)}): {counts}.",
        about="splits",
    )

    def as_data(chosen: list[ObjectRow]) -> ObjectData:
        return ObjectData(FileScenes(chosen, image_size, max_size), names, len(chosen))

    data = {split: as_data(chosen) for split, chosen in rows.items() if chosen}
    for split in ("test", "valid", "train"):  # the seldom read ones first
        data[split].check() if split in data else None
    return Splits(data.get("train"), data.get("valid"), data.get("test"), unsplit=as_data(every) if every else None)
