"""Pictures in two styles: of different things, as unpaired translation is trained, or of the same things, as it is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.files import list_folders
from potmeter.data.fingerprint import digest, fingerprint
from potmeter.data.folder import image_folder, picture_files
from potmeter.data.folder_data import FolderData
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits
from potmeter.errors import reject

MIN_VALID = 2
"""Fewest pictures of a style to validate with."""
TESTED_BESIDE = {"trainA": "testA", "trainB": "testB"}
"""The folders of pictures for testing beside those for training, in CycleGAN's data."""


class TwoStyles(Dataset):
    """A set of pictures in each of two styles.

    Args:
        first, second: Data sets whose batches have ``image`` float (B, C, H, W) in [0, 1].
        styles: What the styles are called.
        paired: Whether the i-th picture of both shows the same thing. If not, the shorter set begins again at its end,
            so that every picture is seen: which two come together means nothing.

    Raises:
        UserError: Sets of different lengths as pairs, or two names that are the same.
    """

    def __init__(self, first: Any, second: Any, styles: Sequence[str], *, paired: bool = False) -> None:
        self.first, self.second, self.styles, self.paired = first, second, tuple(styles), paired
        len(set(self.styles)) == 2 or reject("The two styles have two names.", ", ".join(styles))
        if paired and len(first) != len(second):
            reject("Pairs are as many pictures of each style.", f"{len(first)}, {len(second)}")

    def __len__(self) -> int:
        return max(len(self.first), len(self.second))

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places as one batch: ``first`` and ``second``, float (B, C, H, W) in [0, 1]."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        pairs = (("first", self.first), ("second", self.second))
        return {name: data.__getitems__(indices % len(data))["image"] for name, data in pairs}

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The pictures at these places, as a data set of their own."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        first, second = (data.select(indices % len(data)) for data in (self.first, self.second))
        return type(self)(first, second, self.styles, paired=self.paired)

    def fingerprint(self) -> str:
        """A digest of both sets."""
        return digest([self.styles, self.paired, fingerprint(self.first), fingerprint(self.second)])

    @property
    def digests(self) -> tuple[str, ...]:
        """Of each picture's file, where they are files."""
        return (*getattr(self.first, "digests", ()), *getattr(self.second, "digests", ()))


def load_two_styles(source: str, target: str | Path | None, size: int) -> Splits:
    """Pictures in two styles by the name of a built-in set, or by one folder or two.

    Args:
        source: The name of a set; or a folder with the pictures of the first style; or, without ``target``, one with a
            folder for each style, or with ``trainA``, ``trainB`` and perhaps ``testA``, ``testB``, as CycleGAN's data are.
        target: A folder with the pictures of the second style.
        size: Side in pixels to which pictures are brought.

    Raises:
        UserError: When there are no such folders, too few pictures, or the same ones for both styles.
    """
    if target is None and source in DATA_SETS and DATA_SETS[source].kind == "pictures in two styles":
        splits: Splits = DATA_SETS[source].read(size=size, channels=3)
        return splits
    first, second = (Path(source), Path(target)) if target is not None else find_style_folders(Path(source))
    first.resolve() != second.resolve() or reject("Both styles are the same folder.", str(second))
    parts = [read_style(folder, size) for folder in (first, second)]
    if set(parts[0].train.digests) == set(parts[1].train.digests):
        reject("Both folders hold the same pictures.", f"{first}, {second}")
    names = [folder.name for folder in (first, second)]
    styles = names if names[0] != names[1] else ["first", "second"]
    both = {
        split: TwoStyles(getattr(parts[0], split), getattr(parts[1], split), styles)
        for split in ("train", "valid", "test")
        if getattr(parts[0], split) is not None and getattr(parts[1], split) is not None
    }
    return Splits(both["train"], both["valid"], both.get("test"))


def find_style_folders(root: Path) -> tuple[Path, Path]:
    """The folders of both styles in one: CycleGAN's ``trainA`` and ``trainB``, or the only two. Raises UserError."""
    if (root / "trainA").is_dir() and (root / "trainB").is_dir():
        return root / "trainA", root / "trainB"
    folders = list_folders(root) if root.is_dir() else []
    if len(folders) != 2:
        reject(
            "Two folders of pictures are needed, one in each style: --data FIRST --target SECOND.",
            f"{root}, with {len(folders)} folders in it" if root.is_dir() else str(root),
        )
    return folders[0], folders[1]


def read_style(folder: Path, size: int) -> Splits:
    """The pictures of one style; those of ``testA`` beside ``trainA`` are for testing. Raises UserError for too few."""
    splits = image_folder(folder, size, labels=False)
    valid = 0 if splits.valid is None else len(splits.valid)
    if valid < MIN_VALID:
        reject(
            f"{folder} has too few pictures: a tenth is for validation, and that must be {MIN_VALID} at least.",
            sum(len(part) for part in (splits.train, splits.valid, splits.test) if part is not None),
        )
    beside = folder.with_name(TESTED_BESIDE.get(folder.name, folder.name))
    if beside != folder and beside.is_dir():
        files = [(path, "") for path in picture_files(beside, [])]
        return replace(splits, test=FolderData(files, (), size))
    return splits
