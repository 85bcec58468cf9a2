"""A user's own text, file by file and chunk by chunk, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potmeter.data.files import content_digest, drop_copies, find_files
from potmeter.errors import UserError, reject
from potmeter.notices import note

CHUNK = 2**16
"""Bytes that are read at once."""
SHARES = {"train": (0.0, 0.9), "valid": (0.9, 0.95), "test": (0.95, float("inf"))}
"""Where each part lies in the whole text."""
SUFFIXES = (".txt", ".md", ".text")
"""Endings by which a folder is searched."""


@dataclass(frozen=True)
class TextFiles:
    """The files of a user's text, of which each was split: what to measure on where the text is a test set as a whole."""

    paths: tuple[Path, ...]
    read: Callable[[Sequence[Path]], Any]
    """Makes test data of whole files."""

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def digests(self) -> tuple[str, ...]:
        """A digest of each file."""
        return tuple(map(content_digest, self.paths))

    def select(self, indices: Sequence[int]) -> Any:
        """Test data of the whole of these files."""
        return self.read([self.paths[i] for i in indices])


def find_texts(source: str | Path) -> list[Path]:
    """A text file as itself; of a folder the text files below it in order of their names, each text once.

    What does not count is told: copies of a text, and files of other kinds.

    Raises:
        UserError: When there is no such file, or the folder holds none.
    """
    root = Path(source)
    try:
        if not root.is_dir():
            root.is_file() or reject(f"There is no file or folder {root}.", str(source))
            return [root]
    except (OSError, ValueError) as error:  # a name that is too long, or has a null byte
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{source} cannot be read: {reason}.", received=str(source)) from None
    found = find_files(root, SUFFIXES)
    texts, copies = drop_copies(found.files)
    texts or reject(f"{root} holds no text file ({', '.join(SUFFIXES)}).", str(source))
    if copies:
        note(f"{root}: {len(copies)} of {len(found.files)} texts are copies of others, such as {copies[0].name}.")
    if found.others:
        note(f"{root}: skipped {len(found.others)} files that are no text, such as {found.others[0].name}.")
    return texts


def read_chunks(source: str | Path, part: str) -> Iterator[str]:
    """One part of a text in chunks of some 64 KiB, none of which begins or ends within a word.

    Of all bytes of all files, in order, the first 90 % are for training, the next 5 % for validation, the rest for
    testing; the cuts fall between two chunks.

    Args:
        source: A UTF-8 text file or a folder of them.
        part: ``train``, ``valid`` or ``test``.

    Raises:
        UserError: When a file is missing, unreadable, or no UTF-8 text; when there is no text at all.
    """
    files = find_texts(source)
    total, done = sum(path.stat().st_size for path in files), 0
    total > 0 or reject(f"{source} is empty.", "0 bytes")
    low, high = (total * bound for bound in SHARES[part])
    for path in files:
        for size, piece in read_file_chunks(path, min(CHUNK, max(64, total // 100))):
            if low <= done < high:
                yield piece
            done += size


def read_whole_files(paths: Sequence[Path]) -> Iterator[str]:
    """The whole of some text files in chunks, as ``read_chunks`` reads a part of them."""
    for path in paths:
        yield from (piece for _, piece in read_file_chunks(path, CHUNK))


def read_file_chunks(path: Path, size: int) -> Iterator[tuple[int, str]]:
    """A file's text with the bytes each chunk took."""
    decoder, rest, read = codecs.getincrementaldecoder("utf-8-sig")(), "", 0
    try:
        with path.open("rb") as file:
            while data := file.read(size):
                b"\0" not in data or reject(f"{path} is not text: it has a null byte.", describe(data))
                text = rest + decoder.decode(data)
                read += len(data)
                cut = max(text.rfind(" "), text.rfind("\n")) + 1 or (len(text) if len(text) > 4 * CHUNK else 0)
                rest = text[cut:]
                yield len(data), text[:cut]
            yield 0, rest + decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text (near byte {read}).", received=describe(data)) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None


def describe(data: bytes) -> str:
    """A few words about some bytes."""
    return f"bytes that begin {data[:16]!r}"
