"""Pictures on disk as a data set: decoded when first used, then kept in memory as bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.files import content_digest
from potmeter.data.fingerprint import digest, digest_files
from potmeter.errors import reject
from potmeter.media import Image

CACHE_BYTES = 2**30
"""Most memory that one data set keeps decoded pictures in: about 7,000 of 224×224."""
CHECK_SECONDS = 5.0
"""Longest time that one data set is looked through for broken pictures."""


class FolderData(Dataset):
    """Pictures of one size, with the batch interface of TensorData.

    The first pictures, as many as fit into ``CACHE_BYTES``, are decoded once; the others each time.

    Args:
        rows: Files with the names of their classes.
        classes: The classes in the order of their labels; empty for pictures without labels.
        size: Side in pixels, or (height, width): pictures are scaled to cover that, and the middle is cut out.
        channels: 3, or 1 for grey.

    Raises:
        UserError: on use, naming the file, for a picture that is broken or cannot be read.
    """

    def __init__(
        self, rows: Sequence[tuple[Path, str]], classes: Sequence[str], size: int | tuple[int, int], channels: int = 3
    ) -> None:
        height, width = (size, size) if isinstance(size, int) else size
        min(height, width) >= 1 or reject("The size of pictures is at least 1 pixel.", size)
        channels in (1, 3) or reject("Pictures have 1 or 3 channels.", channels)
        self.rows, self.classes, self.size, self.channels = list(rows), tuple(classes), size, channels
        self.labels = torch.tensor([self.classes.index(name) for _, name in rows]) if classes else None
        kept = min(len(rows), CACHE_BYTES // (channels * height * width))
        self.cache = torch.empty(kept, channels, height, width, dtype=torch.uint8)  # untouched memory costs nothing yet
        self.decoded = [False] * kept

    @property
    def names(self) -> tuple[str, ...]:
        """The files' names."""
        return tuple(path.name for path, _ in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places as one batch: ``image`` float (B, C, H, W) in [0, 1], ``label`` int64 (B,)."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        batch = {"image": torch.stack([self.read(i) for i in indices.tolist()]).float().div_(255)}
        return batch if self.labels is None else batch | {"label": self.labels[indices]}

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The pictures at these places as a data set of their own, as cross-validation needs them."""
        rows = [self.rows[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return type(self)(rows, self.classes, self.size, self.channels)

    @property
    def digests(self) -> tuple[str, ...]:
        """For each picture what its file has in common with its copies and with no other."""
        return tuple(content_digest(path) for path, _ in self.rows)

    def check(self) -> None:
        """Look for broken pictures, for some seconds at most: of very many, the last are told when their turn comes.

        Raises:
            UserError: for the first one, which it names.
        """
        until = time.monotonic() + CHECK_SECONDS
        for path, _ in self.rows:
            Image.check(path)
            if time.monotonic() > until:
                return

    def fingerprint(self) -> str:
        """A digest of the files and their classes."""
        return digest([digest_files([path for path, _ in self.rows]), [name for _, name in self.rows]])

    def read(self, i: int) -> Tensor:
        """One picture, uint8 (C, H, W)."""
        i = range(len(self))[i]  # from the end, and IndexError, as in any sequence
        if i < len(self.cache) and self.decoded[i]:
            return self.cache[i]
        pixels = Image.open(self.rows[i][0]).uint8_tensor(self.size, self.channels)
        if i < len(self.cache):
            self.cache[i] = pixels
            self.decoded[i] = True
        return pixels
