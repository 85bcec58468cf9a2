"""A user's files split into training, validation and test files, copies together.

Each file's place is a hash of its name (in [0, 1), cut at the splits' bounds), so that files which are added later do not
move the others. Near-duplicates by name (``x copy.png``) and exact ones by content are one group, and a group is in one
split, as in scikit-learn's ``GroupShuffleSplit``: a copy of a training picture is no test.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence, Sized
from pathlib import Path

from potmeter.data.files import content_digest, relative_name
from potmeter.notices import note

COPY = re.compile(
    r"^copy of |[ _-]+(?:copy|kopie|copie|copia|másolat)(?:[ _]*\d+|[ _]*\(\d+\))?$|[ _]*\(copy(?: \d+)?\)$",
    re.IGNORECASE,
)
"""What file managers add to the name of a copy: ``x (copy).png``, ``x - Copy (2).png``, ``x copy 3.png``, ``Copy of x``."""

MAX_COPIES = 10
"""Files per group, on average, from which on a class with no more groups than bounds is split file by file."""

USES = {"train": "to train", "valid": "to validate", "test": "to test"}
"""What each split is for, in words."""

LabelledFiles = list[tuple[Path, str]]
"""Files, each with the name of its class (empty where there are no classes)."""


def count_splits(splits: Mapping[str, Sized], folders: Mapping[str, str] | None = None) -> str:
    """How many files the splits have that are not empty, in words, each with its folder where that is given.

    Example:
        >>> count_splits({"train": "abcd", "test": "e"}, {"test": "holdout"})
        '4 to train, 1 to test (holdout/)'
    """
    return ", ".join(
        f"{count:,} {use}{f' ({folders[split]}/)' if folders and split in folders else ''}"
        for split, use in USES.items()
        if (count := len(splits.get(split, ())))
    )


def split_files(files: LabelledFiles, root: Path, bounds: tuple[float, ...]) -> list[LabelledFiles]:
    """Split the files of each class by the hash of their paths below ``root``.

    No split of a class is empty where it has more groups of copies than there are bounds; of fewer all are in the first.
    Where nearly all files of a class are copies of each other they cannot be kept together, which is noted.

    Args:
        files: With their classes.
        root: The folder that they lie in.
        bounds: Ends of all splits but the last, ascending in (0, 1): (0.8, 0.9) gives 80 %, 10 % and 10 %.

    Returns:
        A list of files for each split, in the order of classes and paths.
    """
    groups = group_copies([path for path, _ in files], root)
    splits: list[LabelledFiles] = [[] for _ in range(len(bounds) + 1)]
    split_of: dict[str, int] = {}  # a picture that stands in two classes is in the same split of both
    for name in sorted({name for _, name in files}):
        own = [path for path, its_name in files if its_name == name]
        if len({groups[path] for path in own}) <= min(len(bounds), len(own) // MAX_COPIES):
            note(f"{root}: nearly all {len(own)} files of {name or 'the folder'} are copies of each other.")
            groups |= {path: relative_name(path, root) for path in own}
        order = sorted({groups[path] for path in own}, key=lambda group: (hash_fraction(group), group))
        cuts = [sum(hash_fraction(group) < bound for group in order) for bound in bounds]
        cuts = separate_cuts(cuts, len(order)) if len(order) > len(cuts) else [len(order)] * len(cuts)
        for number, start, stop in zip(range(len(splits)), [0, *cuts], [*cuts, len(order)], strict=True):
            for group in order[start:stop]:
                split_of.setdefault(group, number)
        for path in own:
            splits[split_of[groups[path]]].append((path, name))
    return [sorted(split, key=lambda file: (file[1], file[0])) for split in splits]


def group_copies(paths: Sequence[Path], root: Path) -> dict[Path, str]:
    """The group of each file, which it shares with its copies and with no other: the first of their names."""
    parent: dict[str, str] = {}  # a union-find forest

    def find(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            name = above
        return name

    names = {path: strip_copy_suffix(relative_name(path, root)) for path in paths}
    by_content: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (len(names[path]), names[path])):
        one, other = find(names[path]), find(by_content.setdefault(content_digest(path), names[path]))
        first, second = sorted((one, other), key=lambda name: (len(name), name))
        parent[second] = first
    return {path: find(names[path]) for path in paths}


def strip_copy_suffix(name: str) -> str:
    """A file's name without what says that it is a copy.

    Example:
        >>> [strip_copy_suffix(f"cat/{name}.png") for name in ("x (copy)", "x - Copy (2)", "copycat")]
        ['cat/x.png', 'cat/x.png', 'cat/copycat.png']
    """
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    return folder + slash + (COPY.sub("", stem) or stem) + dot + suffix


def hash_fraction(name: str) -> float:
    """A number in [0, 1) that depends on a name and nothing else."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:6]) / 2**48


def separate_cuts(cuts: list[int], n: int) -> list[int]:
    """Move the cuts through a row of ``n`` as little as it takes for no split to be empty.

    Example:
        >>> separate_cuts([9, 9], 10)
        [8, 9]
    """
    for i in reversed(range(len(cuts))):
        cuts[i] = min(cuts[i], (*cuts, n)[i + 1] - 1)
    for i in range(len(cuts)):
        cuts[i] = max(cuts[i], (0, *cuts)[i] + 1)
    return cuts
