"""A user's own pictures: ``FOLDER/class/*.jpg``, or any folder of pictures without classes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from potmeter.data.file_split import LabelledFiles, count_splits, split_files
from potmeter.data.files import content_digest, find_files, list_folders
from potmeter.data.folder_data import FolderData
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.notices import note

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "development"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Names of subfolders that are splits, not classes; in any case, and with ``set`` or ``data`` behind."""
SPLIT_BOUNDS = (0.8, 0.9)
"""Where training and validation split end, of pictures that the user has not split."""
MAX_NAMED = 6
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
      the splits. Where there is none for validation, a tenth of the training pictures are held back; where there is none
      for testing, ``test`` is None.
    * Else 80 % of each class are for training, 10 % for validation and 10 % for testing, by a hash of the picture's path,
      so that files which are added do not move the others. (In a class of some ten files one may move, since no split
      stays empty; classes of one or two files are for training only.) Copies of a picture are in the same split.

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
    found = find_split_folders(root)
    by_user = found.keys() - {"train"} != set()
    if by_user:
        splits = {split: labelled_files(folder, labels, skipped) for split, folder in found.items()}
        if "valid" not in splits and "train" in splits:
            splits["train"], splits["valid"] = split_files(splits["train"], found["train"], (0.9,))
        note_leakage(root, splits)
    else:
        inner = found.get("train", root)
        rows = labelled_files(inner, labels, skipped)
        splits = dict(zip(("train", "valid", "test"), split_files(rows, inner, SPLIT_BOUNDS), strict=True))
    if skipped:
        note(f"{root}: skipped {len(skipped)} files that are not pictures, such as {skipped[0].name}.")
    names = class_names(root, splits, classes) if labels else ()
    note_layout(root, names, splits, {split: folder.name for split, folder in found.items()} if by_user else {})
    data = {split: FolderData(rows, names, size, channels) for split, rows in splits.items() if rows}
    for split in ("test", "valid", "train"):  # the seldom read ones first
        data[split].check() if split in data else None
    everything = (
        None if by_user else FolderData([row for rows in splits.values() for row in rows], names, size, channels)
    )
    return Splits(data.get("train"), data.get("valid"), data.get("test"), unsplit=everything)


def find_split_folders(root: Path) -> dict[str, Path]:
    """The subfolders that are splits of the data set: those for training and for another split, or one alone.

    Raises:
        UserError: Where two are for the same split, or there are class folders beside splits.
    """
    folders = list_folders(root)
    found: dict[str, Path] = {}
    for folder in folders:
        if split := split_name(folder.name):
            if split in found:
                reject(f"{root} has several folders for the same part.", f"{found[split].name}, {folder.name}")
            found[split] = folder
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


def split_name(name: str) -> str | None:
    """The split that a folder of this name is, if it is one.

    Example:
        >>> split_name("Training_Set"), split_name("dev"), split_name("trainer")
        ('train', 'valid', None)
    """
    plain = re.sub(r"[\s_.-]+", "", name.casefold())
    return SPLIT_NAMES.get(plain) or SPLIT_NAMES.get(re.sub(r"(set|data|images|split)$", "", plain))


def labelled_files(root: Path, labels: bool, skipped: list[Path]) -> LabelledFiles:
    """The pictures below a folder, sorted, with their classes; files of other kinds are added to ``skipped``."""
    if not labels:
        pictures: LabelledFiles = [(path, "") for path in picture_files(root, skipped)]
        return pictures or reject(f"There are no pictures in {root}.", str(root))
    rows: LabelledFiles = []
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
    """Raise UserError for a class folder with nothing but folders: these may be the classes, and it a split.

    A folder for each picture is no reason: ``cat/0017/picture.jpg``.
    """
    in_each = Counter(path.relative_to(folder).parts[0] for path in files)
    if all(path.parent != folder for path in files) and max(in_each.values()) > 1:
        reject(
            f"{folder} holds only folders: are these the classes? Pictures lie in {root.name}/CLASS/, or in "
            f"{root.name}/train/CLASS/ and {root.name}/test/CLASS/.",
            ", ".join(sorted(in_each)[:MAX_NAMED]),
        )


def picture_files(folder: Path, skipped: list[Path]) -> list[Path]:
    """The pictures below a folder, sorted; visible files of other kinds are added to ``skipped``."""
    found = find_files(folder, Image.suffixes)
    skipped += found.others
    return found.files


def class_names(root: Path, splits: dict[str, LabelledFiles], known: Sequence[str]) -> tuple[str, ...]:
    """The classes in the order of their labels.

    Raises:
        UserError: When there are fewer than two, a split has one that is not trained on, or a network does not know one.
    """
    present = sorted({name for rows in splits.values() for _, name in rows})
    if known:
        if strange := [name for name in present if name not in known]:
            reject(f"The network knows {shorten_list(known)}, and not all classes of {root}.", shorten_list(strange))
        return tuple(known)
    names = sorted({name for _, name in splits.get("train", splits.get("test", []))})
    for extra in sorted(set(present) - set(names)):
        reject(f"{root} has no training picture of a class that it has others of.", extra)
    len(names) > 1 or reject(f"{root} has only one class folder; telling classes apart takes two.", names[0])
    return tuple(names)


# What is told -------------------------------------------------------------------------------------------------------


def note_layout(root: Path, classes: Sequence[str], splits: dict[str, LabelledFiles], folders: dict[str, str]) -> None:
    """Say in one line how a folder was understood."""
    total = sum(map(len, splits.values()))
    named = f" in {len(classes)} classes ({shorten_list(classes)})" if classes else ""
    note(f"{root}: {total:,} pictures{named}: {count_splits(splits, folders)}.", about="splits")


def note_leakage(root: Path, splits: dict[str, LabelledFiles]) -> None:
    """Tell of pictures for validation or testing that are trained on too, where the splits are the user's."""
    trained = {content_digest(path) for path, _ in splits.get("train", [])}
    for split in ("valid", "test"):
        shared = [path for path, _ in splits.get(split, []) if content_digest(path) in trained]
        if shared:
            word = {"valid": "validation", "test": "test"}[split]
            note(
                f"{root}: {len(shared)} of {len(splits[split])} {word} pictures are among those to train, such as "
                f"{shared[0].relative_to(root)}."
            )


def shorten_list(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join(names[:MAX_NAMED]) + (" …" if len(names) > MAX_NAMED else "")


def check_classes(known: Sequence[str], found: Sequence[str]) -> None:
    """Raise UserError where the data's classes are not those that a network knows; one that knows none learns any."""
    if known and tuple(known) != tuple(found):
        reject(f"The network knows {shorten_list(known)}, not the data's classes.", shorten_list(found))
