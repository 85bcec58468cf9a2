"""Message catalogues of GNU gettext (``.mo``): what programs say in one language, and the same in another."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from potmeter.errors import UserError, reject

MAGIC = 0x950412DE
MAX_FILE = 64 * 2**20


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a message and its translation, in the file's order, without contexts; of plurals the first form.

    Raises:
        UserError: When the file cannot be read or is no such catalogue.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    len(data) <= MAX_FILE or reject(f"{path} is too large.", f"{len(data):,} bytes")
    order = "<" if data[:4] == struct.pack("<I", MAGIC) else ">"
    try:
        magic, _, count, own, other = struct.unpack_from(f"{order}5I", data)
        magic == MAGIC or reject(f"{path} is no gettext catalogue.", f"bytes that begin {data[:4]!r}")
        for number in range(count):
            message, translation = (piece(data, order, table + 8 * number) for table in (own, other))
            if message:  # the empty one's translation is the catalogue's header
                yield message.rpartition("\x04")[2].partition("\0")[0], translation.partition("\0")[0]
    except (struct.error, UnicodeDecodeError) as error:
        raise UserError(f"{path} is damaged: {error}.", received=str(path)) from None


def piece(data: bytes, order: str, place: int) -> str:
    """The text whose length and position stand at a place of a table."""
    length, start = struct.unpack_from(f"{order}2I", data, place)
    start + length <= len(data) or reject("A gettext catalogue points beyond its end.", start + length)
    return data[start : start + length].decode("utf-8")
