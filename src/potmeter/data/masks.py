"""A user's own pictures with masks: ``images/`` beside ``masks/``, or COCO's JSON."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from potmeter.data.coco_images import find_coco
from potmeter.data.coco_masks import coco_rows_by_split
from potmeter.data.file_split import count_splits, split_files
from potmeter.data.files import find_files, list_folders
from potmeter.data.folder import SPLIT_BOUNDS, check_classes, find_split_folders, shorten_list
from potmeter.data.mask_data import BACKGROUND, VOID
from potmeter.data.mask_files import find_values, read_class_masks, read_index_mask
from potmeter.data.mask_folder_data import MaskFolderData, ReadMask, Row, View
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, read_bytes
from potmeter.notices import note

IMAGES = ("images", "image", "imgs", "img", "pictures")
MASKS = ("masks", "mask", "labels", "label", "annotations", "segmentations")
"""Names of the folders, in any case."""


def mask_folder(
    source: str | Path, size: int, *, channels: int = 3, view: View = "whole", classes: Sequence[str] = ()
) -> Splits:
    """Read pictures with masks, and say in one line what was understood.

    * ``FOLDER/images/`` with ``FOLDER/masks/``: for each picture a mask of its name (``cat.jpg`` and ``cat.png``, or
      ``cat_mask.png``), whose values are indices of classes, in grey or with a palette. Where there are only 0 and 255, 255 is
      class 1; else 255 is ``VOID``. Names of classes come from ``FOLDER/classes.txt``, a line each, the background first.
    * Or, in ``masks/``, a folder for each class with one grey mask a picture: bright where that class is. Of classes that
      overlap, the last in order of their names counts.
    * A file of COCO's JSON, or a folder with one, its pictures beside it or in ``images/``.

    With ``train/`` and ``val/`` or ``test/`` below the folder, these are the splits; else 80 % are for training, 10 % for
    validation and 10 % for testing, as in ``image_folder``.

    Args:
        source: The folder, or COCO's JSON.
        size: Side in pixels of what is handed out.
        channels: 3, or 1 for grey.
        view: ``whole``: pictures are scaled to cover the size and the middle is cut out; ``crop``: they are cut into pieces.
        classes: Those that a network knows: the folder has no others.

    Raises:
        UserError: for a missing or empty folder, a picture without a mask, a mask of another size than its picture, a value
            without a class, a file that is broken.
    """
    root = Path(source)
    if os.path.isfile(root):
        return as_splits(root, *coco_rows_by_split({"": (root, root.parent)}, root), size, channels, view, classes)
    if not os.path.isdir(root):  # os.path: False for what can be no path
        reject(f"{root} is not a folder." if os.path.exists(root) else f"There is no folder {root}.", str(source))
    found = find_split_folders(root)
    is_split = "train" in found and len(found) > 1
    folders = found if is_split else {"": found.get("train", root)}
    jsons = {split: path for split, folder in folders.items() if (path := find_coco(folder))}
    if jsons and not any(find_masks(folder) and find_folder(folder, IMAGES) for folder in folders.values()):
        files = {split: (path, folders[split]) for split, path in jsons.items()}
        return as_splits(root, *coco_rows_by_split(files, root), size, channels, view, classes)
    layouts = {split: Layout.read(folder) for split, folder in folders.items()}
    names = name_classes(root, list(layouts.values()), classes)
    rows = {split: layout.rows(names) for split, layout in layouts.items()}
    return as_splits(root, rows, names, size, channels, view, classes)


def as_splits(
    root: Path, rows_by_split: dict[str, list[Row]], names: tuple[str, ...], size: int, channels: int, view: View,
    known: Sequence[str],
) -> Splits:  # fmt: skip
    """Rows by split (all under "" where they are not split yet) as data sets, and a line that says so."""
    check_classes(known, names)
    is_split = "" not in rows_by_split
    everything = None if is_split else MaskFolderData(rows_by_split[""], names, size, channels, view)
    if not is_split or "valid" not in rows_by_split:
        rows = {row.image: row for row in rows_by_split["train" if is_split else ""]}
        bounds = (0.9,) if is_split else SPLIT_BOUNDS
        base = root if root.is_dir() else Path(os.path.commonpath([path.parent for path in rows]))
        cut = split_files([(path, "") for path in rows], base, bounds)
        named = dict(
            zip(("train", "valid", "test"), [[rows[path] for path, _ in split] for split in cut], strict=False)
        )
        rows_by_split = {**rows_by_split, **named} if is_split else named
    counts = count_splits(rows_by_split)
    total = sum(len(rows) for rows in rows_by_split.values())
    note(
        f"{root}: {total:,} pictures with masks of {len(names)} classes ({shorten_list(names)}): {counts}.",
        about="splits",
    )
    data = {split: MaskFolderData(rows, names, size, channels, view) for split, rows in rows_by_split.items() if rows}
    for split in ("test", "valid", "train"):  # the seldom read ones first
        data[split].check() if split in data else None
    return Splits(data.get("train"), data.get("valid"), data.get("test"), unsplit=everything)


# images/ and masks/ -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """A folder's pictures with the files of their masks."""

    root: Path
    pairs: list[tuple[Path, dict[str, Path]]]
    """A picture, and its masks: by class, or one of indices under ""."""
    class_folders: tuple[str, ...]
    values: frozenset[int]
    """Those that stand in the masks of indices."""

    @classmethod
    def read(cls, root: Path) -> Layout:
        """Find the pictures and masks of a folder. Raises UserError when they do not fit together."""
        images, masks = find_folder(root, IMAGES), find_masks(root)
        if images is None or masks is None:
            inside = ", ".join(folder.name for folder in list_folders(root)[:6]) or "no folders"
            reject(f"{root} needs a folder images and a folder masks beside it, or COCO's JSON.", inside)
        pictures = find_files(images, Image.suffixes).files
        pictures or reject(f"There are no pictures in {images}.", str(images))
        folders = list_folders(masks)
        by_class = {
            folder.name: {mask_stem(path): path for path in find_files(folder, Image.suffixes).files}
            for folder in folders
        }
        plain = {} if folders else {mask_stem(path): path for path in find_files(masks, Image.suffixes).files}
        by_class = by_class or {"": plain}
        pairs = []
        for picture in pictures:
            own = {name: stems[picture.stem] for name, stems in by_class.items() if picture.stem in stems}
            own or reject(f"{picture.name} has no mask of its name in {masks}.", picture.name)
            pairs.append((picture, own))
        names = tuple(sorted(folder.name for folder in folders))
        return cls(root, pairs, names, frozenset() if names else find_values([own[""] for _, own in pairs]))

    def rows(self, classes: tuple[str, ...]) -> list[Row]:
        """The pictures with what reads their masks as indices of these classes."""
        binary = self.values <= {0, 255} and 255 in self.values

        def reader(own: dict[str, Path]) -> ReadMask:
            if "" in own:
                return lambda shape: read_index_mask(own[""], shape, len(classes), binary=binary)
            return lambda shape: read_class_masks(own, shape, classes)

        return [Row(picture, reader(own), tuple(own.values())) for picture, own in self.pairs]


