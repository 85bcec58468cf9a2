"""The pictures that a file of COCO's JSON lists: where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from potmeter.data.formats.coco import Coco, CocoImage
from potmeter.errors import reject
from potmeter.notices import note


def find_coco(folder: Path) -> Path | None:
    """The file of COCO's JSON in a folder or its ``annotations/``; of several the one of instances."""
    found = sorted([*folder.glob("*.json"), *folder.glob("annotations/*.json")])
    found = [path for path in found if path.is_file() and not path.name.startswith(".")]
    return next((path for path in found if "instances" in path.name), found[0] if found else None)


def locate_images(path: Path, folder: Path, coco: Coco) -> Iterator[tuple[CocoImage, Path]]:
    """The pictures of a file that are there; of those that are not, one line names the first three.

    Args:
        path: The file.
        folder: In which, or in whose ``images/``, or beside which, the pictures are sought.
        coco: What it holds.

    Raises:
        UserError: When it names a picture outside of its folder.
    """
    beside = (
        folder / "images",
        folder,
        folder / path.stem.removeprefix("instances_"),
        folder.parent,
        folder.parent / "images",
        folder.parent / path.stem.removeprefix("instances_"),
    )
    places = [place for place in beside if place.is_dir()]
    absent = []
    for image in coco.images:
        name = Path(image.file_name)
        if name.is_absolute() or ".." in name.parts:
            reject(f"{path} names a picture outside of its folder.", image.file_name)
        # os.path: False for what can be no path
        found = next((place / name for place in places if os.path.isfile(place / name)), None)
        if found is None:
            absent.append(image.file_name)
        else:
            yield image, found
    if absent:
        note(f"{path}: {len(absent):,} listed images are not there, such as {', '.join(absent[:3])}.")
