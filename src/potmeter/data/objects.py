"""Pictures with things in them as a data set: of each thing a box, a class and a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest
from potmeter.data.source_data import Source, SourceData


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it, N things.

    Args:
        pixels: uint8 (H, W, 3).
        masks: bool (N, H, W), none of them empty.
        labels: int64 (N,), numbers of classes from 1 on.
        crowd: bool (N,): where many things are covered by one mask, which teaches nothing of one.
    """

    pixels: np.ndarray
    masks: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray

    @classmethod
    def of_things(cls, pixels: np.ndarray, masks: Sequence[np.ndarray], labels: Sequence[int]) -> Self:
        """A scene of single things, maybe none, whose masks (H, W) are listed; none of them is a crowd."""
        stacked = np.stack(masks) if masks else np.zeros((0, *pixels.shape[:2]), bool)
        return cls(pixels, stacked, np.array(labels, np.int64), np.zeros(len(labels), bool))


class ObjectData(SourceData[Scene]):
    """Pictures with things in them.

    Args:
        source: Where the scenes come from.
        classes: Names; the first has label 1, since 0 is the background's.
        count: How many scenes there are.
        indices: Those that belong to this data set; None = all.
    """

    def __init__(
        self, source: Source[Scene], classes: Sequence[str], count: int, indices: Sequence[int] | None = None
    ) -> None:
        super().__init__(source, count, indices)
        self.classes = tuple(classes)

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The scenes at these places as one batch, padded below and to the right, and to the most things.

        Returns:
            ``image`` float (B, 3, H, W) in [0, 1], ``size`` int64 (B, 2), height and width without the padding, ``masks`` bool
            (B, N, H, W), ``labels`` int64 (B, N), 0 where there is no further thing, ``crowd`` bool (B, N).
        """
        scenes = self.read(indices)
        height, width = (max(scene.pixels.shape[side] for scene in scenes) for side in (0, 1))
        most, count = max(len(scene.labels) for scene in scenes), len(scenes)
        image, masks = torch.zeros(count, 3, height, width), torch.zeros(count, most, height, width, dtype=torch.bool)
        labels, crowd = torch.zeros(count, most, dtype=torch.long), torch.zeros(count, most, dtype=torch.bool)
        for number, scene in enumerate(scenes):
            h, w, n = *scene.pixels.shape[:2], len(scene.labels)
            image[number, :, :h, :w] = torch.from_numpy(scene.pixels).permute(2, 0, 1).float().div_(255)
            masks[number, :n, :h, :w] = torch.from_numpy(scene.masks)
            labels[number, :n], crowd[number, :n] = torch.from_numpy(scene.labels), torch.from_numpy(scene.crowd)
        sizes = torch.tensor([scene.pixels.shape[:2] for scene in scenes])
        return {"image": image, "size": sizes, "masks": masks, "labels": labels, "crowd": crowd}

    def fingerprint(self) -> str:
        """A digest of the scenes and their classes."""
        return digest([self.source.fingerprint(), self.classes, [*self.indices]])
