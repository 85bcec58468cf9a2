"""Read Qt's resource containers (.rcc): a tree of names over a block of files, some of them zlib-compressed."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from potmeter.errors import UserError, reject

COMPRESSED, FOLDER, ZSTD = 1, 2, 4
MAX_BYTES = 2**28
"""Most bytes that the files of one container may have together."""


def read_rcc(path: Path) -> dict[str, bytes]:
    """The container's files by name, such as ``gcompris/src/activities/erase/resource/heron.webp``.

    The layout, all integers big-endian: ``qres``, version, offsets of tree, data and names. A node of the tree has the
    offset of its name, flags, then number and first index of its children, or locale and offset of its data.

    Raises:
        UserError: when the file is not such a container, is broken, or is larger than is allowed.
    """
    data = path.read_bytes()
    try:
        magic, version, tree, block, names = struct.unpack_from(">4s4I", data)
        magic == b"qres" or reject(f"{path.name} is not a Qt resource container.", magic)
        return Container(data, tree, block, names, 14 if version < 2 else 22).files()
    except (struct.error, UnicodeDecodeError, zlib.error) as error:
        raise UserError(f"{path.name} is a broken Qt resource container: {error}.", received=path.name) from None


class Container:
    """The bytes of a container and where its three parts begin."""

    def __init__(self, data: bytes, tree: int, block: int, names: int, node_size: int) -> None:
        self.data, self.tree, self.block, self.names, self.node_size = data, tree, block, names, node_size

    def files(self) -> dict[str, bytes]:
        """All files, walking the tree from its root; a node that is met twice would be a loop."""
        files, todo, seen, left = {}, [(0, "")], set(), MAX_BYTES
        while todo:
            index, prefix = todo.pop()
            index not in seen or reject("The Qt resource container's tree has a loop.", index)
            seen.add(index)
            start = self.tree + self.node_size * index
            name, flags = struct.unpack_from(">IH", self.data, start)
            path = prefix + self.name(name) if index else ""
            if flags & FOLDER:
                count, first = struct.unpack_from(">II", self.data, start + 6)
                count <= len(self.data) // self.node_size or reject(
                    "The Qt resource container's tree is too large.", count
                )
                todo += [(child, path + "/" if path else "") for child in range(first, first + count)]
            else:
                files[path] = self.content(struct.unpack_from(">I", self.data, start + 10)[0], flags, left)
                left -= len(files[path])
        return files

    def name(self, offset: int) -> str:
        """A name: its length in UTF-16 units, a hash, the units."""
        length, _ = struct.unpack_from(">HI", self.data, self.names + offset)
        start = self.names + offset + 6
        return self.data[start : start + 2 * length].decode("utf-16-be")

    def content(self, offset: int, flags: int, limit: int) -> bytes:
        """A file: its length, then its bytes; compressed ones begin with the length that they will have."""
        (length,) = struct.unpack_from(">I", self.data, self.block + offset)
        start = self.block + offset + 4
        content = self.data[start : start + length]
        flags & ZSTD and reject("Qt resource containers with zstd are not supported.", f"flags {flags}")
        if flags & COMPRESSED:
            content = zlib.decompressobj().decompress(content[4:], limit + 1)
        len(content) <= limit or reject(
            "The Qt resource container unpacks to more than is allowed.", f"{limit:,} bytes"
        )
        return content
