"""Pictures with captions as a data set: several captions of each picture, in one language or more."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest
from potmeter.data.source_data import Source, SourceData

Captions = Mapping[str, Sequence[str]]
"""The captions of one picture by language."""
Names = Mapping[str, Sequence[str]]
"""The words by which captions name one object, by language."""


class CaptionData(SourceData[Tensor]):
    """Pictures and their captions.

    Args:
        source: Where the pictures come from, uint8 (C, H, W): a ``FolderData``, or what draws them.
        captions: Of each of its pictures.
        objects: What of each picture a caption should name, where that is known; else empty.
        indices: The pictures that belong to this data set; None = all.
        class_words: Of words of the captions, the names of ImageNet's classes that they name too, where that is known.

    Example:
        >>> from potmeter.data.sets.scenes import shape_scenes
        >>> data = shape_scenes(32).test
        >>> data[0]["image"].shape, sorted(data.captions[0])
        (torch.Size([3, 32, 32]), ['en', 'hu'])
    """

    def __init__(
        self,
        source: Source[Tensor],
        captions: Sequence[Captions],
        objects: Sequence[Sequence[Names]] = (),
        indices: Sequence[int] | None = None,
        class_words: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(source, len(captions), indices)
        self.all_captions, self.all_objects, self.class_words = captions, objects, class_words or {}

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

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The pictures at these places: ``image`` float (B, C, H, W) in [0, 1], and ``index`` int64 (B,), their places."""
        places = torch.as_tensor(indices, dtype=torch.long)
        return {"image": torch.stack(self.read(places)).float().div_(255), "index": places}

    def in_language(self, language: str) -> Self:
        """The same pictures with their captions in one language; those that have none are left out."""
        captions = [{language: each.get(language, ())} for each in self.all_captions]
        chosen = copy.copy(self)
        chosen.all_captions, chosen.indices = captions, [i for i in self.indices if captions[i][language]]
        return chosen

    def fingerprint(self) -> str:
        """A digest of the pictures and their captions."""
        captions = [sorted((language, *texts) for language, texts in each.items()) for each in self.captions]
        return digest([self.picture_fingerprint(), captions])

    def picture_fingerprint(self) -> str:
        """A digest of the pictures alone."""
        return digest([self.source.fingerprint(), [*self.indices]])
