"""A user's own pictures of people, with the files that DensePose's programs save beside them.

Beside a picture ``NAME.jpg`` or ``NAME.png`` lies ``NAME_IUV.png`` of the same size: blue is the part from 1 to 24, 0 the
background, green is U and red is V, 255 = 1. ``NAME_INDS.png``, in grey, has another value for each person.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from potmeter.data.file_split import split_files
from potmeter.data.files import content_digest, find_files
from potmeter.data.fingerprint import digest, digest_files
from potmeter.data.folder import SPLIT_BOUNDS, find_split_folders
from potmeter.data.mask_files import check_shape, open_indices
from potmeter.data.object_files import scale_to
from potmeter.data.sets.body_charts import PARTS, SEGMENTS
from potmeter.data.splits import Splits
from potmeter.data.surfaces import Surface, SurfaceData
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.notices import note

ENDING, PEOPLE_ENDING = "_IUV.png", "_INDS.png"


@dataclass(frozen=True)
class SurfaceRow:
    """A picture and the files beside it."""

    image: Path
    iuv: Path
    people: Path | None
    """None where all pixels are one person's."""


class FileSurfaces:
    """Pictures on disk with the surfaces of the people in them, scaled for a network when asked for.

    Args:
        rows: The pictures.
        image_size: Pixels of the shorter side …
        max_size: … unless the longer one would be more than this.
    """

    def __init__(self, rows: Sequence[SurfaceRow], image_size: int, max_size: int) -> None:
        self.rows, self.image_size, self.max_size = list(rows), image_size, max_size

    @property
    def digests(self) -> tuple[str, ...]:
        """For each picture the digest of its file, which copies share."""
        return tuple(content_digest(row.image) for row in self.rows)

    def fingerprint(self) -> str:
        """A digest of all files."""
        files = [path for row in self.rows for path in (row.image, row.iuv, row.people) if path is not None]
        return digest([digest_files(sorted(files)), self.image_size, self.max_size])

    def read(self, i: int) -> Surface:
        """The picture of this index."""
        row = self.rows[i]
        picture = Image.open(row.image).pil()
        shape = picture.height, picture.width
        height, width = scale_to(shape, self.image_size, self.max_size)
        y, x = (((np.arange(n) + 0.5) * whole / n).astype(int) for n, whole in zip((height, width), shape, strict=True))
        iuv = Image.open(row.iuv).pixels
        check_shape(row.iuv, iuv[..., 2], shape)
        part, uv = iuv[..., 2][y[:, None], x], iuv[..., 1::-1][y[:, None], x].astype(np.float32) / 255
        part.max() <= len(PARTS) or reject(
            f"{row.iuv} has a part that there is not: they go to {len(PARTS)}.", int(part.max())
        )
        numbers = np.ones_like(part)
        if row.people is not None:
            values = open_indices(row.people)
            check_shape(row.people, values, shape)
            numbers = values[y[:, None], x]
        person = np.zeros_like(part)
        for number, value in enumerate(np.unique(numbers[part > 0]), 1):
            person[(numbers == value) & (part > 0)] = number
        pixels = np.array(picture.resize((width, height), PIL.Image.Resampling.BILINEAR))
        return Surface(pixels, person, np.array(SEGMENTS, np.uint8)[part], part, uv)


def surface_files(source: str | Path, image_size: int, max_size: int) -> Splits:
    """Read a folder of pictures with ``NAME_IUV.png`` beside each, and say in one line what was understood.

    With ``train/`` and ``val/`` or ``test/`` below the folder, these are the splits; else 80 % are for training, 10 % for
    validation and 10 % for testing, as in ``image_folder``.

    Args:
        source: The folder.
        image_size: Pixels of a picture's shorter side, to which it is scaled …
        max_size: … unless the longer one would be more than this.

    Raises:
        UserError: For a missing folder, one without such files, a file that is broken or of another size than its picture.
    """
    root = Path(source)
    os.path.isdir(root) or reject(f"There is no folder {root}.", str(source))
    found = find_split_folders(root)
    folders = found if "train" in found and len(found) > 1 else {"": root}
    rows = {split: list_rows(folder) for split, folder in folders.items()}
    total = sum(map(len, rows.values()))
    total or reject(f"{root} needs NAME{ENDING} beside its pictures.", str(root))
    if "" in rows:
        whole = {row.image: row for row in rows[""]}
        cut = split_files([(path, "") for path in whole], root, SPLIT_BOUNDS)
        rows = {
            split: [whole[path] for path, _ in part]
            for split, part in zip(("train", "valid", "test"), cut, strict=True)
        }
    alone = sum(row.people is None for each in rows.values() for row in each)
    said = f" {alone:,} without NAME{PEOPLE_ENDING}: all in them is one person." if alone else ""
    note(f"{root}: {total:,} pictures of people.{said}", about="splits")
    data = {
        split: SurfaceData(FileSurfaces(chosen, image_size, max_size), len(chosen))
        for split, chosen in rows.items()
        if chosen
    }
    for part in data.values():
        part.check()
    return Splits(data.get("train"), data.get("valid"), data.get("test"))


def list_rows(folder: Path) -> list[SurfaceRow]:
    """The pictures below a folder that have such a file beside them."""
    pictures = find_files(folder, Image.suffixes).files
    by_name = {str(path.with_suffix("")): path for path in pictures}
    rows = []
    for path in pictures:
        if path.name.endswith(ENDING):
            name = str(path)[: -len(ENDING)]
            people = Path(name + PEOPLE_ENDING)
            if name in by_name:
                rows.append(SurfaceRow(by_name[name], path, people if people.is_file() else None))
    return rows
