"""Two people who do not exist, in many views: generated photographs of openpeople, turned, morphed and lit.

There are some twenty photographs of each. Whole photographs are held out for validation and testing, and views are drawn of
those of one part only. Seven others, of whom nothing is learned but what an untouched photograph looks like, have the label -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from potmeter.data.face_crops import MARGIN, crop_face, face_data, find_faces
from potmeter.data.fetching.fetch import cache_folder, fetch
from potmeter.data.head_views import draw_view, relight
from potmeter.data.sets.pixel_cache import read_pixels, write_pixels
from potmeter.data.splits import Splits
from potmeter.media import Image
from potmeter.notices import announce

PAIR = (7, 10)
"""Who is learned, by openpeople's numbers."""
OTHERS = {"train": (1, 2, 4, 5), "valid": (6,), "test": (8, 9)}
"""Whose photographs are examples of untouched ones."""
HELD_OUT = {"valid": ("angry", "determined"), "test": ("scared", "confused", "flirty", "portrait", "selfie")}
"""Photographs of the pair that are not trained on."""
EMOTIONS = (
    *("neutral", "happy", "sad", "angry", "surprised", "disgusted", "scared", "confused"),
    *("smug", "flirty", "thoughtful", "pensive", "exhausted", "shocked", "playful", "determined"),
)
"""The sheet of expressions, row by row."""
SINGLE = {
    "portrait": ("studio_portrait", 3),
    "selfie": ("amateur_selfie", 3),
    "posture": ("studio_posture", 2),
    "outdoors": ("amateur_posture", 2),
}
"""Photographs that are files of their own: which, and how many of their pixels become one."""
COUNTS = {"train": 1200, "valid": 60, "test": 120}
"""Views of each of the pair."""
OTHER_VIEWS = {"train": 120, "valid": 60, "test": 120}
"""Views of each of the others."""
SOURCE, SIZE = 192, 128
"""Sides in pixels of the crops that views are drawn from, and of the views."""
YAW, PITCH = 0.32, 0.2
"""Largest turns, in radians."""
VERSION = 1
"""Of what is drawn; part of the cached file's name."""

Crop = tuple[np.ndarray, np.ndarray]
"""A photograph's face, uint8 (192, 192, 3) with margin, and its landmarks (68, 2)."""


def people() -> Splits:
    """Upright crops, with margin, of two people's faces.

    Returns:
        Splits of ``face_data``, 128 pixels a side; the label is 0 or 1 for the pair, -1 for others.

    Raises:
        UserError: Without the extra, where the photographs cannot be had, or the cache is damaged or cannot be written.
    """
    path, points = cache_folder() / f"people-{VERSION}.npy", cache_folder() / f"people-{VERSION}-landmarks.npy"
    totals = {part: 2 * COUNTS[part] + len(OTHERS[part]) * OTHER_VIEWS[part] for part in COUNTS}
    total = sum(totals.values())
    if not (path.is_file() and points.is_file()):
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not (path.is_file() and points.is_file()):
                announce(f"drawing {total:,} views of faces into the cache; it takes a minute or two, once …")
                views = [view for part in COUNTS for view in draw_part(part)]
                places = np.stack([landmarks for _, landmarks in views])  # in 65,535ths of the side
                write_pixels(points, places_to_bytes(places))
                write_pixels(path, np.stack([pixels for pixels, _ in views]))
    pixels = read_pixels(path, (total, SIZE, SIZE, 3))
    landmarks = bytes_to_places(read_pixels(points, (total, 68, 2, 2)))
    parts, start = {}, 0
    for part, count in totals.items():
        chosen = slice(start, start + count)
        parts[part] = face_data(
            pixels[chosen], landmarks[chosen], labels_of(part), [f"P{number:03}" for number in PAIR]
        )
        start += count
    return Splits(**parts, dataset="people")


def places_to_bytes(places: np.ndarray) -> np.ndarray:
    """Shares of a side (…) as two bytes each, (…, 2)."""
    steps = (places.clip(0, 1) * 65535).round().astype(">u2")
    return steps[..., None].view(np.uint8)


