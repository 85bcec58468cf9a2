"""The segmenter as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor, nn

from potmeter.core.export import MethodModule
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch
from potmeter.data.folder import check_classes
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.masks import mask_folder
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Cutout, Image, Labels, Result, Table, name_images

from . import model
from .augment import augment
from .baselines import colour_baselines
from .checkpoints import read_port
from .examples import examples
from .loss import cross_entropy, dice_loss
from .measure import measure
from .predict import Prediction, predict
from .presets import PRESETS
from .recolour import parse_colour, recolour

EVERYTHING = "everything"
"""All classes but the background, together."""


@dataclass(frozen=True)
class Segmentation(Result):
    """What each pixel belongs to."""

    overlay: Image
    """The picture, with the classes' colours over it."""
    labels: Labels
    """The label map."""


class Segmenter(System):
    """Says of every pixel of a picture what it belongs to: hair or not hair."""

    name = "segmenter"
    Config = model.Config
    presets = PRESETS
    goal = Goal("iou", "higher")
    mixed_precision = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        len(config.classes) >= 2 or reject("Telling pixels apart takes two classes.", config.classes)
        self.model = model.build_network(config)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A U-Net from a file of Milesi's PyTorch port (``checkpoints.py``)."""
        config, state = read_port(file)
        system = cls(config)
        system.model.load_state_dict(state)
        return system

    # 1. Pictures with a class for every pixel

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures with masks.

        Args:
            source: avatars, shapes, a folder with images/ and masks/, or COCO's JSON
        """
        source = source or config.dataset
        if source in DATA_SETS and DATA_SETS[source].kind == "pictures with masks":
            splits: Splits = DATA_SETS[source].read(size=config.image_size, channels=config.channels)
            check_classes(config.classes, splits.classes)
            return splits
        return mask_folder(
            source, config.image_size, channels=config.channels, view=config.view, classes=config.classes
        )

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, classes=splits.classes)

    @classmethod
    def fine_tune_config(cls, config: model.Config) -> model.Config:
        """The same network; the classes are those of the data to come."""
        return replace(config, classes=())

    def warm_start(self) -> None:
        """Begin with the public ImageNet weights in the encoder."""
        if isinstance(self.model, model.MobileUNet) and self.config.pretrained:
            load_imagenet_weights(self.model.encoder)

    # 3. The loss: cross-entropy and Dice

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of every pixel and, so that small things count too, Dice of every class."""
        images, mask = augment(batch["image"], batch["mask"], self.config.augment, self.rng)
        logits = self.pixel_logits(images).float()
        nats, dice = cross_entropy(logits, mask).mean(), dice_loss(logits.softmax(1), mask)
        return {"loss": nats + self.config.dice_weight * dice, "nats": nats, "dice": 1 - dice}

    # 4. Training

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Intersection over union and the outline's F-measure of each picture; of styles not trained on, apart."""
        return measure(self, data)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """What colour and place alone tell: the better of a forest over pixels and of k-means."""
        return colour_baselines(splits)

    # 5. Use

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes, H, W) of pictures (B, C, H, W) in [0, 1]."""
        return self.pixel_logits(images)

    def run(self, image: Image, *, size: Annotated[int, Range(0, 1024)] | None = None) -> Segmentation:
        """Say of every pixel what it belongs to.

        Args:
            image: the picture
            size: pixels of the longer side of the copy that is looked at; 0: the picture itself, however large, in pieces;
                default: as it was trained
        """
        labels = Labels(self.predict(image, (), size).labels, self.classes)
        return Segmentation(labels.overlay(image), labels)

    @task
    def recolour(
        self,
        image: Image,
        *,
        colour: str = "mediumvioletred",
        what: Annotated[str, Choice("subjects")] | None = None,
        lightness: Annotated[float, Range(-100, 100)] = 0.0,
        size: Annotated[int, Range(0, 1024)] | None = None,
    ) -> Image:
        """Give hair, or another class, any colour; its light and shade are kept.

        Args:
            image: the picture
            colour: by its CSS name, or as #8040c0
            what: the class that is coloured; default: the first after the background
            lightness: added to its lightness, which goes from 0 to 100: black hair must be lightened to turn blond
            size: pixels of the longer side of the copy that is looked at; 0: the picture itself, in pieces
        """
        dye = parse_colour(colour)
        return recolour(image, self.predict(image, self.numbers(what), size).share, dye, lightness)

    @task
    def cutout(
        self,
        image: Image,
        *,
        what: Annotated[str, Choice("subjects")] | None = None,
        size: Annotated[int, Range(0, 1024)] | None = None,
    ) -> Cutout:
        """Cut a class out of the picture; what is around it becomes transparent.

        Args:
            image: the picture
            what: the class that is left; default: everything but the background
            size: pixels of the longer side of the copy that is looked at; 0: the picture itself, in pieces
        """
        chosen = self.numbers(what if what is not None else self.subjects[-1])
        return Cutout(image.pixels, self.predict(image, chosen, size).share)

    @task
    def batch(self, images: list[Image], *, size: Annotated[int, Range(0, 1024)] | None = None) -> Table:
        """How much of each picture belongs to each class, a row each in the order given; those of a folder by name.

        Args:
            images: pictures, or folders of them
            size: pixels of the longer side of the copy that is looked at; 0: the picture itself, in pieces
        """
        shares = [Labels(self.predict(image, (), size).labels, self.classes).shares for image in images]
        return Table(
            ("picture", *self.classes),
            [(n, *each.values()) for n, each in zip(name_images(images), shares, strict=True)],
        )

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits; the background first."""
        return tuple(self.config.classes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it was trained on; it takes others too."""
        return self.config.channels, self.config.image_size, self.config.image_size

    @property
    def subjects(self) -> tuple[str, ...]:
        """What can be coloured or cut out: the classes after the background, and, where there are several, everything."""
        return (*self.classes[1:], *([EVERYTHING] if len(self.classes) > 2 and EVERYTHING not in self.classes else []))

    def pixel_logits(self, images: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, classes, H, W) of pictures (B, C, H, W) in [0, 1]."""
        logits: Tensor = self.model(images.contiguous(memory_format=torch.channels_last))
        return logits

    def masks(self, images: Tensor) -> Tensor:
        """The probability of every class at every pixel, (B, classes, H, W), of pictures (B, C, H, W) in [0, 1]."""
        return self.pixel_logits(images).softmax(1)

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy (B,) of each picture, the mean over its pixels, for the classes ``target`` (B, H, W) or (B,)."""
        target = target[:, None, None].expand(-1, *x.shape[2:]) if target.ndim == 1 else target
        return cross_entropy(self.pixel_logits(x), target)

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        return {"segmenter": (MethodModule(self, "pixel_logits", "logits"), (torch.rand(2, *self.input_shape),))}

    # Pictures in, masks out

    def predict(self, image: Image, wanted: Sequence[int], size: int | None) -> Prediction:
        """The label map of a user's picture, and the probability of some classes; ``size`` as in ``run``."""
        usual = self.config.image_size if self.config.view == "whole" else 0
        return predict(
            image, self.pixel_logits, tuple(wanted), channels=self.config.channels, size=usual if size is None else size,
            stride=self.model.stride, reach=self.model.reach, device=self.device,
        )  # fmt: skip

    def numbers(self, what: str | None) -> tuple[int, ...]:
        """The indices of a class or of everything; None is the first class after the background."""
        if what == EVERYTHING and EVERYTHING not in self.classes:
            return tuple(range(1, len(self.classes)))
        return (self.classes.index(what) if what is not None else 1,)
