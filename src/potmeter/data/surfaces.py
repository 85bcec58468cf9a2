"""Pictures of people as a data set: for each pixel the person, the part of the body, and its U and V."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest


@dataclass(frozen=True)
class Surface:
    """A picture and the surfaces of the people in it.

    Args:
        pixels: uint8 (H, W, 3).
        person: uint8 (H, W), the number of the person, from 1 on without gaps; 0 is the background.
        segment: uint8 (H, W), the segment of the body, from 1 to 14; 0 is the background.
        part: uint8 (H, W), the part of the body, from 1 to 24; 0 where it is not known, and in the background.
        uv: float32 (H, W, 2), U and V on that part, in [0, 1].
    """

    pixels: np.ndarray
    person: np.ndarray
    segment: np.ndarray
    part: np.ndarray
    uv: np.ndarray


class Surfaces(Protocol):
    """A source of pictures of people."""

    def surface(self, i: int) -> Surface:
        """The picture of this index."""
        ...

    def fingerprint(self) -> str:
        """A digest of all that the pictures depend on."""
        ...


class GeneratedSurfaces:
    """Pictures that are generated when they are asked for, each from its index: the same in every run.

    Args:
        generate: Returns the picture of an index.
        origin: All that the pictures depend on, in words and numbers, for the fingerprint.
    """

    def __init__(self, generate: Callable[[int], Surface], origin: Sequence[Any]) -> None:
        self.surface, self.origin = generate, list(origin)

    def fingerprint(self) -> str:
        """A digest of all that the pictures depend on."""
        return digest(self.origin)


CHECK_SECONDS = 5.0
"""Longest time for which a data set is searched for broken files."""
CLASSES = ("person",)
"""Of detectors; a person has label 1."""


class SurfaceData(Dataset):
    """Pictures of people.

    Args:
        surfaces: Their source.
        count: How many it has.
        indices: Those that belong to this data set; None = all.
    """

    def __init__(self, surfaces: Surfaces, count: int, indices: Sequence[int] | None = None) -> None:
        self.surfaces, self.count, self.classes = surfaces, count, CLASSES
        self.indices = range(count) if indices is None else list(indices)

    @property
    def digests(self) -> tuple[str, ...]:
        """For each picture the digest of its file; AttributeError for generated ones."""
        digests: Any = self.surfaces.digests  # type: ignore[attr-defined]
        return tuple(digests[i] for i in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places as one minibatch, padded below and to the right, and to the most people.

        Returns:
            ``image`` float (B, 3, H, W) in [0, 1], ``size`` int64 (B, 2), height and width without the padding; ``masks`` bool
            (B, N, H, W), the pixels of each person, ``labels`` int64 (B, N), 1, or 0 for padding;
            ``segment`` and ``part`` uint8 (B, H, W), ``uv`` float (B, 2, H, W).
        """
        surfaces = [self.surfaces.surface(self.indices[i]) for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        height, width = (max(surface.pixels.shape[side] for surface in surfaces) for side in (0, 1))
        most, count = max(int(surface.person.max()) for surface in surfaces), len(surfaces)
        image, uv = (torch.zeros(count, channels, height, width) for channels in (3, 2))
        segment, part = torch.zeros(2, count, height, width, dtype=torch.uint8)
        masks = torch.zeros(count, most, height, width, dtype=torch.bool)
        labels = torch.zeros(count, most, dtype=torch.long)
        for number, surface in enumerate(surfaces):
            h, w = surface.person.shape
            image[number, :, :h, :w] = torch.from_numpy(surface.pixels).permute(2, 0, 1).float().div_(255)
            segment[number, :h, :w] = torch.from_numpy(surface.segment)
            part[number, :h, :w] = torch.from_numpy(surface.part)
            uv[number, :, :h, :w] = torch.from_numpy(surface.uv).permute(2, 0, 1)
            numbers = torch.arange(1, int(surface.person.max()) + 1)
            masks[number, : len(numbers), :h, :w] = torch.from_numpy(surface.person) == numbers[:, None, None]
            labels[number, : len(numbers)] = 1
        sizes = torch.tensor([surface.person.shape for surface in surfaces])
        return {
            "image": image, "size": sizes, "masks": masks, "labels": labels, "segment": segment, "part": part, "uv": uv
        }  # fmt: skip

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The pictures at these places as a data set of their own."""
        chosen = [self.indices[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return type(self)(self.surfaces, self.count, chosen)

    def head(self, n: int) -> Self:
        """The first ``n`` pictures (all, if there are fewer)."""
        return self.select(range(min(n, len(self))))

    def check(self) -> None:
        """Read pictures, for ``CHECK_SECONDS`` at most; UserError for the first that is broken or does not fit."""
        until = time.monotonic() + CHECK_SECONDS
        for i in self.indices:
            self.surfaces.surface(i)
            if time.monotonic() > until:
                return

    def fingerprint(self) -> str:
        """A digest of the pictures."""
        return digest([self.surfaces.fingerprint(), [*self.indices]])
