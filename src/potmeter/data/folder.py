"""A user's own pictures: ``FOLDER/class/*.jpg``, or any folder of pictures without classes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from potmeter.data.fetching.clients import announce
from potmeter.data.folder_data import FolderData
from potmeter.data.splits import Splits
from potmeter.errors import UserError, reject
from potmeter.media import Image

PARTS = {"train": "train", "val": "valid", "valid": "valid", "validation": "valid", "test": "test"}
"""Names of subfolders that are parts of the data set, not classes."""

Rows = list[tuple[Path, str]]
"""Pictures with the name of their class (empty where there are no classes)."""


def image_folder(source: str | Path, size: int | tuple[int, int], *, channels: int = 3, labels: bool = True) -> Splits:
    """Read a folder of pictures in the ImageFolder layout.

    * With ``train/`` and ``val/`` (or ``valid/``) or ``test/`` below it, and nothing else, these are the parts. Where
      there is no ``val/``, a tenth of ``train/`` is held back for it; where there is no ``test/``, ``test`` is None.
    * Else 80 % of each class are for training, 10 % for validation and 10 % for testing, by a hash of the file's name,
      so that files which are added do not move the others. (In a class of some ten files one may move, since no part
      stays empty; classes of one or two files are for training only.)

    Pictures are decoded when they are first used: scaled to cover ``size``, and the middle cut out.
    Hidden files and files that are not pictures are skipped, and their number is told on stderr.

    Args:
        source: The folder.
        size: Side of the pictures in pixels, or (height, width).
        channels: 3, or 1 for grey.
        labels: Whether subfolders are classes. If not, all pictures below the folder count, and there is no ``label``.

    Returns:
        Splits of FolderData, whose batches have ``image`` float (B, channels, size, size) and ``label`` int64 (B,).

    Raises:
        UserError: for a missing, unreadable or empty folder, an empty class, fewer than two classes, a class without
            training pictures; and, when it is its turn, for a broken picture, which it names.

    Example:
        >>> image_folder("flowers/", size=64).classes  # doctest: +SKIP
        ('daisy', 'rose')
    """
    root = Path(source)
    if not os.path.isdir(root):  # os.path: False for what can be no path
        reject(f"{root} is not a folder." if os.path.exists(root) else f"There is no folder {root}.", str(source))
    names = [path.name for path in subfolders(root)]
    skipped: list[Path] = []
    if "train" in names and len(names) > 1 and set(names) <= set(PARTS):
        parts = {PARTS[name]: labelled_files(root / name, labels, skipped) for name in names}
        len(parts) == len(names) or reject(f"{root} has several folders for validation.", ", ".join(names))
        if "valid" not in parts:
            parts["train"], parts["valid"] = split_by_name(parts["train"], (0.9,))
    else:
        inner = root / "train" if names == ["train"] else root
        parts = dict(
            zip(
                ("train", "valid", "test"),
                split_by_name(labelled_files(inner, labels, skipped), (0.8, 0.9)),
                strict=True,
            )
        )
    if skipped:
        announce(f"{root}: skipped {len(skipped)} files that are not pictures, such as {skipped[0].name}.")
    classes = tuple(sorted({name for _, name in parts["train"] if name}))
    if labels and len(classes) == 1:
        reject(f"{root} has only one class folder; telling classes apart takes two.", classes[0])
    for extra in sorted({name for rows in parts.values() for _, name in rows if name} - set(classes)):
        reject(f"{root} has no training picture of a class that it has others of.", extra)
    found = {part: FolderData(rows, classes, size, channels) for part, rows in parts.items() if rows}
    return Splits(found["train"], found.get("valid"), found.get("test"))


def labelled_files(root: Path, labels: bool, skipped: list[Path]) -> Rows:
    """The pictures below a folder, sorted, with their classes."""
    if not labels:
        rows = [(path, "") for path in picture_files(root, skipped)]
        return rows or reject(f"There are no pictures in {root}.", str(root))
    rows = []
    for folder in subfolders(root):
        paths = picture_files(folder, skipped) or reject(f"The class folder {folder} has no pictures.", str(folder))
        rows += [(path, folder.name) for path in paths]
    if not rows:
        reject(f"{root} has no class folders; pictures are expected in {root.name}/CLASS/.", str(root))
    return rows


def subfolders(root: Path) -> list[Path]:
    """The visible folders in a folder, sorted."""
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"The folder {root} cannot be read: {error.strerror}.", received=str(root)) from None


def picture_files(folder: Path, skipped: list[Path]) -> list[Path]:
    """The picture files below a folder, sorted; visible files of other kinds are added to ``skipped``."""

    def stop(error: OSError) -> None:
        raise UserError(
            f"The folder {error.filename} cannot be read: {error.strerror}.", received=str(folder)
        ) from None

    found = []
    for hash_position, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = [Path(hash_position, name) for name in names if not name.startswith(".")]
        found += [path for path in visible if path.suffix.lower() in Image.suffixes]
        skipped += [path for path in visible if path.suffix.lower() not in Image.suffixes]
    return sorted(found)


def split_by_name(rows: Rows, bounds: tuple[float, ...]) -> list[Rows]:
    """Cut the pictures of each class, put in the order of a hash in [0, 1) of their names, at these bounds."""
    parts: list[Rows] = [[] for _ in range(len(bounds) + 1)]
    for name in sorted({name for _, name in rows}):
        places = sorted((hash_position(path), path) for path, its_name in rows if its_name == name)
        cuts = [sum(number < bound for number, _ in places) for bound in bounds]
        cuts = move_cuts_apart(cuts, len(places)) if len(places) > len(cuts) else [len(places)] * len(cuts)
        for part, start, stop in zip(parts, [0, *cuts], [*cuts, len(places)], strict=True):
            part += sorted((path, name) for _, path in places[start:stop])
    return parts


def move_cuts_apart(cuts: list[int], n: int) -> list[int]:
    """Move the cuts through a row of ``n`` as little as it takes for no part to be empty.

    Example:
        >>> move_cuts_apart([9, 9], 10)
        [8, 9]
    """
    for i in reversed(range(len(cuts))):
        cuts[i] = min(cuts[i], (*cuts, n)[i + 1] - 1)
    for i in range(len(cuts)):
        cuts[i] = max(cuts[i], (0, *cuts)[i] + 1)
    return cuts


def hash_position(path: Path) -> float:
    """A number in [0, 1) that depends on the file's name and nothing else."""
    return int.from_bytes(hashlib.sha256(path.name.encode("utf-8", "surrogateescape")).digest()[:6]) / 2**48
