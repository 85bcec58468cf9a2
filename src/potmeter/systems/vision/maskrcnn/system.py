"""Mask R-CNN as a system: data, losses, training, use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch
from potmeter.data.folder import check_classes
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.object_files import object_files
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import CocoResults, Cutout, Detections, Image, Table, name_images
from potmeter.metrics.average_precision import require_pycocotools
from potmeter.nn.backbones import MobileNetV2
from potmeter.nn.detection.boxes import bounds
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import paste_all
from potmeter.nn.detection.trunk import set_norms

from . import model
from .augment import flip
from .checkpoints import read_torchvision
from .detect import detect
from .examples import examples
from .measure import Found, box_mask_ap, find_all, measure
from .presets import PRESETS

VALIDATED = 40
"""Validation pictures that are looked at during training."""
EVERYTHING = "everything"
"""All classes together."""
Score = Annotated[float, Range(0.05, 1)]


class ObjectDetector(System):
    """Finds every thing in a picture: what it is, and which pixels are its own."""

    name = "maskrcnn"
    Config = model.Config
    presets = PRESETS
    goal = Goal("mask_ap", "higher")
    mixed_precision = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.MaskRCNN(config)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs
        self.evaluated: dict[str, Found] = {}  # what ``evaluate`` found last, by the data's fingerprint

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A Mask R-CNN from a file of torchvision's (``checkpoints.py``)."""
        config, state = read_torchvision(file)
        system = cls(config)
        system.model.load_state_dict(state)
        return system

    # 1. Pictures with things in them

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures with things in them.

        Args:
            source: cutouts, drawn-objects, COCO's JSON (or its folder), or a folder of labelme's files
        """
        require_pycocotools("Training or measuring maskrcnn")
        source = source or config.dataset
        if source in DATA_SETS and DATA_SETS[source].kind == "pictures with objects":
            splits: Splits = DATA_SETS[source].read(size=config.image_size)
            check_classes(config.classes, splits.classes)
            return splits
        return object_files(source, config.image_size, config.max_size, classes=config.classes)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, classes=splits.classes)

    @classmethod
    def fine_tune_config(cls, config: model.Config) -> model.Config:
        """The same network; the classes are those of the data to come."""
        return replace(config, classes=())

    def warm_start(self) -> None:
        """Begin with the public ImageNet weights in the backbone."""
        if self.config.backbone == "mobilenet" and self.config.pretrained:
            public = set_norms(load_imagenet_weights(MobileNetV2(None)), self.config.norm, self.config.norm_eps)
            self.model.backbone.body.load_state_dict(public.state_dict())

    def pretrained_state(self, pretrained: System) -> dict[str, Tensor]:
        """All but the last layers; of these, what was learnt of the background and of classes whose names stay."""
        state, own, kept = super().pretrained_state(pretrained), self.state_dict(), pretrained.state_dict()
        old, new = ["", *pretrained.config.classes], ["", *self.classes]
        rows = [(new.index(name), old.index(name)) for name in new if name in old]
        for key in own:
            if key.startswith(model.CLASS_LAYERS):
                state[key] = copy_rows(own[key], kept[key], rows, len(new), len(old))
        return state

    # 3. The five losses

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Their sum: of anchors and of regions, what each is and where; and of masks, which pixels are the thing's."""
        images, masks, sizes = batch["image"], batch["masks"], list_sizes(batch)
        if self.training and self.config.augment == "flip":
            images, masks = flip(images, masks, sizes, self.rng)
        truths = list_truths(masks, batch["labels"], batch["crowd"])
        seeds = self.rng.integers(2**31, len(images)).tolist()
        rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
        losses = self.model.losses(images, sizes, truths, rngs)
        return {"loss": torch.stack([*losses.values()]).sum()} | losses

    # 4. Training

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The metrics of some pictures."""
        return measure(*find_all(self, take_evenly(data, VALIDATED)))

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """COCO's average precision of masks and of boxes."""
        found = find_all(self, data)
        self.evaluated = {data.fingerprint(): found}  # so that ``baselines`` need not look again
        return measure(*found)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The average precision of masks, if the boxes that are found were filled."""
        found = self.evaluated.get(splits.test.fingerprint()) or find_all(self, splits.test)
        return {"box_mask_ap": box_mask_ap(*found)}

    # 5. Use

    def forward(self, images: Tensor) -> list[Instances]:
        """What is found in pictures (B, 3, H, W) in [0, 1], with masks in their pixels; as ``detect``."""
        return self.detect(images)

    def run(self, image: Image, *, score: Score = 0.5) -> Detections:
        """Find every thing in a picture: its name, its box and its outline. As .json it is saved as COCO's.

        Args:
            image: the picture
            score: probability from which a thing counts
        """
        return self.find(image, score)

    @task
    def batch(self, images: list[Image], *, score: Score = 0.05) -> CocoResults:
        """Find the things in many pictures, as COCO's JSON; where all files' names are numbers, these are the images' ids.

        A thing stands there once for each class that it may be of, as average precision wants it.

        Args:
            images: pictures, or folders of them
            score: probability from which a thing counts
        """
        names = name_images(images)
        pairs = zip(names, progress(images, "pictures"), strict=True)
        return CocoResults.gather(
            ((name, self.find(image, score, one_name=False)) for name, image in pairs), self.classes
        )

    @task
    def cutout(
        self, image: Image, *, what: Annotated[str, Choice("subjects")] | None = None, score: Score = 0.5
    ) -> Cutout:
        """Cut the things of a class out of the picture; what is around them becomes transparent.

        Args:
            image: the picture
            what: the class that is left; default: everything that is found
            score: probability from which a thing counts
        """
        found, (width, height) = self.find(image, score), image.size
        alpha = np.zeros((height, width), np.uint8)
        for thing in found.things:
            if what in (None, EVERYTHING, thing.name):
                alpha[thing.whole_mask(width, height)] = 255
        return Cutout(image.pixels, alpha)

    @task
    def count(self, images: list[Image], *, score: Score = 0.5) -> Table:
        """How many things of each class are in each picture, a row each in the order given; those of a folder by name.

        Args:
            images: pictures, or folders of them
            score: probability from which a thing counts
        """
        rows = []
        for name, image in zip(name_images(images), progress(images, "pictures"), strict=True):
            counts = self.find(image, score).counts
            rows.append((name, *(counts.get(each, 0) for each in self.classes)))
        return Table(("picture", *self.classes), rows)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; the first has label 1."""
        return tuple(self.config.classes)

    @property
    def subjects(self) -> tuple[str, ...]:
        """What can be cut out: the classes, and everything."""
        return (*self.classes, *([] if EVERYTHING in self.classes else [EVERYTHING]))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it was trained on; it takes others too."""
        return 3, self.config.image_size, self.config.image_size

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Instances]:
        """What is found in pictures (B, 3, H, W) in [0, 1], the likeliest first; masks (n, H, W) are probabilities."""
        height, width = images.shape[2:]
        return [found.with_masks(paste_all(found, height, width)) for found in self.model(images)]

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy (B,), the mean over each picture's proposals, for the labels ``target`` (B,): 0 is nothing at all."""
        return self.model.region_cross_entropy(x, target)

    def find(self, image: Image, score: float, *, one_name: bool = True) -> Detections:
        """The things in a user's picture."""
        self.classes or reject("The system knows no classes yet: train it, or load weights.", self.name)
        return detect(image, self.model, self.config, score, self.device, one_name=one_name)


