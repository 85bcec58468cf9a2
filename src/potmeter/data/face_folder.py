"""A user's own people: a folder for each, with pictures and films in which only they are seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from potmeter.data.face_crops import MARGIN, crop_face, face_data, find_faces
from potmeter.data.file_split import split_files
from potmeter.data.files import find_files, list_folders
from potmeter.data.folder import SPLIT_BOUNDS
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.notices import note

MIN_FACES = 10
"""Faces that a person must be seen with: fewer cannot be split."""
MAX_FRAMES = 600
"""Frames that are taken of one film at most, evenly spread."""
PARTS = ("train", "valid", "test")

Crop = tuple[np.ndarray, np.ndarray]


def face_folder(source: str | Path, side: int, identities: Sequence[str] = ()) -> Splits:
    """Read ``FOLDER/PERSON/`` of pictures and films as upright crops of faces with margin.

    A picture or frame in which there is not exactly one face is left out, and their number is told. Pictures are split by
    a hash of their names; of each film the last fifth is held out, half for validation and half for testing.

    Args:
        source: The folder.
        side: Of the crops in pixels.
        identities: People whom the network can draw already, in the order of their labels; others come after them.

    Returns:
        Splits of ``face_data``.

    Raises:
        UserError: When there is no such folder, it has no folders, or a person is seen with too few faces.
    """
    root = Path(source)
    root.is_dir() or reject(f"There is no folder {root}.", str(source))
    folders = {folder.name: folder for folder in list_folders(root)}
    people = (*identities, *(name for name in folders if name not in identities))
    (len(people) >= 2 and folders) or reject(
        f"{root} has a folder for each of two people or more.", ", ".join(folders) or "none"
    )
    rows: dict[str, list[tuple[Crop, int]]] = {part: [] for part in PARTS}
    for name, folder in folders.items():
        crops, left_out = read_person(folder, side)
        count = sum(map(len, crops.values()))
        told = f", such as {left_out[0]}" if left_out else ""
        note(f"{folder}: {count} faces; {len(left_out)} pictures or frames without exactly one{told}.")
        if count < MIN_FACES or not all(crops.values()):
            reject(f"{name} must be seen alone in at least {MIN_FACES} pictures or frames.", f"{count} faces")
        for part in PARTS:
            rows[part] += [(crop, people.index(name)) for crop in crops[part]]
    train, valid, test = (crop_data(rows[part], people) for part in PARTS)
    return Splits(train, valid, test)


def read_person(folder: Path, side: int) -> tuple[dict[str, list[Crop]], list[str]]:
    """The crops of one person by part, and the names of what was left out."""
    found = find_files(folder, (*Image.suffixes, *Video.suffixes))
    pictures = [path for path in found.files if path.suffix.lower() in Image.suffixes]
    films = [path for path in found.files if path not in pictures]
    crops: dict[str, list[Crop]] = {part: [] for part in PARTS}
    left_out: list[str] = []
    split = split_files([(path, "") for path in pictures], folder, SPLIT_BOUNDS) if pictures else []
    for part, files in zip(PARTS, split, strict=False):
        for path, _ in files:
            crop = only_face(Image.open(path).pixels, side)
            crops[part].append(crop) if crop else left_out.append(path.name)
    for path in films:
        for part, number, crop in film_crops(path, side):
            crops[part].append(crop) if crop else left_out.append(f"{path.name}, frame {number}")
    return crops, left_out


def film_crops(path: Path, side: int) -> Iterator[tuple[str, int, Crop | None]]:
    """For frames of a film, evenly spread: its part, its number, and the crop where there is one face."""
    frames = Video.open(path).frames
    numbers = {*np.linspace(0, len(frames) - 1, min(len(frames), MAX_FRAMES)).round().astype(int).tolist()}
    for number, frame in enumerate(frames):
        if number in numbers:
            part = PARTS[int(np.searchsorted(SPLIT_BOUNDS, (number + 0.5) / len(frames)))]
            yield part, number, only_face(frame, side)


def only_face(pixels: np.ndarray, side: int) -> Crop | None:
    """The crop, and the landmarks as shares of its side, where there is exactly one face."""
    faces = find_faces(pixels)
    if len(faces) != 1:
        return None
    crop, landmarks = crop_face(pixels, faces[0].landmarks, side, MARGIN)
    return crop, landmarks / side


def crop_data(rows: Sequence[tuple[Crop, int]], people: Sequence[str]) -> TensorData:
    """TensorData of crops with their labels."""
    pixels, landmarks = (np.stack(part) for part in zip(*(crop for crop, _ in rows), strict=True))
    return face_data(pixels, landmarks, [label for _, label in rows], people)
