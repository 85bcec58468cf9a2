"""CIFAR-10 (Krizhevsky 2009): 60,000 colour photos of 32×32 in ten classes, read by torchvision."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import torch

from potmeter.data.fetching.fetch import cache_folder, is_offline
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError, reject

NUM_VALID = 5000
"""How many of the official training pictures, the last ones, are the validation part."""


def cifar10(source: Path | None = None) -> Splits:
    """CIFAR-10 as its authors packed it: 45,000 train, 5,000 valid (the last of the official train), 10,000 test.

    The files are pickles. torchvision compares the md5 of each with the one it knows before it reads any, so that a
    file which is not the authors' own is refused unread.

    Args:
        source: The folder that holds ``cifar-10-batches-py`` (or that folder itself); None downloads it into the cache.

    Returns:
        TensorData with ``image`` uint8 (N, 3, 32, 32) and ``label`` int64 (N,).

    Raises:
        UserError: when the files are missing or are not the authors', or cannot be downloaded.
    """
    from torchvision.datasets import CIFAR10

    root = cache_folder() / "cifar10" if source is None else Path(source)
    root = root.parent if root.name == CIFAR10.base_folder else root
    expected = root / CIFAR10.base_folder
    if not expected.is_dir() and (source is not None or is_offline()):
        reject(f"CIFAR-10 is not at {expected}; give the folder that holds it with --data.", str(source or root))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout belongs to --json
            parts = [CIFAR10(str(root), train=train, download=source is None) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        why = "is incomplete or was changed" if expected.is_dir() else f"cannot be downloaded: {error}"
        hint = f"put the authors' {CIFAR10.filename}, unpacked, there, or give another folder with --data"
        raise UserError(f"CIFAR-10 at {expected} {why}; {hint}.", received=str(source or root)) from None
    train, test = (tensor_data(part) for part in parts)
    cut = max(0, len(train) - NUM_VALID)
    return Splits(train.head(cut), train.select(range(cut, len(train))), test, dataset="cifar10")


def tensor_data(part: Any) -> TensorData:
    """One of torchvision's data sets as TensorData."""
    image = torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return TensorData(classes=part.classes, image=image, label=torch.tensor(part.targets))
