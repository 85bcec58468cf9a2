"""Read the arrays of an HDF5 file as Keras and h5py write it by default: nothing in it is run or unpickled.

What is read is version 0 of the format ("HDF5 File Format Specification", version 2.0): groups by a symbol table, arrays
of floats that lie in one piece, little-endian, without a filter. Everything else is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potmeter.errors import UserError, reject

SIGNATURE = b"\x89HDF\r\n\x1a\n"
DATASPACE, DATATYPE, LAYOUT, CONTINUATION, SYMBOL_TABLE = 0x1, 0x3, 0x8, 0x10, 0x11
"""Types of the messages of an object's header."""
FLOATS: dict[int, np.dtype] = {2: np.dtype("<f2"), 4: np.dtype("<f4"), 8: np.dtype("<f8")}
"""IEEE 754 numbers by their size in bytes."""
MAX_OBJECTS = 100_000
"""Most groups, arrays and blocks that one file may have."""


def read_hdf5(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by their path in it, such as ``block1/layers/conv2d/vars/0``.

    Raises:
        UserError: It is no such file, is broken, or holds what is not read here.
    """
    data = path.read_bytes()
    if not data.startswith(SIGNATURE) or data[8:9] != b"\0" or data[13:15] != b"\x08\x08":
        reject(f"{path.name} is no HDF5 file of version 0.", data[:9])
    try:
        return Hdf5(data, path.name).read_arrays()
    except (struct.error, ValueError, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} is a broken HDF5 file: {error}.", received=path.name) from None


class Hdf5:
    """The bytes of a file; ``name`` is how errors call it."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name, self.left = data, name, MAX_OBJECTS

    def read_arrays(self) -> dict[str, np.ndarray]:
        """All arrays, from the root group down."""
        arrays, todo = {}, [("", self.unpack("Q", 64)[0])]  # the root's symbol table entry begins at byte 56
        while todo:
            path, header = todo.pop()
            messages = dict(self.messages(header))
            if SYMBOL_TABLE in messages:
                todo += [(f"{path}/{name}", child) for name, child in self.children(*messages[SYMBOL_TABLE])]
            elif {LAYOUT, DATASPACE, DATATYPE} <= messages.keys():
                arrays[path.lstrip("/")] = self.read_array(path, messages)
        return arrays

    def messages(self, header: int) -> Iterator[tuple[int, tuple[int, int]]]:
        """Type, place and length of each message of an object's header."""
        size = self.unpack("I", header + 8)[0]
        blocks = [(header + 16, size)]
        while blocks:
            start, size = blocks.pop(0)
            at, end = start, start + size
            while at + 8 <= end:
                self.count()
                kind, length = self.unpack("HH", at)
                at += 8
                if kind == CONTINUATION:
                    begin, size = self.unpack("QQ", at)
                    blocks.append((begin, size))
                yield kind, (at, length)
                at += length

    def children(self, message: int, _: int) -> Iterator[tuple[str, int]]:
        """Names and headers of the objects in a group, whose symbol table message is there."""
        tree, heap = self.unpack("QQ", message)
        (names,) = self.unpack("Q", heap + 24)
        nodes = [tree]
        while nodes:
            self.count()
            node = nodes.pop()
            if self.data[node : node + 4] == b"TREE":
                (entries,) = self.unpack("H", node + 6)
                nodes += [self.unpack("Q", node + 32 + 16 * i)[0] for i in range(entries)]
                continue
            self.data[node : node + 4] == b"SNOD" or reject(f"{self.name} has an unknown group.", node)
            (entries,) = self.unpack("H", node + 6)
            for i in range(entries):
                name, header = self.unpack("QQ", node + 8 + 40 * i)
                start = names + name
                yield self.data[start : self.data.index(b"\0", start)].decode(), header

    def read_array(self, path: str, messages: dict[int, tuple[int, int]]) -> np.ndarray:
        """One array of floats."""
        space, kind, layout = (messages[message][0] for message in (DATASPACE, DATATYPE, LAYOUT))
        version, rank = self.unpack("BB", space)
        shape = self.unpack(f"{rank}Q", space + 8)
        number_class, size = self.unpack("B", kind)[0] & 15, self.unpack("I", kind + 4)[0]
        layout_version, layout_class = self.unpack("BB", layout)
        if (version, number_class, layout_version, layout_class) != (1, 1, 3, 1) or size not in FLOATS:
            reject(f"{self.name} holds {path} in a form that is not read here.", path)
        address, length = self.unpack("QQ", layout + 2)
        count = math.prod(shape)
        if length != count * size or address + length > len(self.data):
            reject(f"{self.name} holds {path} in a wrong length.", length)
        values: np.ndarray = np.frombuffer(self.data, FLOATS[size], count, address)
        return values.reshape(shape)

    def unpack(self, layout: str, at: int) -> tuple[int, ...]:
        """Little-endian numbers at a place."""
        return struct.unpack_from(f"<{layout}", self.data, at)

    def count(self) -> None:
        """Count one more object; a file that goes in a circle ends here."""
        self.left -= 1
        self.left > 0 or reject(f"{self.name} has too many objects.", MAX_OBJECTS)
