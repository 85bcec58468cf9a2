"""Read R's lazy-load databases (.rdb with its index .rdx) of text: only plain values are built, nothing is evaluated."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from potmeter.errors import UserError, reject

NIL, GLOBAL, REFERENCE = 0xFE, 0xFD, 0xFF
SYMBOL, PAIRS, CHARACTERS, LOGICAL, INTEGER, REAL, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
HAS_ATTRIBUTES, HAS_TAG = 0x200, 0x400
MAX_BYTES = 2**28
"""Most bytes that one entry may unpack to."""
MAX_DEPTH = 50
"""Deepest nesting of lists that is read."""

Value = str | list | None


def read_rdb(path: Path) -> dict[str, Value]:
    """The database's variables by name: a list of strings for a character vector.

    The index is a list of variables, each the offset and length of an entry of the .rdb file beside it: the unpacked
    length as a big-endian int32, then a zlib stream of R's XDR serialisation.

    Args:
        path: The .rdb file; its index has the same name but for the ending .rdx.

    Raises:
        UserError: when a file is missing, broken, too large, or holds anything but plain vectors and lists.
    """
    try:
        data = path.read_bytes()
        index = Reader(inflate(path.with_suffix(".rdx").read_bytes(), path, zlib.MAX_WBITS | 32)).value()
        variables = to_dict(to_dict(index)["variables"])
        return {name: Reader(entry(data, place, path)).value() for name, place in variables.items()}
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}.", received=path.name) from None
    except (struct.error, zlib.error, ValueError, TypeError, KeyError, IndexError) as error:
        raise UserError(f"{path.name} is a broken R database: {error}.", received=path.name) from None


def entry(data: bytes, place: list, path: Path) -> bytes:
    """The serialised value at an offset and length of the database."""
    offset, length = place
    (size,) = struct.unpack_from(">I", data, offset)
    content = inflate(data[offset + 4 : offset + length], path)
    return content if len(content) == size else reject(f"{path.name} is cut short.", f"{len(content):,} of {size:,}")


def inflate(data: bytes, path: Path, window: int = zlib.MAX_WBITS) -> bytes:
    """Decompress, up to ``MAX_BYTES``."""
    content = zlib.decompressobj(window).decompress(data, MAX_BYTES + 1)
    return content if len(content) <= MAX_BYTES else reject(f"{path.name} unpacks to more than is allowed.", path.name)


def to_dict(value: Value) -> dict:
    """A list with names, which R keeps as the last of its values' attributes, as a dictionary."""
    if not isinstance(value, Named):
        raise ValueError("its index has no names")
    return dict(zip(value.names, value, strict=True))


class Named(list):
    """A vector whose values have names."""

    names: Sequence[Any] = ()


class Reader:
    """R's serialisation (R Internals, section 1.8) as far as data need it: symbols, vectors, lists.

    Args:
        data: The bytes: ``X\\n`` and three versions, then one value.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.symbols = data, 2, []  # type: tuple[bytes, int, list[Value]]
        if data[:2] != b"X\n":
            raise ValueError(f"it begins {data[:2]!r}")
        version = self.integer()
        self.at += 8
        if version not in (2, 3):
            raise ValueError(f"it has version {version}")
        if version == 3:
            self.take(self.integer())  # the writer's own encoding; strings in UTF-8 say so themselves

    def integer(self) -> int:
        """A big-endian int32."""
        return int(struct.unpack(">i", self.take(4))[0])

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if not 0 <= length <= len(self.data) - self.at:
            raise ValueError(f"it wants {length:,} bytes of {len(self.data) - self.at:,}")
        self.at += length
        return self.data[self.at - length : self.at]

    def value(self, depth: int = 0) -> Value:
        """The next value, whatever it is."""
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        flags = self.integer()
        kind = flags & 0xFF
        if kind in (NIL, GLOBAL):
            return None
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == SYMBOL:
            self.symbols.append(self.value(depth + 1))
            return self.symbols[-1]
        if kind == CHARACTERS:
            length = self.integer()
            return None if length == -1 else self.take(length).decode("utf-8")
        if kind == PAIRS:
            return self.pairs(flags, depth)
        return self.vector(kind, flags, depth)

    def vector(self, kind: int, flags: int, depth: int) -> Value:
        """A vector or list, with names where its attributes give it some."""
        length = self.integer()
        if kind in (LOGICAL, INTEGER):
            values = Named(struct.unpack(f">{length}i", self.take(4 * length)))
        elif kind == REAL:
            values = Named(struct.unpack(f">{length}d", self.take(8 * length)))
        elif kind in (STRINGS, LIST):
            if not 0 <= length <= len(self.data) - self.at:
                raise ValueError(f"it wants {length:,} values")
            values = Named(self.value(depth + 1) for _ in range(length))
        else:
            raise ValueError(f"it holds a value of type {kind}")
        if flags & HAS_ATTRIBUTES:
            values.names = dict(self.attributes(depth)).get("names") or ()
        return values

    def attributes(self, depth: int) -> list:
        """A vector's attributes: a pair list."""
        found = self.value(depth + 1)
        if not isinstance(found, list):
            raise ValueError("its attributes are no list")
        return found

    def pairs(self, flags: int, depth: int) -> list:
        """A pair list as a list of (tag, value); it goes on in its last part, which is no deeper."""
        found = []
        while flags & 0xFF == PAIRS:
            if flags & HAS_ATTRIBUTES:
                self.value(depth + 1)
            tag = self.value(depth + 1) if flags & HAS_TAG else None
            found.append((tag, self.value(depth + 1)))
            flags = self.integer()
        if flags & 0xFF != NIL:
            raise ValueError("a pair list has no end")
        return found
