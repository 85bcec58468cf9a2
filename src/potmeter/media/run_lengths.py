"""COCO's run lengths of masks (Lin et al. 2014, arXiv:1405.0312): down the columns, first of what is not the thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from potmeter.errors import reject

if TYPE_CHECKING:
    import numpy as np


def encode_run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """A mask (H, W), bool, as ``{"size": [height, width], "counts": text}``.

    Example:
        >>> import numpy as np
        >>> encode_run_lengths(np.array([[False, True], [True, True]]))
        {'size': [2, 2], 'counts': '13'}
    """
    import numpy as np

    flat = np.concatenate([[False], mask.T.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff([0, *changes, mask.size]).tolist()
    return {"size": [int(side) for side in mask.shape], "counts": compress(counts)}


def compress(counts: Sequence[int]) -> str:
    """Run lengths as text: five bits a character, from the fourth on as differences to the one before last.

    Example:
        >>> compress([0, 3, 2, 8])
        '0325'
    """
    letters = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            bits, value = value & 31, value >> 5
            last = value == (-1 if bits & 16 else 0)  # what is left is the sign
            letters.append(chr((bits if last else bits | 32) + 48))
            if last:
                break
    return "".join(letters)


def decompress(text: str) -> list[int]:
    """The run lengths that such a text holds.

    Raises:
        UserError: It holds none.

    Example:
        >>> decompress("0325")  # 0, 3, 2, then 5 more than the second before it
        [0, 3, 2, 8]
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        0 <= code < 64 or reject("These are no compressed run lengths.", text[:60])
        value |= (code & 31) << shift
        shift += 5
        shift <= 60 or reject("These are no compressed run lengths.", text[:60])
        if not code & 32:
            value = value - (1 << shift) if code & 16 else value  # the sign
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    return counts
