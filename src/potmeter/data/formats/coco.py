"""COCO's JSON (Lin et al. 2014, arXiv:1405.0312): pictures, categories, and what is where, as polygons or run lengths."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from potmeter.errors import UserError, reject
from potmeter.media import read_bytes
from potmeter.media.run_lengths import decompress

MAX_SIDE = 100_000
"""Longest side of a picture, in pixels, that a file may name."""
FAR = 10 * MAX_SIDE
"""Coordinates, in pixels, beyond which it does not matter how far away a corner is."""


@dataclass(frozen=True)
class CocoImage:
    """A picture that the file lists."""

    id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class CocoAnnotation:
    """A thing in a picture."""

    image: int
    category: int
    segmentation: Any
    """Polygons, a list [x₁, y₁, x₂, y₂ …] each, in pixels; or run lengths, {"counts": …, "size": [height, width]}."""
    crowd: bool
    """Whether many things are covered by one mask, so that they teach nothing of one."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height in pixels, where the file says it."""
    number: int = 0
    """Its place in the file's list, from 0 on."""


@dataclass
class Coco:
    """What a file holds. Ids may have gaps; categories are in the order of theirs."""

    images: list[CocoImage]
    categories: dict[int, str]
    annotations: dict[int, list[CocoAnnotation]] = field(default_factory=dict)
    """By the picture's id; a picture without things has none."""


def read_coco(path: Path) -> Coco:
    """Read a file of instances.

    Raises:
        UserError: When it is no JSON, lacks images, annotations or categories, or one of these is not what it should be.
    """
    try:
        whole = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise UserError(f"{path} is not JSON: {shorten_json_error(error)}.", received=path.name) from None
    if not isinstance(whole, dict):
        reject(f"{path} must hold a JSON object with images, annotations and categories.", type(whole).__name__)
    lists: dict[str, Any] = {}
    for key in ("images", "annotations", "categories"):
        lists[key] = whole.get(key)
        isinstance(lists[key], list) or reject(f"{path} has no list of {key}.", ", ".join(map(str, whole))[:80] or "{}")
    images = [read_image(path, number, entry) for number, entry in enumerate(lists["images"])]
    images or reject(f"{path} lists no images.", "[]")
    categories = dict(sorted(read_category(path, number, entry) for number, entry in enumerate(lists["categories"])))
    categories or reject(f"{path} lists no categories.", "[]")
    coco, known = Coco(images, categories), {image.id for image in images}
    len(known) == len(images) or reject(f"{path} has two images of one id.", f"{len(images)} images, {len(known)} ids")
    for number, entry in enumerate(lists["annotations"]):
        annotation = read_annotation(path, number, entry)
        annotation.image in known or reject(
            f"{path}: annotation {number} is of an image that is not listed.", annotation.image
        )
        annotation.category in categories or reject(
            f"{path}: annotation {number} is of a category that is not listed.", annotation.category
        )
        coco.annotations.setdefault(annotation.image, []).append(annotation)
    return coco


def shorten_json_error(error: Exception) -> str:
    """What json says, without the text around it."""
    return str(error).partition(":")[0] if not isinstance(error, RecursionError) else "it is nested too deeply"


def read_image(path: Path, number: int, entry: Any) -> CocoImage:
    """One of the images."""
    try:
        image = CocoImage(int(entry["id"]), str(entry["file_name"]), int(entry["width"]), int(entry["height"]))
    except (TypeError, KeyError, ValueError, OverflowError):
        reject(f"{path}: image {number} must have id, file_name, width and height.", entry)
    min(image.width, image.height) >= 1 or reject(f"{path}: image {number} has no area.", entry)
    max(image.width, image.height) <= MAX_SIDE or reject(f"{path}: image {number} is too large.", entry)
    return image


def read_category(path: Path, number: int, entry: Any) -> tuple[int, str]:
    """One of the categories: id and name."""
    try:
        return int(entry["id"]), str(entry["name"])
    except (TypeError, KeyError, ValueError, OverflowError):
        reject(f"{path}: category {number} must have id and name.", entry)


def read_annotation(path: Path, number: int, entry: Any) -> CocoAnnotation:
    """One of the annotations."""
    try:
        crowd, box = bool(entry.get("iscrowd", 0)), entry.get("bbox")
        numbers: Any = tuple(map(float, box)) if isinstance(box, list) and len(box) == 4 else None
        return CocoAnnotation(
            int(entry["image_id"]), int(entry["category_id"]), entry.get("segmentation") or [], crowd, numbers, number
        )
    except (TypeError, KeyError, ValueError, OverflowError, AttributeError):
        reject(f"{path}: annotation {number} must have image_id and category_id.", entry)


# Masks --------------------------------------------------------------------------------------------------------------


def is_visible(path: Path, image: CocoImage, thing: CocoAnnotation) -> bool:
    """Whether a thing has an area within its picture.

    Raises:
        UserError: When its segmentation is none; the file and the annotation are named.
    """
    try:
        return has_area(thing.segmentation, image.height, image.width)
    except UserError as error:
        raise UserError(f"{path}: annotation {thing.number}: {error}") from None


