"""A fingerprint of training data: whether a run that is resumed goes on with the data that it was begun with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from potmeter.errors import UserError

MAX_WHOLE = 2**26
"""Bytes up to which contents are read whole; of more, parts spread evenly."""
NUM_PARTS = 64
"""How many parts."""


def fingerprint(data: Any) -> str:
    """A digest of a data set, which changes with its samples and does not with the folder that they lie in.

    Args:
        data: What has a method ``fingerprint`` answers itself; of any other map-style data set the number of samples and
            some of them, spread evenly, count.

    Example:
        >>> fingerprint([1, 2]) == fingerprint([1, 2]), fingerprint([1, 2]) == fingerprint([2, 1])
        (True, False)
    """
    if hasattr(data, "fingerprint"):
        return str(data.fingerprint())
    indices = [i * len(data) // NUM_PARTS for i in range(NUM_PARTS)] if len(data) > NUM_PARTS else range(len(data))
    return digest([len(data), [data[i] for i in indices]])


def digest(value: Any) -> str:
    """A digest of texts, numbers, tensors and arrays, nested in lists, tuples and dictionaries."""
    total = hashlib.sha256()
    for part in flatten(value):
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()


def flatten(value: Any) -> Iterable[bytes | memoryview]:
    """The bytes of a nested value, with a mark of what each is."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape}".encode()
        yield from sample_bytes(value)
    elif isinstance(value, dict):
        yield f"dict {len(value)}".encode()
        for key, item in value.items():
            yield from flatten(key)
            yield from flatten(item)
    elif isinstance(value, (list, tuple)):
        yield f"list {len(value)}".encode()
        for item in value:
            yield from flatten(item)
    else:
        yield repr(value).encode()


def sample_bytes(array: np.ndarray) -> Iterable[memoryview]:
    """The bytes of an array, of a large one some stretches only: it may be a file larger than the memory."""
    rows = array.reshape(-1)
    if array.nbytes <= MAX_WHOLE:
        yield np.ascontiguousarray(rows).view(np.uint8).data
        return
    length = MAX_WHOLE // NUM_PARTS // array.itemsize
    for start in (i * (len(rows) - length) // (NUM_PARTS - 1) for i in range(NUM_PARTS)):
        yield np.ascontiguousarray(rows[start : start + length]).view(np.uint8).data


def digest_files(paths: Sequence[Path]) -> str:
    """A digest of files: their names and sizes, and the contents of as many as can be read quickly.

    Raises:
        UserError: When one cannot be read.
    """
    try:
        sizes = [path.stat().st_size for path in paths]
        few = NUM_PARTS if sum(sizes) > MAX_WHOLE else len(paths)
        indices = {i * (len(paths) - 1) // max(few - 1, 1) for i in range(few)}
        contents = [hashlib.sha256(paths[i].read_bytes()).hexdigest() for i in sorted(indices)]
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}.", received=str(error.filename)) from None
    return digest([[path.name for path in paths], sizes, contents])
