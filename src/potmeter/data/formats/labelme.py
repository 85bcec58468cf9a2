"""labelme's JSON (github.com/wkentaro/labelme): one file a picture, what was drawn on it as named shapes."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from potmeter.data.formats.coco import FAR, MAX_SIDE, decode_run_lengths, shorten_json_error
from potmeter.errors import UserError, reject
from potmeter.media import read_bytes
from potmeter.media.image import open_safely
from potmeter.media.medium import MAX_PIXELS
from potmeter.media.run_lengths import encode_run_lengths

CORNERS = 64
"""Of the polygon that a circle becomes."""
FLAT = ("point", "points", "line", "linestrip")
"""Kinds of shapes that have no area."""


@dataclass(frozen=True)
class LabelmeShape:
    """A thing that was drawn."""

    label: str
    segmentation: list[list[float]] | dict[str, Any]
    """Polygons x, y, x, y … in pixels; or COCO's run lengths of the picture; empty where it has no area."""


@dataclass(frozen=True)
class LabelmeFile:
    """What a file holds."""

    picture: str
    """The picture's path, from the file's folder."""
    size: tuple[int, int] | None
    """Height and width, where the file says them."""
    shapes: list[LabelmeShape]


def read_labelme(path: Path) -> LabelmeFile | None:
    """Read a file; None where it is JSON of another kind. Shapes of one label and group are one thing.

    Raises:
        UserError: When it is no JSON, or a shape is not what it should be.
    """
    try:
        whole = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {shorten_json_error(error)}.", received=path.name) from None
    if not isinstance(whole, dict) or not isinstance(whole.get("shapes"), list):
        return None
    height, width = whole.get("imageHeight"), whole.get("imageWidth")
    size: Any = (height, width) if all(type(n) is int and 0 < n <= MAX_SIDE for n in (height, width)) else None
    groups: dict[Any, LabelmeShape] = {}
    for number, entry in enumerate(whole["shapes"]):
        label, part = read_shape(f"{path}: shape {number}", entry, size)
        group = entry.get("group_id")
        key = number if group is None else (label, str(group))
        outline: list[list[float]] | dict[str, Any] | np.ndarray
        outline = merge(groups[key].segmentation, part) if key in groups else part
        # pixels as run lengths: of many pictures all are kept in memory
        groups[key] = LabelmeShape(label, encode_run_lengths(outline) if isinstance(outline, np.ndarray) else outline)
    # Windows writes the path with backslashes
    picture = str(whole.get("imagePath") or f"{path.stem}.jpg").replace("\\", "/")
    return LabelmeFile(picture, size, [*groups.values()])


def merge(
    first: list[list[float]] | dict[str, Any], second: list[list[float]] | np.ndarray
) -> list[list[float]] | dict[str, Any] | np.ndarray:
    """Two parts of one thing as one; of a mask and polygons the mask counts."""
    if isinstance(first, dict):
        return decode_run_lengths(first, *first["size"]) | second if isinstance(second, np.ndarray) else first
    return second if isinstance(second, np.ndarray) else [*first, *second]


def read_shape(where: str, entry: Any, size: tuple[int, int] | None) -> tuple[str, list[list[float]] | np.ndarray]:
    """Label and outline of one of the shapes: polygons, or pixels (H, W), bool; ``where`` is how an error calls it."""
    try:
        label, kind = str(entry["label"]), str(entry.get("shape_type") or "polygon")
        points = [(float(x), float(y)) for x, y in entry["points"]]
    except (TypeError, KeyError, ValueError, OverflowError, AttributeError):
        reject(f"{where} must have a label and points.", str(entry)[:80])
    all(math.isfinite(value) for point in points for value in point) or reject(f"{where} must be finite.", points)
    points = [(min(max(x, -FAR), FAR), min(max(y, -FAR), FAR)) for x, y in points]
    if kind in FLAT or len(points) < 2:
        return label, []
    if kind == "mask":
        return label, read_mask(where, entry.get("mask"), points[0], size)
    if kind == "rectangle":
        (x0, y0), (x1, y1) = points[:2]
        points = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    elif kind == "circle":
        (x, y), edge = points[:2]
        radius = math.dist((x, y), edge)
        angles = [2 * math.pi * n / CORNERS for n in range(CORNERS)]
        points = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
    elif kind != "polygon":
        reject(f"{where} is of an unknown kind.", kind)
    return label, [[value for point in points for value in point]]


def read_mask(where: str, text: Any, corner: tuple[float, float], size: tuple[int, int] | None) -> np.ndarray:
    """The pixels of a mask, stored as a PNG in base64 from a corner on."""
    size or reject(f"{where} is a mask, and the file does not say how large its picture is.", "no imageHeight")
    assert size is not None
    size[0] * size[1] <= MAX_PIXELS or reject(
        f"{where} is a mask in a picture of more than {MAX_PIXELS:,} pixels.", f"{size[1]} × {size[0]}"
    )
    try:
        data = base64.b64decode(str(text), validate=True)
    except (ValueError, binascii.Error):
        reject(f"{where} has a mask that is no base64.", str(text)[:40])
    with open_safely(data, f"the mask of {where}") as picture:
        part = np.array(picture.convert("L")) > 0
    whole = np.zeros(size, bool)
    left, top = (max(0, round(value)) for value in corner)
    seen = part[: max(0, size[0] - top), : max(0, size[1] - left)]
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return whole
