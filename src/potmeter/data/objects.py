"""Pictures with things in them as a data set: of each thing a box, a class and a mask."""

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

CHECK_SECONDS = 5.0
"""Longest time that one data set is looked through for broken files."""


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


class Scenes(Protocol):
    """Where scenes come from."""

    def scene(self, i: int) -> Scene:
        """One of them."""
        ...

    def fingerprint(self) -> str:
        """A digest of all that decides what they are."""
        ...


class GeneratedScenes:
    """Scenes that are made when asked for, each by its number: the same in every run.

    Args:
        generate: Makes the scene of a number.
        origin: All that decides what they are, in words and numbers, for the fingerprint.
    """

    def __init__(self, generate: Callable[[int], Scene], origin: Sequence[Any]) -> None:
        self.scene, self.origin = generate, list(origin)

    def fingerprint(self) -> str:
        """A digest of all that decides what they are."""
        return digest(self.origin)


class ObjectData(Dataset):
    """Pictures with things in them.

    Args:
        scenes: Where they come from.
        classes: Names; the first has label 1, since 0 is the background's.
        count: How many scenes there are.
        indices: Those that belong to this data set; None = all.
    """

    def __init__(
        self, scenes: Scenes, classes: Sequence[str], count: int, indices: Sequence[int] | None = None
    ) -> None:
        self.scenes, self.classes, self.count = scenes, tuple(classes), count
        self.indices = range(count) if indices is None else list(indices)

    @property
    def digests(self) -> tuple[str, ...]:
        """Of pictures that are files, what tells each file's contents; AttributeError for others."""
        digests: Any = self.scenes.digests  # type: ignore[attr-defined]
        return tuple(digests[i] for i in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The scenes at these places as one batch, padded below and to the right, and to the most things.

        Returns:
            ``image`` float (B, 3, H, W) in [0, 1], ``size`` int64 (B, 2), height and width without the padding, ``masks`` bool
            (B, N, H, W), ``labels`` int64 (B, N), 0 where there is no further thing, ``crowd`` bool (B, N).
        """
        scenes = [self.scenes.scene(self.indices[i]) for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
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

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The scenes at these places as a data set of their own."""
        chosen = [self.indices[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return type(self)(self.scenes, self.classes, self.count, chosen)

    def head(self, n: int) -> Self:
        """The first ``n`` scenes (all, if there are fewer)."""
        return self.select(range(min(n, len(self))))

    def check(self) -> None:
        """Read scenes, for some seconds at most. Raises UserError for the first that is broken or does not fit."""
        until = time.monotonic() + CHECK_SECONDS
        for i in self.indices:
            self.scenes.scene(i)
            if time.monotonic() > until:
                return

    def fingerprint(self) -> str:
        """A digest of the scenes and their classes."""
        return digest([self.scenes.fingerprint(), self.classes, [*self.indices]])