def copy_rows(own: Tensor, kept: Tensor, rows: Sequence[tuple[int, int]], count: int, kept_count: int) -> Tensor:
    """A layer's own weights, those of some classes replaced by another layer's.

    Args:
        own, kept: (classes · k, …), k rows for each class; own are returned where a class's are of another shape.
        rows: Pairs of a class and the class of ``kept`` whose rows it gets.
        count, kept_count: How many classes each has, the background included.
    """
    mixed, others = (x.unflatten(0, (classes, -1)) for x, classes in ((own, count), (kept, kept_count)))
    if mixed.shape[1:] != others.shape[1:]:
        return own
    mixed = mixed.clone()
    for to, source in rows:
        mixed[to] = others[source]
    return mixed.flatten(0, 1)


def list_sizes(batch: Batch) -> list[tuple[int, int]]:
    """Height and width of each picture of a minibatch without its padding."""
    return [(int(height), int(width)) for height, width in batch["size"]]


def list_truths(masks: Tensor, labels: Tensor, crowd: Tensor) -> Sequence[Instances]:
    """What is in each picture of a minibatch; of crowds nothing is learnt.

    Args:
        masks: bool (B, N, H, W).
        labels: int64 (B, N), 0 where there is nothing.
        crowd: bool (B, N).
    """
    truths = []
    for mask, label, many in zip(masks, labels, crowd, strict=True):
        there = torch.where((label > 0) & ~many)[0]
        truths.append(Instances(bounds(mask[there]), label[there], None, mask[there]))
    return truths
