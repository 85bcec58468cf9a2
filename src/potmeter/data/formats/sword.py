"""Texts of SWORD modules, the format in which Debian carries Bibles and commentaries: zlib blocks and an index.

A module's ``.bzs`` (or ``.czs``) file lists the blocks of its ``.bzz`` (``.czz``): place, compressed and unpacked
length, three little-endian 32-bit numbers each. A block is a book or a chapter in OSIS, a dialect of XML.
"""

from __future__ import annotations

import html
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from potmeter.errors import UserError, reject

MAX_BLOCK = 2**26
"""Most bytes that one block may unpack to; the largest real one has 2 MB."""
MAX_FILE = 2**28
"""Largest file of a module that is read."""

LEFT_OUT = re.compile(r"<(note|title)\b(?:[^>]*[^/>])?>.*?</\1>", re.DOTALL)
"""Footnotes and headings with all they hold."""
BREAK = re.compile(r"</?(?:p|div|lg|l|lb|verse|chapter|milestone)\b[^>]*>")
"""Marks at which a new line begins."""
MARK = re.compile(r"<[^>]*>")


def sword(folder: Path) -> Iterator[str]:
    """The blocks of a module as plain text, one paragraph a line.

    Args:
        folder: Holds the module's files.

    Raises:
        UserError: When there is no module, or an index points outside its file, or a block is broken or too large.
    """
    indices = sorted([*folder.rglob("*.[bc]zs")], key=lambda path: path.name, reverse=True)  # ot before nt
    indices or reject("The folder holds no SWORD module.", folder.name)
    for index in indices:
        yield from (strip_markup(block.decode("utf-8", "replace")) for block in blocks(index))


def blocks(index: Path) -> Iterator[bytes]:
    """The unpacked blocks that an index lists."""
    data, places = read_file(index.with_suffix(index.suffix[:-1] + "z")), read_file(index)
    len(places) % 12 == 0 or reject(f"{index.name} must be a multiple of 12 bytes long.", f"{len(places):,} bytes")
    for start, packed, size in struct.iter_unpack("<III", places):
        start + packed <= len(data) or reject(f"{index.name} points outside its file.", f"{start} + {packed}")
        size <= MAX_BLOCK or reject(f"{index.name} lists a block that is too large.", f"{size:,} bytes")
        try:
            yield zlib.decompressobj().decompress(data[start : start + packed], size) if size else b""
        except zlib.error as error:
            raise UserError(f"{index.name} lists a broken block: {error}.", received=f"block at {start}") from None


def read_file(path: Path) -> bytes:
    """A file's bytes."""
    try:
        size = path.stat().st_size
        size <= MAX_FILE or reject(f"{path.name} is too large.", f"{size:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.", received=path.name) from None


def strip_markup(osis: str) -> str:
    """OSIS without its marks.

    Example:
        >>> strip_markup('<p><w lemma="x">In</w> the <hi>beginning</hi></p><p>God<note>or: gods</note> said</p>')
        'In the beginning\\nGod said'
    """
    text = MARK.sub("", BREAK.sub("\n", LEFT_OUT.sub("", osis)))
    lines = (" ".join(line.split()) for line in html.unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)
