"""Read tensors out of a TensorFlow checkpoint (a "tensor bundle") without TensorFlow, and without trusting it.

``NAME.index`` is a sorted string table, as LevelDB has them: blocks of (key, value) in which a key leaves out what it
shares with the one before; a block of such blocks' places; a footer that says where that is. The values are protocol
buffers, each the type, shape and place of a tensor in ``NAME.data-00000-of-00001``, which holds nothing but numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potmeter.errors import UserError, reject

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER = 48
KINDS = {1: "<f4", 3: "<i4", 9: "<i8"}
"""Types of numbers by TensorFlow's own: a training's checkpoint counts its steps in whole ones."""
MAX_INDEX = 16 * 2**20
MAX_DIMENSIONS = 8

Fields = dict[int, list["int | bytes"]]


def read_bundle(prefix: Path) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint by name, mapped from the file, not copied.

    Args:
        prefix: The checkpoint's path without ``.index``.

    Raises:
        UserError: When a file is missing or broken, or something in it is no tensor of ``KINDS`` in one shard.
    """
    try:
        index, data = prefix.with_name(prefix.name + ".index"), prefix.with_name(prefix.name + ".data-00000-of-00001")
        index.stat().st_size <= MAX_INDEX or reject(f"{index.name} is too large.", f"{index.stat().st_size:,} bytes")
        numbers = np.memmap(data, np.uint8, mode="r")
        return {
            key.decode("utf-8"): tensor(fields(value), numbers)
            for key, value in table(index.read_bytes())
            if key != b""
        }
    except OSError as error:
        raise UserError(f"{prefix} cannot be read: {error.strerror}.", received=str(prefix)) from None
    except (ValueError, IndexError, struct.error) as error:
        raise UserError(f"{prefix} is a broken TensorFlow checkpoint: {error}.", received=str(prefix)) from None


def tensor(entry: Fields, numbers: np.ndarray) -> np.ndarray:
    """The tensor that an entry of the index describes: 1 type, 2 shape, 3 shard, 4 offset, 5 size."""
    kind, shard, offset, size = (number(entry, field) for field in (1, 3, 4, 5))
    shape = [number(fields(part), 1) for part in parts(fields(parts(entry, 2)[-1]), 2)] if 2 in entry else []
    if kind not in KINDS or shard != 0 or 7 in entry:
        raise ValueError(f"a tensor has type {kind} in shard {shard}; float32 and whole numbers in one can be read")
    wide = np.dtype(KINDS[kind]).itemsize
    if len(shape) > MAX_DIMENSIONS or size != wide * math.prod(shape) or offset + size > len(numbers):
        raise ValueError(f"a tensor of shape {shape} has {size:,} bytes at {offset:,} of {len(numbers):,}")
    return numbers[offset : offset + size].view(KINDS[kind]).reshape(shape)


# The table -------------------------------------------------------------------------------------------------------


def table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values, in order. Every block is read once, and the blocks together are no longer than the file."""
    if len(data) < FOOTER or data[-8:] != MAGIC:
        raise ValueError("its index does not end as one")
    at = len(data) - FOOTER
    for _ in range(2):  # the place of the block of extras, which nobody needs
        _, at = varint(data, at)
    left = len(data)
    for _, place in block(data, *handle(data, at)):
        offset, size = handle(place, 0)
        left -= size + 1
        if left < 0:
            raise ValueError("its blocks overlap")
        yield from block(data, offset, size)


def handle(data: bytes, at: int) -> tuple[int, int]:
    """Offset and size of a block."""
    offset, at = varint(data, at)
    return offset, varint(data, at)[0]


def block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """A block's keys and values; after it stands how it is compressed, and at its end where keys are whole."""
    if offset + size >= len(data) or size < 4:
        raise ValueError(f"a block of {size:,} bytes at {offset:,} is outside")
    if data[offset + size] != 0:
        raise ValueError("a block is compressed")
    content = data[offset : offset + size]
    end, at, key = len(content) - 4 - 4 * struct.unpack("<I", content[-4:])[0], 0, b""
    while at < end:
        shared, at = varint(content, at)
        own, at = varint(content, at)
        length, at = varint(content, at)
        if shared > len(key) or at + own + length > end:
            raise ValueError("a key or value is cut short")
        key = key[:shared] + content[at : at + own]
        at += own + length
        yield key, content[at - length : at]


# Protocol buffers -------------------------------------------------------------------------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next thing is."""
    value = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")


def fields(data: bytes) -> Fields:
    """A message's fields by number: whole numbers, or the bytes of strings and messages."""
    found: Fields = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
            found.setdefault(key >> 3, []).append(value)
            continue
        length, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}.get(key & 7, len(data) + 1), at)
        if at + length > len(data):
            raise ValueError("a message is cut short")
        found.setdefault(key >> 3, []).append(data[at : at + length])
        at += length
    return found


def number(entry: Fields, field: int) -> int:
    """A field that is a whole number; 0 where it is left out."""
    value = entry.get(field, [0])[-1]
    if not isinstance(value, int) or value >= 2**62:
        raise ValueError(f"field {field} is no size")
    return value


def parts(entry: Fields, field: int) -> list[bytes]:
    """A field that is messages."""
    return [value if isinstance(value, bytes) else bytes([255]) for value in entry.get(field, [])]
