"""The files of a user's folder: what counts, what does not, and which are copies of each other."""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import os
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from potmeter.errors import UserError

SYSTEM = (
    *("__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"),
    *("Thumbs.db", "desktop.ini", "Icon\r", "~$*", "*~"),
)
"""Names, besides those that begin with a dot, of what systems and editors put beside a user's files."""
MAX_WHOLE = 2**18
"""Bytes up to which a file's content is compared whole; of more, as many in stretches spread evenly."""
NUM_STRETCHES = 64
"""How many stretches."""


@dataclass
class FoundFiles:
    """What a folder holds."""

    files: list[Path] = field(default_factory=list)
    """The files of the wanted kinds, in order of their names."""
    others: list[Path] = field(default_factory=list)
    """Visible files of other kinds."""
    runs: list[Path] = field(default_factory=list)
    """Folders of training runs and of weights, which are not looked into."""


def find_files(root: str | Path, suffixes: Collection[str]) -> FoundFiles:
    """The files below a folder whose names end so, in any case.

    What is hidden, belongs to the system, or is a training run does not count. Links are followed, each folder once.

    Raises:
        UserError: When a folder is missing or cannot be read.
    """
    found, entered = FoundFiles(), set()
    todo = [Path(root)]
    while todo:
        folder = todo.pop()
        try:
            identity = (status := folder.stat()).st_dev, status.st_ino
            if identity in entered:  # a link back, or a second one to the same place
                continue
            entered.add(identity)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (OSError, ValueError) as error:  # ValueError: a name with a null byte
            reason = getattr(error, "strerror", None) or str(error)
            raise UserError(f"The folder {folder} cannot be read: {reason}.", received=str(folder)) from None
        if is_run(entry.name for entry in entries):
            found.runs.append(folder)
            continue
        for entry in entries:
            if is_hidden(entry.name):
                continue
            path = folder / entry.name
            if entry.is_dir():
                todo.append(path)
            else:
                (found.files if path.suffix.lower() in suffixes else found.others).append(path)
    found.files.sort()
    return found


def list_folders(root: Path) -> list[Path]:
    """The visible folders in a folder, in order of their names. Raises UserError when it cannot be read."""
    try:
        return sorted(path for path in root.iterdir() if not is_hidden(path.name) and path.is_dir())
    except OSError as error:
        raise UserError(f"The folder {root} cannot be read: {error.strerror}.", received=str(root)) from None


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden or the system's."""
    return name.startswith(".") or any(fnmatch.fnmatchcase(name, pattern) for pattern in SYSTEM)


def is_run(names: Iterable[str]) -> bool:
    """Whether a folder with entries of these names is one of training, or holds weights."""
    names = set(names)
    return "metrics.jsonl" in names or {"config.json", "model.safetensors"} <= names


def relative_name(path: Path, root: Path) -> str:
    """A file's path below a folder, the same on every system: with slashes, accents composed."""
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())


# Copies -------------------------------------------------------------------------------------------------------------


def content_digest(path: Path) -> str:
    """Sixteen hexadecimal digits of a file's size and content; equal for copies. Raises UserError when it cannot be read.

    Of files larger than ``MAX_WHOLE`` bytes, stretches spread evenly count.
    """
    try:
        status = path.stat()
        return digest_of(str(path), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None


@functools.lru_cache(maxsize=2**20)
def digest_of(path: str, size: int, modified: int) -> str:
    """``content_digest`` of a file in this state, computed once."""
    digest = hashlib.sha256(size.to_bytes(8, "little"))
    with open(path, "rb") as file:
        if size <= MAX_WHOLE:
            digest.update(file.read())
        else:
            length = MAX_WHOLE // NUM_STRETCHES
            for number in range(NUM_STRETCHES):
                file.seek(number * (size - length) // (NUM_STRETCHES - 1))
                digest.update(file.read(length))
    return digest.hexdigest()[:16]


def drop_copies(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files without those that are copies of an earlier one, and these copies."""
    seen: set[str] = set()
    first: list[Path] = []
    copies: list[Path] = []
    for path in paths:
        digest = content_digest(path)
        (copies if digest in seen else first).append(path)
        seen.add(digest)
    return first, copies
