"""Birds drawn by parametrised shapes, with sentences about them and exact attributes.

A bird's number and part decide how it looks and what is said of it. No bird for training has a back and a belly of two
colours that come together in the test part, and of the test sentences some have an order of words that none for training has.
Pictures are rendered by ``resvg-py`` (the extra ``birds``), when they are asked for.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from potmeter.data.captions import CaptionData, Captions, Names
from potmeter.data.fingerprint import digest
from potmeter.data.sets.bird_anatomy import ATTRIBUTES, Bird, attribute_values, draw_bird
from potmeter.data.sets.bird_drawing import bird_svg
from potmeter.data.sets.bird_grammar import Description, describe
from potmeter.data.splits import Splits
from potmeter.errors import missing_extra

COUNTS = {"train": 12_000, "valid": 300, "test": 600}
"""Birds in each part."""
FEW = {"train": 1_200, "valid": 60, "test": 200}
"""Birds in each part of a smaller set, which is drawn in seconds."""
PARTS = tuple(COUNTS)
SENTENCES = 5
"""About each bird; as CUB's, but half as many."""
UNSEEN = 0.4
"""Share of the test sentences whose order of words is that of no sentence for training."""
VERSION = 2
"""Of what is drawn: part of a data set's fingerprint."""


class BirdPictures:
    """The pictures of birds, rendered when they are asked for.

    Args:
        birds: Which.
        size: Side in pixels.
    """

    def __init__(self, birds: Sequence[Bird], size: int) -> None:
        self.birds, self.size = birds, size

    def read(self, i: int) -> Tensor:
        """One picture, uint8 (3, size, size)."""
        return render(bird_svg(self.birds[i]), self.size)

    def at(self, size: int) -> Self:
        """The same pictures, of another size."""
        return type(self)(self.birds, size)

    @cached_property
    def attributes(self) -> Tensor:
        """The number of the value of each of the ``ATTRIBUTES`` of each bird, int64 (N, A)."""
        return torch.tensor([attribute_values(bird) for bird in self.birds])

    def fingerprint(self) -> str:
        """A digest of all that decides how they look."""
        return digest([VERSION, self.size, repr(self.birds)])


def render(svg: str, size: int) -> Tensor:
    """A drawing as uint8 (3, size, size). Raises UserError without the extra."""
    try:
        import resvg_py
    except ImportError as error:
        raise missing_extra("Drawing birds", "birds", error.name) from None
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    pixels = np.array(PIL.Image.open(io.BytesIO(bytes(png))).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)


class BirdData(CaptionData):
    """Birds with their sentences, and what each sentence states."""

    source: BirdPictures

    def __init__(
        self,
        source: BirdPictures,
        captions: Sequence[Captions],
        objects: Sequence[Sequence[Names]] = (),
        indices: Sequence[int] | None = None,
        *,
        descriptions: Sequence[Sequence[Description]] = (),
    ) -> None:
        super().__init__(source, captions, objects, indices)
        self.all_descriptions = descriptions

    @property
    def attributes(self) -> Tensor:
        """What each bird is like, int64 (N, A)."""
        return self.source.attributes[torch.as_tensor(self.indices)]

    @property
    def stated(self) -> Tensor:
        """What the first sentence of each bird states: the number of each attribute's value, -1 where it is silent (N, A)."""
        names = list(ATTRIBUTES)
        rows = torch.full((len(self), len(names)), -1)
        for row, i in zip(rows, self.indices, strict=True):
            for name, value in self.all_descriptions[i][0].facts.items():
                row[names.index(name)] = ATTRIBUTES[name].index(value)
        return rows


def bird_part(part: str, count: int, size: int) -> BirdData:
    """The first birds of a part, with their sentences.

    Args:
        part: train, valid or test.
        count: How many.
        size: Side of the pictures in pixels.
    """
    birds, descriptions = [], []
    for number in range(count):
        rng = np.random.default_rng([VERSION, PARTS.index(part), number])
        bird = draw_bird(rng, part == "test")
        unseen = part == "test" and rng.random() < UNSEEN
        birds.append(bird)
        descriptions.append([describe(bird, rng, unseen=unseen) for _ in range(SENTENCES)])
    captions = [{"en": [each.text for each in some]} for some in descriptions]
    return BirdData(BirdPictures(birds, size), captions, descriptions=descriptions)


def birds(size: int = 256) -> Splits:
    """Drawn birds with five English sentences each.

    Args:
        size: Side in pixels.

    Returns:
        Splits of BirdData: 12,000 train, 300 valid, 600 test.
    """
    train, valid, test = (bird_part(part, COUNTS[part], size) for part in PARTS)
    return Splits(train, valid, test, dataset="birds")


def few_birds(size: int = 64) -> Splits:
    """The first of the same birds: 1,200 train, 60 valid, 200 test."""
    train, valid, test = (bird_part(part, FEW[part], size) for part in PARTS)
    return Splits(train, valid, test, dataset="few-birds")
