"""Files in three parts: by a hash of their names, so that files which are added do not move the others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from potmeter.data.files import content_digest, relative_name
from potmeter.notices import note

COPY = re.compile(
    r"^copy of |[ _-]+(?:copy|kopie|copie|copia|másolat)(?:[ _]*\d+|[ _]*\(\d+\))?$|[ _]*\(copy(?: \d+)?\)$",
    re.IGNORECASE,
)
"""What file managers add to the name of a copy: ``x (copy).png``, ``x - Copy (2).png``, ``x copy 3.png``, ``Copy of x``."""

ALIKE = 10
"""Copies of each picture of a class, on average, with which it has no pictures to speak of."""

Rows = list[tuple[Path, str]]
"""Files with the name of their class (empty where there are no classes)."""


def divide(rows: Rows, root: Path, bounds: tuple[float, ...]) -> list[Rows]:
    """Cut the files of each class, in the order of a hash in [0, 1) of their paths below ``root``, at these bounds.

    Files of equal content, and those whose names say that one is a copy of the other, are in the same part. No part of a
    class is empty where it has more files than there are bounds; of fewer all are in the first. Where nearly all files of a
    class are equal they cannot be kept apart, which is told.
    """
    keys = group_copies([path for path, _ in rows], root)
    parts: list[Rows] = [[] for _ in range(len(bounds) + 1)]
    decided: dict[str, int] = {}  # a picture that stands in two classes is in the same part of both
    for name in sorted({name for _, name in rows}):
        own = [path for path, its_name in rows if its_name == name]
        if len({keys[path] for path in own}) <= min(len(bounds), len(own) // ALIKE):
            note(f"{root}: nearly all {len(own)} files of {name or 'the folder'} are copies of each other.")
            keys |= {path: relative_name(path, root) for path in own}
        order = sorted({keys[path] for path in own}, key=lambda key: (hash_position(key), key))
        cuts = [sum(hash_position(key) < bound for key in order) for bound in bounds]
        cuts = move_cuts_apart(cuts, len(order)) if len(order) > len(cuts) else [len(order)] * len(cuts)
        for part, start, stop in zip(range(len(parts)), [0, *cuts], [*cuts, len(order)], strict=True):
            for key in order[start:stop]:
                decided.setdefault(key, part)
        for path in own:
            parts[decided[keys[path]]].append((path, name))
    return [sorted(part, key=lambda row: (row[1], row[0])) for part in parts]


def group_copies(paths: Sequence[Path], root: Path) -> dict[Path, str]:
    """For each file what it shares with its copies and nobody else: the first of their names."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while (above := leader.setdefault(name, name)) != name:
            name = above
        return name

    names = {path: strip_copy(relative_name(path, root)) for path in paths}
    holders: dict[str, str] = {}  # by content
    for path in sorted(paths, key=lambda path: (len(names[path]), names[path])):
        one, other = find(names[path]), find(holders.setdefault(content_digest(path), names[path]))
        first, second = sorted((one, other), key=lambda name: (len(name), name))
        leader[second] = first
    return {path: find(names[path]) for path in paths}


def strip_copy(name: str) -> str:
    """A file's name without what says that it is a copy.

    Example:
        >>> strip_copy("cat/x (copy).png"), strip_copy("cat/x - Copy (2).png"), strip_copy("cat/copycat.png")
        ('cat/x.png', 'cat/x.png', 'cat/copycat.png')
    """
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    return folder + slash + (COPY.sub("", stem) or stem) + dot + suffix


def hash_position(name: str) -> float:
    """A number in [0, 1) that depends on a name and nothing else."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[:6]) / 2**48


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
