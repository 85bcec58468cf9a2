"""Photographs of faces with attributes, in CelebA's layout (Liu et al. 2015): a folder of pictures and a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.file_split import split_files
from potmeter.data.fingerprint import digest
from potmeter.data.folder import picture_files
from potmeter.data.folder_data import FolderData
from potmeter.data.splits import Splits, attribute_column
from potmeter.errors import UserError, reject
from potmeter.notices import note

TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
FOLDERS = ("img_align_celeba", "img_celeba", "images")
"""Where the pictures are looked for; beside the table where there is none of these."""

Table = tuple[tuple[str, ...], dict[str, tuple[int, ...]]]
"""Names of the columns, and each picture's values by its file's name."""


class AttributeFolder(FolderData):
    """Pictures on disk with attributes: FolderData whose batches have ``attributes`` bool (B, A) besides.

    Args:
        paths: The files.
        attributes: Bool (N, A).
        attribute_names: Names of the columns.
        size, channels: As in FolderData.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        attributes: Tensor,
        attribute_names: Sequence[str],
        size: int | tuple[int, int],
        channels: int = 3,
    ) -> None:
        super().__init__([(path, "") for path in paths], (), size, channels)
        self.attributes, self.attribute_names = attributes, tuple(attribute_names)

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        indices = torch.as_tensor(indices, dtype=torch.long)
        return super().__getitems__(indices) | {"attributes": self.attributes[indices]}

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        indices = torch.as_tensor(indices, dtype=torch.long)
        paths = [self.rows[i][0] for i in indices.tolist()]
        return type(self)(paths, self.attributes[indices], self.attribute_names, self.size, self.channels)

    def fingerprint(self) -> str:
        """A digest of the files and their attributes."""
        return digest([super().fingerprint(), self.attribute_names, self.attributes])

    def attribute(self, name: str) -> Tensor:
        """One attribute of every picture, bool (N,). Raises UserError when there is none of that name."""
        return attribute_column(self.attribute_names, self.attributes, name)


def is_celeba(source: str | Path) -> bool:
    """Whether a folder has a table of attributes beside its pictures."""
    return any(os.path.isfile(os.path.join(source, name)) for name in TABLES)  # False for what can be no path


def celeba(source: str | Path, size: int | tuple[int, int], *, channels: int = 3) -> Splits:
    """Read a folder in CelebA's layout: ``list_attr_celeba.txt`` (or .csv), and the pictures in ``img_align_celeba/``.

    The splits are those of ``list_eval_partition.txt`` (or .csv); where there is none, 80 % of the pictures are for
    training, 10 % for validation and 10 % for testing, by a hash of the file's name, copies of a picture in the same split.
    Rows whose picture is not there are left out, and their number is told.

    Args:
        source: The folder.
        size: Side of the pictures in pixels, or (height, width): they are scaled to cover it, and the middle is cut out.
        channels: 3, or 1 for grey.

    Returns:
        Splits of AttributeFolder, whose names are CelebA's in words: ``Eyeglasses``, ``Wearing Hat``.

    Raises:
        UserError: For a table that cannot be read, values other than −1, 0 and 1, a picture without a row, a
            split without pictures; and, when it is its turn, for a broken picture, which it names.
    """
    root = Path(source)
    table = next(path for name in TABLES if (path := root / name).is_file())
    columns, rows = read_table(table)
    strange = next(((name, v) for name, values in rows.items() for v in values if v not in (-1, 0, 1)), None)
    strange is None or reject(f"An attribute in {table.name} is 1, or −1 or 0.", strange)
    folder = next((path for name in FOLDERS if (path := root / name).is_dir()), root)
    files = picture_files(folder, [])
    files or reject(f"There are no pictures in {folder}.", str(folder))
    found = {path.name: path for path in files}
    if twice := [path.name for path in files if found[path.name] != path]:
        reject(f"{folder} has several pictures of one name, which the table cannot tell apart.", twice[0])
    if missing := sorted(found.keys() - rows.keys()):
        reject(f"{table.name} has no row for {len(missing)} of {len(found)} pictures, such as this one.", missing[0])
    if len(rows) > len(found):
        note(f"{table.name} has {len(rows) - len(found):,} rows without a picture; they are left out.")
    splits: list[list[str]] = [[], [], []]
    for name, number in assign_splits(root, folder, found).items():
        splits[number].append(name)
    all(splits) or reject("Training, validation and test part take a picture each.", f"{len(found)} pictures")
    train, valid, test = (
        AttributeFolder(
            [found[name] for name in names], torch.tensor([rows[name] for name in names]) == 1, columns, size, channels
        )
        for names in splits
    )
    for data in (test, valid, train):
        data.check()
    return Splits(train, valid, test)


def assign_splits(root: Path, folder: Path, found: dict[str, Path]) -> dict[str, int]:
    """The split of each picture by its name, 0 to 2. Raises UserError where the table of splits lacks one."""
    table = next((path for name in PARTITIONS if (path := root / name).is_file()), None)
    if table is None:
        splits = split_files([(path, "") for path in found.values()], folder, (0.8, 0.9))
        return {path.name: number for number, files in enumerate(splits) for path, _ in files}
    _, rows = read_table(table)
    for name in found:
        rows.get(name, ()) in ((0,), (1,), (2,)) or reject(f"{table.name} gives each picture 0, 1 or 2.", name)
    return {name: rows[name][0] for name in found}


def read_table(path: Path) -> Table:
    """A table of whole numbers by file names: as CelebA's authors publish it (.txt), or with commas (.csv).

    The former has the number of rows in its first line and the names in its second (or neither, where there is one
    column); the latter has the names, after one for the files, in its first.

    Raises:
        UserError: When it cannot be read, is empty, or a row has too few or too many values or what is no number.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.", received=path.name) from None
    split = (lambda line: line.split(",")) if path.suffix == ".csv" else str.split
    cells = [(number, split(line)) for number, line in enumerate(lines, 1) if line.strip()]
    cells or reject(f"{path} is empty.", path.name)
    promised = None
    if path.suffix == ".csv":
        columns = tuple(cells.pop(0)[1][1:])
    elif len(cells) > 1 and len(cells[0][1]) == 1:
        promised, columns = cells[0][1][0], tuple(cells[1][1])
        cells = cells[2:]
    else:
        columns = ("part",)
    rows = {}
    for number, (name, *values) in cells:
        try:
            rows[name.strip()] = tuple(map(int, values))
        except ValueError:
            reject(f"Line {number} of {path.name} has what is no whole number.", lines[number - 1][:60])
        len(values) == len(columns) or reject(
            f"Line {number} of {path.name} has {len(values)} values for {len(columns)} columns.", name
        )
    rows or reject(f"{path.name} has no rows.", path.name)
    if promised not in (None, str(len(cells))):
        reject(f"{path.name} says that it has {promised} rows.", len(cells))
    return tuple(name.strip().replace("_", " ") for name in columns), rows
