"""A user's own pictures: ``FOLDER/class/*.jpg``, or any folder of pictures without classes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from potmeter.data.division import Rows, divide
from potmeter.data.files import content_digest, find_files, list_folders
from potmeter.data.folder_data import FolderData
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.notices import note

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "development"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of subfolders that are parts of the data set, not classes; in any case, and with ``set`` or ``data`` behind."""
BOUNDS = (0.8, 0.9)
"""Where training and validation part end, of pictures that are not divided yet."""
SHOWN = 6
"""Classes that are named in the line that says what was understood."""


def image_folder(
    source: str | Path,
    size: int | tuple[int, int],
    *,
    channels: int = 3,
    labels: bool = True,
    classes: Sequence[str] = (),
) -> Splits:
    """Read a folder of pictures in the ImageFolder layout, and say in one line what was understood.

    * With ``train/`` and ``val/`` or ``test/`` below it (``Training``, ``validation_set``, ``dev`` … will do), these are
      the parts. Where there is none for validation, a tenth of the training pictures are held back; where there is none
      for testing, ``test`` is None.
    * Else 80 % of each class are for training, 10 % for validation and 10 % for testing, by a hash of the picture's path,
      so that files which are added do not move the others. (In a class of some ten files one may move, since no part
      stays empty; classes of one or two files are for training only.) Copies of a picture are in the same part.

    Pictures are decoded when they are first used: scaled to cover ``size``, and the middle cut out. Hidden files and files
    that are not pictures are skipped, and their number is told on stderr.

    Args:
        source: The folder.
        size: Side of the pictures in pixels, or (height, width).
        channels: 3, or 1 for grey.
        labels: Whether subfolders are classes. If not, all pictures below the folder count, and there is no ``label``.
        classes: Those that a network knows, in the order of its labels; the folder may lack some, and has no others.

    Returns:
        Splits of FolderData, whose batches have ``image`` float (B, channels, size, size) and ``label`` int64 (B,).

    Raises:
        UserError: for a missing, unreadable or empty folder, an empty class, a class folder that holds only folders, fewer
            than two classes, a class without training pictures; and for a broken picture, which it names.

    Example:
        >>> image_folder("flowers/", size=64).classes  # doctest: +SKIP
        ('daisy', 'rose')
    """
    root = Path(source)
    if not os.path.isdir(root):  # os.path: False for what can be no path
        reject(f"{root} is not a folder." if os.path.exists(root) else f"There is no folder {root}.", str(source))
    skipped: list[Path] = []
    found = find_parts(root)
    divided = found.keys() - {"train"} != set()
    if divided:
        parts = {part: labelled_files(folder, labels, skipped) for part, folder in found.items()}
        if "valid" not in parts and "train" in parts:
            parts["train"], parts["valid"] = divide(parts["train"], found["train"], (0.9,))
        tell_shared(root, parts)
    else:
        inner = found.get("train", root)
        rows = labelled_files(inner, labels, skipped)
        parts = dict(zip(("train", "valid", "test"), divide(rows, inner, BOUNDS), strict=True))
    if skipped:
        note(f"{root}: skipped {len(skipped)} files that are not pictures, such as {skipped[0].name}.")
    names = class_names(root, parts, classes) if labels else ()
    tell_layout(root, names, parts, {part: folder.name for part, folder in found.items()} if divided else {})
    data = {part: FolderData(rows, names, size, channels) for part, rows in parts.items() if rows}
    for part in ("test", "valid", "train"):  # the seldom read ones first
        data[part].check() if part in data else None
    everything = (
        None if divided else FolderData([row for rows in parts.values() for row in rows], names, size, channels)
    )
    return Splits(data.get("train"), data.get("valid"), data.get("test"), unsplit=everything)


def find_parts(root: Path) -> dict[str, Path]:
    """The subfolders that are parts of the data set: those for training and for another part, or one alone.

    Raises:
        UserError: Where two are for the same part, or there are class folders beside parts.
    """
    folders = list_folders(root)
    found: dict[str, Path] = {}
    for folder in folders:
        if part := part_of(folder.name):
            if part in found:
                reject(f"{root} has several folders for the same part.", f"{found[part].name}, {folder.name}")
            found[part] = folder
    if len(folders) == 1 or (len(folders) == len(found) and "train" in found):
        return found
    if "train" in found and len(found) > 1:
        others = [folder for folder in folders if folder not in found.values()]
        with_pictures = [folder.name for folder in others if find_files(folder, Image.suffixes).files]
        if with_pictures:
            given = ", ".join(folder.name for folder in found.values())
            reject(f"{root} has parts ({given}) and other folders of pictures beside them.", ", ".join(with_pictures))
        return found
    return {}  # a class may be called train


