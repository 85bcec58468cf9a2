"""Feature visualisation as a probe: what a channel, a neuron or a category of any network would like to see.

Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from potmeter.core.capabilities import class_index
from potmeter.core.probe import Probe
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example
from potmeter.errors import reject
from potmeter.media import Image, Result, Table
from potmeter.media.image_grid import image_grid, mosaic, resize_to_side
from potmeter.media.labelled_page import labelled_page

from . import objectives
from .layers import Layer, find_layer, input_shape, list_layers, short_name
from .objectives import Objective
from .parametrisation import FourierImage
from .photos import extreme_images, load_photos
from .planted_filters import recovery_cosine
from .render import accepts_size, render
from .transforms import Transforms

DEFAULT_CHANNELS = ("features.13", (5, 3, 4, 9, 11))
"""The layer and channels of MobileNetV2 that are shown where none are named: chosen by eye, because they look good."""
DEFAULT_SIZE = 128
"""Side of a rendered picture, for which ``Transforms`` is meant; of networks that take much smaller ones, twice theirs."""
BATCH_SIZE = 8
"""Pictures that are rendered at once."""


@dataclass(frozen=True)
class Extremes(Result):
    """Real pictures with a channel's lowest and highest activations."""

    lowest: Image
    highest: Image


class FeatureVisualisation(Probe):
    """Shows what parts of a network look for: pictures made for a channel, beside the real ones that move it most."""

    name = "featurevis"
    needs = ()
    default = "classifier.imagenet"
    measures_model = False

    def __init__(self, model: str | Path | nn.Module | None = None) -> None:
        super().__init__(model)
        self.shape = input_shape(self.model)
        named = Path(model or self.default).name if isinstance(model, str | Path | None) else type(model).__name__
        self.title: str = named

    def run(
        self,
        *,
        layer: str | None = None,
        channel: Annotated[int, Range(0, 10**6)] | None = None,
        aim: Literal["channel", "neuron"] = "channel",
        negative: bool = False,
        count: Annotated[int, Range(1, 16)] = 1,
        steps: Annotated[int, Range(1, 10_000)] = 256,
        size: Annotated[int, Range(8, 2048)] | None = None,
        seed: int = 0,
    ) -> Image:
        """A picture for which a channel is as large as possible.

        Args:
            layer: its name, or the end of it; featurevis:layers lists them; default: one chosen by eye, or by its size
            channel: its number; default: one chosen by eye, or 0
            aim: the channel's mean over all places, or the one neuron at the middle
            negative: as small as possible instead
            count: pictures at once, made to differ from each other
            steps: of gradient ascent
            size: side of the picture in pixels; default: 128, or twice what the network takes if that is less
            seed: start of all randomness
        """
        where, number = self.resolve_channel(layer, channel)
        objective = getattr(objectives, aim)(where.name, number) * (-1.0 if negative else 1.0)
        if count > 1:
            objective = objectives.add_diversity(objective, where.name)
        return image_grid(self.pictures(objective, count, steps, size, seed))

    @task
    def panel(
        self,
        *,
        layer: str | None = None,
        channel: Annotated[int, Range(0, 10**6)] | None = None,
        data: str | None = None,
        steps: Annotated[int, Range(1, 10_000)] = 256,
        size: Annotated[int, Range(8, 2048)] | None = None,
        seed: int = 0,
    ) -> Image:
        """The slide: what switches a channel off and on, of real pictures at the sides and of rendered ones in the middle.

        Args:
            layer: its name, or the end of it; default: one chosen by eye, or by its size
            channel: its number; default: one chosen by eye, or 0
            data: a folder of pictures; default: photographs, or the system's own test data
            steps: of gradient ascent
            size: side of the rendered pictures in pixels
            seed: start of all randomness
        """
        where, number = self.resolve_channel(layer, channel)
        found = extreme_images(self.model, where, number, self.photos(data), 9)
        signs = torch.tensor([-1.0, 1.0])
        low, high = self.pictures(objectives.channel(where.name, number) * signs, 2, steps, size, seed)
        cells = [
            (mosaic(found.lowest, 240, 3), "real pictures, lowest"),
            (resize_to_side(low, 240), "negative channel"),
            (resize_to_side(high, 240), "channel objective"),
            (mosaic(found.highest, 240, 3), "real pictures, highest"),
        ]
        return labelled_page([(f"{self.title}, layer {self.short_name(where)}, channel {number}", cells)])

    @task
    def overview(
        self,
        *,
        layer: str | None = None,
        channels: list[int] | None = None,
        steps: Annotated[int, Range(1, 10_000)] = 128,
        size: Annotated[int, Range(8, 2048)] | None = None,
        seed: int = 0,
    ) -> Image:
        """A sheet of many channels of a layer.

        Args:
            layer: its name, or the end of it; default: one chosen by eye, or by its size
            channels: their numbers; default: the first eight, below those that were chosen by eye, if there are any
            steps: of gradient ascent
            size: side of the rendered pictures in pixels
            seed: start of all randomness
        """
        where, _ = self.resolve_channel(layer, None)
        rows = [("", channels)] if channels else [("the first eight", range(min(8, where.channels)))]
        if not channels and self.short_name(where) == DEFAULT_CHANNELS[0]:
            rows = [("chosen by eye", [n for n in DEFAULT_CHANNELS[1] if n < where.channels]), *rows]
        numbers = [self.resolve_channel(where.name, number)[1] for _, row in rows for number in row]
        made: list[Tensor] = []
        for start in range(0, len(numbers), BATCH_SIZE):
            some = numbers[start : start + BATCH_SIZE]
            made += self.pictures(objectives.channel(where.name, some), len(some), steps, size, seed + start)
        cells = iter(
            [(resize_to_side(picture, 128), str(number)) for picture, number in zip(made, numbers, strict=True)]
        )
        lines = []
        for title, row in rows:
            for start in range(0, len(row), 8):
                lines.append(("" if start else title, [next(cells) for _ in row[start : start + 8]]))
        heading = f"{self.title}, layer {self.short_name(where)}"
        return labelled_page([(": ".join(filter(None, (heading, lines[0][0]))), lines[0][1]), *lines[1:]])

    @task
    def category(
        self,
        name: str,
        *,
        steps: Annotated[int, Range(1, 10_000)] = 256,
        size: Annotated[int, Range(8, 2048)] | None = None,
        seed: int = 0,
    ) -> Image:
        """What a classifier would most surely take for a category.

        Args:
            name: the category
            steps: of gradient ascent
            size: side of the picture in pixels
            seed: start of all randomness
        """
        self.categories or reject("This network has no categories.", name)
        number = class_index(self.categories, name)
        last = [layer for layer in self.all_layers if layer.shape == (len(self.categories),)]
        last or reject("This network has no layer that gives its categories.", name)
        objective = objectives.channel(last[-1].name, number)
        return image_grid(self.pictures(objective, 1, steps, size, seed))

    @task
    def dataset_examples(
        self,
        *,
        layer: str | None = None,
        channel: Annotated[int, Range(0, 10**6)] | None = None,
        data: str | None = None,
        count: Annotated[int, Range(1, 100)] = 9,
    ) -> Extremes:
        """Dataset examples: the real pictures with a channel's lowest and highest activations.

        Args:
            layer: its name, or the end of it; default: one chosen by eye, or by its size
            channel: its number; default: one chosen by eye, or 0
            data: a folder of pictures; default: photographs, or the system's own test data
            count: how many at either end
        """
        where, number = self.resolve_channel(layer, channel)
        found = extreme_images(self.model, where, number, self.photos(data), count)
        columns = math.ceil(math.sqrt(len(found.low)))
        return Extremes(mosaic(found.lowest, 480, columns), mosaic(found.highest, 480, columns))

    @task
    def layers(self) -> Table:
        """The layers that can be visualised: name, type, channels and size of the output, receptive field in pixels."""
        rows = [
            (
                self.short_name(x),
                x.kind,
                " × ".join(map(str, x.shape)),
                "all" if math.isinf(x.receptive_field) else int(x.receptive_field),
            )
            for x in self.all_layers
        ]
        return Table(("layer", "type", "shape", "receptive field"), rows)

    def evaluate(self) -> dict[str, float]:
        """How well planted filters are recovered, as a cosine."""
        return {"planted_cosine": recovery_cosine("fourier")}

    def baselines(self) -> dict[str, float]:
        """Pixels optimised directly and without movements, and pictures that were not optimised."""
        return {"pixels_planted_cosine": recovery_cosine("pixels"), "random_planted_cosine": recovery_cosine("random")}

    def examples(self) -> list[Example]:
        return [
            Example(
                "What switches a channel of MobileNetV2 off and on (the channel was chosen by eye)",
                task="panel",
                steps=72,
            ),
            Example("Its layers, and how much of the picture a unit of each sees", task="layers"),
        ]

    # Names and sizes --------------------------------------------------------------------------------------------

    @cached_property
    def all_layers(self) -> list[Layer]:
        """The network's layers whose output has channels, in the order in which they finish."""
        return list_layers(self.model, self.shape)

    @property
    def categories(self) -> tuple[str, ...]:
        """The classes of a classifier."""
        return tuple(getattr(self.model, "classes", ()))

    def short_name(self, layer: Layer) -> str:
        """A layer's name as it is listed."""
        return short_name(layer.name, self.all_layers)

    def resolve_channel(self, layer: str | None, channel: int | None) -> tuple[Layer, int]:
        """The layer and channel that are named, or the default ones. Raises UserError where there are no such."""
        chosen = [each for each in self.all_layers if self.short_name(each) == DEFAULT_CHANNELS[0]]
        where = (
            find_layer(layer, self.all_layers)
            if layer
            else chosen[0]
            if chosen
            else default_layer(self.all_layers, self.shape)
        )
        if channel is None:
            channel = DEFAULT_CHANNELS[1][0] if where in chosen and DEFAULT_CHANNELS[1][0] < where.channels else 0
        channel < where.channels or reject(f"{self.short_name(where)} has channels 0 to {where.channels - 1}.", channel)
        return where, channel

    @cached_property
    def background(self) -> Tensor:
        """(C, 1, 1), the colour of a picture in which nothing is: the mean that the network subtracts, else grey."""
        means = [b for name, b in self.model.named_buffers() if name.rpartition(".")[2] == "mean"]
        fitting = [b.flatten() for b in means if b.numel() == self.shape[0] and 0 <= b.min() and b.max() <= 1]
        return (fitting[0] if fitting else torch.full((self.shape[0],), 0.5, device=self.device))[:, None, None]

    def photos(self, data: str | None) -> Tensor:
        """Real pictures (N, C, S, S), where the model is."""
        return load_photos(data, self.model, self.shape).to(self.device)

    def pictures(self, objective: Objective, count: int, steps: int, size: int | None, seed: int) -> Tensor:
        """Pictures rendered for an objective: (count, C, S, S) in [0, 1]."""
        seed >= 0 or reject("seed must not be negative.", seed)
        side, device = size or min(DEFAULT_SIZE, 2 * self.shape[1]), self.background.device
        transforms = Transforms().rescale(side / DEFAULT_SIZE)
        input_size = side + transforms.border
        if not accepts_size(self.model, objective, (self.shape[0], input_size, input_size), device):
            input_size = side = self.shape[1]
            size in (None, side) or reject(f"This network takes pictures of {side} pixels only.", size)
        rng = RandomStream(seed)
        images = FourierImage((count, self.shape[0], side, side), self.background, rng=rng).to(device)
        return render(
            self.model, objective, images, steps=steps, transforms=transforms, rng=rng, background=self.background,
            input_size=input_size,
        )  # fmt: skip


def default_layer(layers: Sequence[Layer], shape: tuple[int, int, int]) -> Layer:
    """The layer that is shown where none is named: the last block that has at least an eighth of the picture's side.

    One with negative values is preferred, since it has negative channels to show.
    """
    fine = [x for x in layers if x.spatial and 8 * x.shape[1] >= shape[1]] or list(layers)
    signed = [x for x in fine if x.signed] or fine
    return ([x for x in signed if x.compound] or signed)[-1]
