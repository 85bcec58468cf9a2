"""Pictures of people as a data set: for each pixel the person, the part of the body, and its U and V."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest
from potmeter.data.source_data import SourceData


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


CLASSES = ("person",)
"""Of detectors; a person has label 1."""


class SurfaceData(SourceData[Surface]):
    """Pictures of people."""

    classes = CLASSES

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places as one minibatch, padded below and to the right, and to the most people.

        Returns:
            ``image`` float (B, 3, H, W) in [0, 1], ``size`` int64 (B, 2), height and width without the padding; ``masks`` bool
            (B, N, H, W), the pixels of each person, ``labels`` int64 (B, N), 1, or 0 for padding;
            ``segment`` and ``part`` uint8 (B, H, W), ``uv`` float (B, 2, H, W).
        """
        surfaces = self.read(indices)
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

    def fingerprint(self) -> str:
        """A digest of the pictures."""
        return digest([self.source.fingerprint(), [*self.indices]])
