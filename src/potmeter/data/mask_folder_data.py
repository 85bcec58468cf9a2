"""Pictures and masks on disk as a data set: decoded when first used, then kept in memory as bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.files import content_digest
from potmeter.data.fingerprint import digest, digest_files
from potmeter.data.mask_data import VOID
from potmeter.media import Image, read_bytes
from potmeter.media.image import open_safely, resize_and_crop

CACHE_BYTES = 2**30
"""Most memory that one data set keeps decoded pictures and masks in."""
CHECK_SECONDS = 5.0
"""Longest time that one data set is looked through for broken files."""

View = Literal["whole", "crop"]
ReadMask = Callable[[tuple[int, int]], np.ndarray]
"""From (height, width) of the picture to its mask, uint8 (H, W) of class indices or ``VOID``."""


@dataclass(frozen=True)
class Row:
    """A picture and how its mask is read."""

    image: Path
    read_mask: ReadMask
    sources: tuple[Path, ...]
    """The files that the mask is made from."""


class MaskFolderData(Dataset):
    """Pictures and masks on disk, with the batch interface of TensorData; decoded when first used, then kept as bytes.

    Args:
        rows: Pictures with what reads their masks.
        classes: In the order of their indices.
        size: Side in pixels.
        channels: 3, or 1 for grey.
        view: ``whole`` or ``crop``; the pieces of ``crop`` cover each picture, and are items of their own.

    Raises:
        UserError: on use, naming the file, for a picture or mask that is broken or does not fit.
    """

    def __init__(
        self, rows: Sequence[Row], classes: Sequence[str], size: int, channels: int = 3, view: View = "whole",
        pieces: Sequence[tuple[int, int, int]] | None = None,
    ) -> None:  # fmt: skip
        self.rows, self.classes, self.size, self.channels, self.view = list(rows), tuple(classes), size, channels, view
        self.pieces = list(pieces) if pieces is not None else list(self.cut())
        self.cache: dict[int, tuple[Tensor, Tensor]] = {}
        self.kept = CACHE_BYTES // ((channels + 1) * size * size)

    def cut(self) -> Iterator[tuple[int, int, int]]:
        """Each item: its picture's number, and, of a piece, the upper left corner."""
        for number, row in enumerate(self.rows):
            if self.view == "whole":
                yield number, 0, 0
                continue
            with open_safely(read_bytes(row.image), row.image) as picture:
                width, height = picture.size
            for top in corners(height, self.size):
                for left in corners(width, self.size):
                    yield number, top, left

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures' file names, for each item."""
        return tuple(self.rows[number].image.name for number, _, _ in self.pieces)

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The items at these places as one batch: ``image`` float (B, C, H, W) in [0, 1], ``mask`` int64 (B, H, W)."""
        items = [self.item(i) for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        image, mask = (torch.stack(each) for each in zip(*items, strict=True))
        return {"image": image.float().div_(255), "mask": mask.long()}

    def head(self, n: int) -> Self:
        """``n`` items spread evenly over the data set (all, if there are fewer), the same ones every time."""
        n = min(n, len(self))
        return self.select([i * len(self) // n for i in range(n)])

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The items at these places as a data set of their own."""
        pieces = [self.pieces[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return type(self)(self.rows, self.classes, self.size, self.channels, self.view, pieces)

    @property
    def digests(self) -> tuple[str, ...]:
        """For each item what its picture's file has in common with its copies and with no other."""
        return tuple(content_digest(self.rows[number].image) for number, _, _ in self.pieces)

    def check(self) -> None:
        """Read pictures and masks, for some seconds at most. Raises UserError for the first that is broken or does not fit."""
        until = time.monotonic() + CHECK_SECONDS
        for i in range(len(self)):
            self.item(i)
            if time.monotonic() > until:
                return

    def fingerprint(self) -> str:
        """A digest of the files and the classes."""
        used = [self.rows[number] for number in sorted({number for number, _, _ in self.pieces})]
        files = sorted({path for row in used for path in (row.image, *row.sources)})
        return digest([digest_files(files), self.classes, self.pieces])

    def item(self, i: int) -> tuple[Tensor, Tensor]:
        """One picture, uint8 (C, H, W), and its mask, uint8 (H, W)."""
        i = range(len(self))[i]  # from the end, and IndexError, as in any sequence
        if i not in self.cache:
            item = self.decode(*self.pieces[i])
            if len(self.cache) >= self.kept:
                return item
            self.cache[i] = item
        return self.cache[i]

    def decode(self, number: int, top: int, left: int) -> tuple[Tensor, Tensor]:
        """Read one item from disk."""
        row = self.rows[number]
        picture = Image.open(row.image).pil()
        mask = row.read_mask((picture.height, picture.width))
        labels = PIL.Image.fromarray(mask)
        if self.view == "whole":
            picture = resize_and_crop(picture, self.size, self.size)
            labels = fit_labels(labels, self.size)
        else:
            box = (left, top, left + self.size, top + self.size)
            seen = PIL.Image.new("L", labels.size, 1).crop(box)  # beyond a picture's edge is nothing
            picture, labels = picture.crop(box), labels.crop(box)
            labels = PIL.Image.fromarray(np.where(np.array(seen) > 0, np.array(labels), VOID).astype(np.uint8))
        values = np.array(picture.convert("L") if self.channels == 1 else picture)
        pixels = torch.from_numpy(values)
        pixels = pixels[None] if self.channels == 1 else pixels.permute(2, 0, 1).contiguous()
        return pixels, torch.from_numpy(np.array(labels))


def fit_labels(labels: PIL.Image.Image, side: int) -> PIL.Image.Image:
    """As ``resize_and_crop``, without mixing values."""
    return PIL.ImageOps.fit(labels, (side, side), PIL.Image.Resampling.NEAREST)


def corners(length: int, size: int) -> list[int]:
    """Where pieces of a size begin that cover a length evenly.

    Example:
        >>> corners(100, 40), corners(30, 40)
        ([0, 30, 60], [0])
    """
    count = max(1, -(-length // size))
    return [round(i * max(0, length - size) / max(1, count - 1)) for i in range(count)]