def bytes_to_places(stored: np.ndarray) -> np.ndarray:
    """The inverse of ``places_to_bytes``."""
    places: np.ndarray = np.ascontiguousarray(stored).view(">u2")[..., 0].astype(np.float32) / 65535
    return places


def labels_of(part: str) -> list[int]:
    """The label of each view of a part."""
    return [label for label in (0, 1) for _ in range(COUNTS[part])] + [-1] * (len(OTHERS[part]) * OTHER_VIEWS[part])


def draw_part(part: str) -> Iterator[Crop]:
    """The views of a part, those of the pair first; landmarks are shares of the side."""
    rng = np.random.default_rng([VERSION, list(COUNTS).index(part)])
    for number in PAIR:
        crops = [crop for name, crop in read_photographs(number).items() if part_of(name) == part]
        yield from (random_view(crops, rng) for _ in range(COUNTS[part]))
    for number in OTHERS[part]:
        crops = list(read_photographs(number).values())
        yield from (random_view([crops[int(rng.integers(len(crops)))]], rng) for _ in range(OTHER_VIEWS[part]))


def part_of(photograph: str) -> str:
    """The part to which a photograph of the pair belongs."""
    return next((part for part, names in HELD_OUT.items() if photograph in names), "train")


def random_view(crops: list[Crop], rng: np.random.Generator) -> Crop:
    """A view between two photographs, or of one, turned and lit at random."""
    count = min(len(crops), 1 + int(rng.random() < 0.6))
    chosen = [crops[i] for i in rng.choice(len(crops), count, replace=False)]
    share = rng.uniform(0, 1)
    yaw, pitch = rng.uniform(-1, 1) * YAW, rng.uniform(-1, 1) * PITCH
    picture, landmarks = draw_view(chosen, (1.0,) if count == 1 else (share, 1 - share), yaw, pitch)
    return straighten(relight(picture, rng), landmarks)


def straighten(picture: np.ndarray, landmarks: np.ndarray) -> Crop:
    """A view upright again, at its size, with landmarks as shares of the side."""
    pixels, places = crop_face(picture, landmarks, SIZE, MARGIN)
    return pixels, (places / SIZE).astype(np.float32)


def read_photographs(number: int, names: Sequence[str] = ()) -> dict[str, Crop]:
    """The faces of one person by the photograph's name; of all photographs, or of those named."""
    crops = {}
    for name, pixels in open_photographs(number, names):
        if faces := find_faces(pixels):
            crops[name] = crop_face(pixels, faces[0].landmarks, SOURCE, MARGIN)
    return crops


def open_photographs(number: int, names: Sequence[str] = ()) -> Iterator[tuple[str, np.ndarray]]:
    """A person's photographs, uint8 (H, W, 3), each with its name: single ones, and the sheet of expressions, cut up."""
    folder = fetch("openpeople") / "openpeople" / "data" / "curated" / f"P{number:03}" / "assets"
    for name, (file, shrink) in SINGLE.items():
        if name in names or not names:
            yield name, np.asarray(Image.open(folder / f"{file}.jpg").pil().reduce(shrink))
    sheet = Image.open(folder / "emotions_sheet.jpg").pixels
    height, width = sheet.shape[0] // 4, sheet.shape[1] // 4
    for place, name in enumerate(EMOTIONS):
        if name in names or not names:
            top, left = place // 4 * height, place % 4 * width
            yield name, cut_frame(sheet[top : top + height, left : left + width])


def cut_frame(tile: np.ndarray) -> np.ndarray:
    """What is inside the white frame around the middle of a picture."""
    white = (tile > 215).all(-1)
    for axis in (0, 1):
        lines = np.flatnonzero(white.mean(1 - axis) > 0.6)
        middle, size = tile.shape[axis] // 2, tile.shape[axis]
        first = max([line + 4 for line in lines if line < middle], default=0)
        last = min([line - 4 for line in lines if line > middle], default=size)
        tile, white = (np.take(x, range(first, last), axis) for x in (tile, white))
    return tile