def has_area(segmentation: Any, height: int, width: int) -> bool:
    """Whether a segmentation covers anything of a picture, found without drawing it: the picture may be said to be huge.

    Args:
        segmentation: As in the file.
        height, width: Of the picture in pixels.

    Raises:
        UserError: As ``rasterise``.

    Example:
        >>> has_area([[0, 0, 2, 0, 2, 2]], 3, 3), has_area([[0, 0, 2, 0]], 3, 3)
        (True, False)
    """
    if isinstance(segmentation, dict):
        return any(read_run_lengths(segmentation, height, width)[1::2])
    for polygon in list_polygons(segmentation):
        x, y = (np.clip(np.asarray(polygon[place::2], float), -FAR, FAR) for place in (0, 1))
        if len(x) < 3 or np.dot(x, np.roll(y, 1)) == np.dot(y, np.roll(x, 1)):  # the shoelace formula
            continue
        if x.max() > 0 and y.max() > 0 and x.min() < width and y.min() < height:
            return True
    return False


def rasterise(segmentation: Any, height: int, width: int) -> np.ndarray | None:
    """The pixels (H, W), bool, of a segmentation; parts out of the picture are cut off. None where it has no area.

    Args:
        segmentation: As in the file.
        height, width: Of the picture in pixels.

    Raises:
        UserError: When it is neither polygons nor run lengths, has a number that is not finite, or run lengths of another size.

    Example:
        >>> rasterise([[0, 0, 2, 0, 2, 2, 0, 2]], 3, 3).sum()
        np.int64(4)
    """
    if isinstance(segmentation, dict):
        mask = decode_run_lengths(segmentation, height, width)
        return mask if mask.any() else None
    mask = np.zeros((height, width), bool)
    for polygon in list_polygons(segmentation):
        if len(polygon) >= 6:  # two points have no area
            mask |= fill_polygon(polygon, height, width)
    return mask if mask.any() else None


def list_polygons(segmentation: Any) -> list[list[float]]:
    """The polygons of a segmentation, which may be one alone. Raises UserError when it is none, or not finite."""
    isinstance(segmentation, list) or reject("A segmentation is polygons or run lengths.", segmentation)
    polygons = [segmentation] if segmentation and isinstance(segmentation[0], (int, float)) else segmentation
    for polygon in polygons:
        numbers = isinstance(polygon, list) and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in polygon
        )
        numbers or reject("A polygon is a list of numbers x, y, x, y …", polygon)
        largest = sys.float_info.max  # integers may be beyond it
        all(abs(v) <= largest for v in polygon) or reject("A polygon's numbers must be finite.", polygon)
        len(polygon) % 2 == 0 or reject("A polygon has as many x as y.", f"{len(polygon)} numbers")
    return polygons


def fill_polygon(polygon: Sequence[float], height: int, width: int) -> np.ndarray:
    """The pixels whose centres lie within a polygon of corner coordinates, by the even-odd rule."""
    points = [
        (min(max(x, -FAR), FAR) - 0.5, min(max(y, -FAR), FAR) - 0.5)  # pixel (0, 0) has its centre at 0.5, 0.5
        for x, y in zip(polygon[::2], polygon[1::2], strict=True)
    ]
    inside = np.zeros((height, width), bool)
    xs, ys = (np.asarray(each, np.float64) for each in zip(*points, strict=True))
    top, bottom = max(0, math.ceil(ys.min())), min(height - 1, math.floor(ys.max()))
    next_x, next_y = np.roll(xs, -1), np.roll(ys, -1)
    for y in range(top, bottom + 1):
        crosses = (ys <= y) != (next_y <= y)
        at = np.sort(
            xs[crosses] + (y - ys[crosses]) * (next_x[crosses] - xs[crosses]) / (next_y[crosses] - ys[crosses])
        )
        for left, right in zip(at[::2], at[1::2], strict=True):
            inside[y, max(0, math.ceil(left)) : max(0, math.ceil(right))] = True
    return inside


def decode_run_lengths(segmentation: dict[str, Any], height: int, width: int) -> np.ndarray:
    """The pixels (H, W), bool, of COCO's run lengths. Raises UserError as ``read_run_lengths``."""
    counts = read_run_lengths(segmentation, height, width)
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape(width, height).T


def read_run_lengths(segmentation: dict[str, Any], height: int, width: int) -> list[int]:
    """COCO's run lengths, which run down the columns, first of what is not the thing: a list, or its compressed text.

    Raises:
        UserError: When they are not those of a picture of this height and width.
    """
    size: Any = segmentation.get("size")
    counts: Any = segmentation.get("counts")
    size == [height, width] or reject(f"Run lengths of a picture of {height} × {width} must have that size.", size)
    if isinstance(counts, str):
        counts = decompress(counts)
    whole = isinstance(counts, list) and all(type(n) is int and 0 <= n <= height * width for n in counts)
    if not whole or sum(counts) != height * width:
        reject(f"Run lengths must sum up to {height * width} pixels.", str(counts)[:60])
    assert isinstance(counts, list)
    return counts