def part_of(name: str) -> str | None:
    """The part that a folder of this name is, if it is one.

    Example:
        >>> part_of("Training_Set"), part_of("dev"), part_of("trainer")
        ('train', 'valid', None)
    """
    plain = re.sub(r"[\s_.-]+", "", name.casefold())
    return PARTS.get(plain) or PARTS.get(re.sub(r"(set|data|images|split)$", "", plain))


def labelled_files(root: Path, labels: bool, skipped: list[Path]) -> Rows:
    """The pictures below a folder, sorted, with their classes; files of other kinds are added to ``skipped``."""
    if not labels:
        pictures: Rows = [(path, "") for path in picture_files(root, skipped)]
        return pictures or reject(f"There are no pictures in {root}.", str(root))
    rows: Rows = []
    spelt: dict[str, Path] = {}
    for folder in list_folders(root):
        found = find_files(folder, Image.suffixes)
        if found.runs and not found.files:
            note(f"{folder} holds training runs; it is no class.")
            continue
        skipped += found.others
        found.files or reject(f"The class folder {folder} has no pictures.", str(folder))
        reject_nested(root, folder, found.files)
        name = unicodedata.normalize("NFC", folder.name)
        if spelt.setdefault(name, folder) != folder:
            reject(f"{root} has two folders of one name, with accents in one character and in two.", name)
        rows += [(path, name) for path in found.files]
    if not rows:
        reject(f"{root} has no class folders; pictures are expected in {root.name}/CLASS/.", str(root))
    return rows


def reject_nested(root: Path, folder: Path, files: Sequence[Path]) -> None:
    """Raise UserError for a class folder with nothing but folders: these may be the classes, and it a part.

    A folder for each picture is no reason: ``cat/0017/picture.jpg``.
    """
    in_each = Counter(path.relative_to(folder).parts[0] for path in files)
    if all(path.parent != folder for path in files) and max(in_each.values()) > 1:
        reject(
            f"{folder} holds only folders: are these the classes? Pictures lie in {root.name}/CLASS/, or in "
            f"{root.name}/train/CLASS/ and {root.name}/test/CLASS/.",
            ", ".join(sorted(in_each)[:SHOWN]),
        )


def picture_files(folder: Path, skipped: list[Path]) -> list[Path]:
    """The pictures below a folder, sorted; visible files of other kinds are added to ``skipped``."""
    found = find_files(folder, Image.suffixes)
    skipped += found.others
    return found.files


def class_names(root: Path, parts: dict[str, Rows], known: Sequence[str]) -> tuple[str, ...]:
    """The classes in the order of their labels.

    Raises:
        UserError: When there are fewer than two, a part has one that is not trained on, or a network does not know one.
    """
    present = sorted({name for rows in parts.values() for _, name in rows})
    if known:
        if strange := [name for name in present if name not in known]:
            reject(f"The network knows {shorten_list(known)}, and not all classes of {root}.", shorten_list(strange))
        return tuple(known)
    names = sorted({name for _, name in parts.get("train", parts.get("test", []))})
    for extra in sorted(set(present) - set(names)):
        reject(f"{root} has no training picture of a class that it has others of.", extra)
    len(names) > 1 or reject(f"{root} has only one class folder; telling classes apart takes two.", names[0])
    return tuple(names)


# What is told -------------------------------------------------------------------------------------------------------


def tell_layout(root: Path, classes: Sequence[str], parts: dict[str, Rows], folders: dict[str, str]) -> None:
    """Say in one line how a folder was understood."""
    words = {"train": "to train", "valid": "to validate", "test": "to test"}
    counts = ", ".join(
        f"{len(rows):,} {words[part]}{f' ({folders[part]}/)' if part in folders else ''}"
        for part in words
        if (rows := parts.get(part))
    )
    total = sum(map(len, parts.values()))
    named = f" in {len(classes)} classes ({shorten_list(classes)})" if classes else ""
    note(f"{root}: {total:,} pictures{named}: {counts}.", about="parts")


def tell_shared(root: Path, parts: dict[str, Rows]) -> None:
    """Tell of pictures for validation or testing that are trained on too, where the parts are the user's."""
    trained = {content_digest(path) for path, _ in parts.get("train", [])}
    for part in ("valid", "test"):
        shared = [path for path, _ in parts.get(part, []) if content_digest(path) in trained]
        if shared:
            word = {"valid": "validation", "test": "test"}[part]
            note(
                f"{root}: {len(shared)} of {len(parts[part])} {word} pictures are among those to train, such as "
                f"{shared[0].relative_to(root)}."
            )


def shorten_list(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