def find_folder(root: Path, names: Sequence[str]) -> Path | None:
    """The folder below ``root`` that has the first of these names, in any case."""
    by_name = {folder.name.casefold(): folder for folder in list_folders(root)}
    return next((by_name[name] for name in names if name in by_name), None)


def find_masks(root: Path) -> Path | None:
    """The folder of masks: COCO's ``annotations`` holds none."""
    folder = find_folder(root, MASKS)
    return folder if folder is not None and find_files(folder, Image.suffixes).files else None


def mask_stem(path: Path) -> str:
    """The name of the picture that a mask is of: ``cat_mask.png`` is ``cat``'s."""
    return path.stem.removesuffix("_mask").removesuffix("-mask").removesuffix("_labelIds")


def name_classes(root: Path, layouts: Sequence[Layout], known: Sequence[str]) -> tuple[str, ...]:
    """The classes in the order of their indices: by ``classes.txt``, by the folders of masks, or by number.

    Raises:
        UserError: When there are fewer than two, or two of one name.
    """
    folders = tuple(sorted({name for layout in layouts for name in layout.class_folders}))
    values = {value for layout in layouts for value in layout.values}
    listed = next(
        (path for layout in layouts for path in (layout.root / "classes.txt", root / "classes.txt") if path.is_file()),
        None,
    )
    if listed is not None:
        lines = read_bytes(listed).decode("utf-8", "replace").splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
    elif folders:
        names = folders if BACKGROUND in folders else (BACKGROUND, *folders)
        names = tuple(sorted(names, key=lambda name: name != BACKGROUND))
    else:
        indices = values - {VOID}
        highest = 1 if values == {0, VOID} or values == {VOID} else max(indices, default=0)
        names = tuple(known) if known else (BACKGROUND, *(f"class {value}" for value in range(1, highest + 1)))
    twice = [name for name, count in Counter(names).items() if count > 1]
    not twice or reject(f"Two classes of {root} have one name.", twice[0])
    len(names) >= 2 or reject(
        f"The masks of {root} have one value; telling pixels apart takes two.", sorted(values)[:5]
    )
    len(names) <= VOID or reject("A mask has at most 255 classes.", len(names))
    return names
