"""Pictures with captions as a data set: several captions of each picture, in one language or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest

Captions = Mapping[str, Sequence[str]]
"""The captions of one picture by language."""
Names = Mapping[str, Sequence[str]]
"""The words by which captions name one object, by language."""


class CaptionData(Dataset):
    """Pictures and their captions.

    Args:
        pictures: Has ``picture(i) -> uint8 (C, H, W)`` and ``fingerprint()``: a ``FolderData``, or what draws pictures.
        captions: Of each of its pictures.
        objects: What of each picture a caption should name, where that is known; else empty.
        indices: The pictures that belong to this data set; None = all.

    Example:
        >>> from potmeter.data.sets.scenes import shape_scenes
        >>> data = shape_scenes(32).test
        >>> data[0]["image"].shape, sorted(data.captions[0])
        (torch.Size([3, 32, 32]), ['en', 'hu'])
    """

    def __init__(
        self,
        pictures: Any,
        captions: Sequence[Captions],
        objects: Sequence[Sequence[Names]] = (),
        indices: Sequence[int] | None = None,
    ) -> None:
        self.pictures, self.all_captions, self.all_objects = pictures, captions, objects
        self.indices = range(len(captions)) if indices is None else list(indices)

    @property
    def captions(self) -> list[Captions]:
        """The captions of each picture."""
        return [self.all_captions[i] for i in self.indices]

    @property
    def objects(self) -> list[Sequence[Names]]:
        """What of each picture a caption should name; empty where that is not known."""
        return [self.all_objects[i] for i in self.indices] if self.all_objects else []

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the captions, in the order in which they come."""
        return tuple(dict.fromkeys(language for captions in self.captions for language in captions))

    @property
    def digests(self) -> tuple[str, ...]:
        """Of pictures that are files, what tells each file's contents; AttributeError for others."""
        digests = self.pictures.digests
        return tuple(digests[i] for i in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Batch:
        return {name: tensor[0] for name, tensor in self.__getitems__([i]).items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places: ``image`` float (B, C, H, W) in [0, 1], and ``index`` int64 (B,), their places."""
        places = torch.as_tensor(indices, dtype=torch.long)
        pictures = [self.pictures.picture(self.indices[i]) for i in places.tolist()]
        return {"image": torch.stack(pictures).float().div_(255), "index": places}

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The pictures at these places as a data set of their own."""
        chosen = [self.indices[i] for i in torch.as_tensor(indices, dtype=torch.long).tolist()]
        return type(self)(self.pictures, self.all_captions, self.all_objects, chosen)

    def head(self, n: int) -> Self:
        """The first ``n`` pictures (all, if there are fewer)."""
        return self.select(range(min(n, len(self))))

    def in_language(self, language: str) -> Self:
        """The same pictures with their captions in one language; those that have none are left out."""
        captions = [{language: each.get(language, ())} for each in self.all_captions]
        chosen = [i for i in self.indices if captions[i][language]]
        return type(self)(self.pictures, captions, self.all_objects, chosen)

    def fingerprint(self) -> str:
        """A digest of the pictures and their captions."""
        captions = [sorted((language, *texts) for language, texts in each.items()) for each in self.captions]
        return digest([self.picture_fingerprint(), captions])

    def picture_fingerprint(self) -> str:
        """A digest of the pictures alone."""
        return digest([self.pictures.fingerprint(), [*self.indices]])
