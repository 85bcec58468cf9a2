"""What a generated picture shows, by a classifier that took no part in training the generator: its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from potmeter.core.capabilities import Classifier
from potmeter.core.devices import device_of
from potmeter.core.loading import load_model
from potmeter.data.sets.records import DATA_SETS
from potmeter.errors import reject
from potmeter.metrics.features import prepare_images

from .space import BATCH


def dataset_of(model: Any) -> str:
    """The data set that a generator's Config names; empty where it names none."""
    return str(getattr(getattr(model, "config", None), "dataset", ""))


def load_attribute_classifier(model: Any, name: str | None = None) -> Any:
    """The classifier that labels a generator's pictures.

    Args:
        model: The generator.
        name: Of any classifier that a probe can work on; default: the shipped one for the generator's data set.

    Raises:
        UserError: When there is none of that name, none for that data set, or it is no classifier.
    """
    dataset = dataset_of(model)
    if name is None and dataset in DATA_SETS:
        name = DATA_SETS[dataset].classifier
    if name is None:
        reject("Which classifier labels this generator's pictures? Name one with --classifier.", dataset or "none")
    classifier = load_model(name)
    isinstance(classifier, Classifier) or reject(f"{name} is no classifier.", name)
    return classifier.to(device_of(model))


def predict_attributes(classifier: Any, images: Tensor) -> Tensor:
    """Attributes (N, A) of pictures (N, C, H, W): for each word of the classes whether it is likelier than not."""
    channels, side, _ = classifier.input_shape
    where = device_of(classifier, images.device)
    parts = (prepare_images(part.to(where), channels, side) for part in images.split(BATCH))
    shares = torch.cat([classifier.logits(part).softmax(1) for part in parts])  # (N, classes)
    return torch.stack([shares[:, which].sum(1) > 0.5 for which in attribute_words(classifier.classes).values()], 1).to(
        images.device
    )


def attribute_words(classes: Sequence[str]) -> dict[str, list[int]]:
    """The words of classes, but for those that all share, and the classes each stands in: of ``sad, old`` both halves.

    Example:
        >>> attribute_words(("sad, old", "glad, old", "glad, young"))
        {'sad': [0], 'old': [0, 1], 'glad': [1, 2], 'young': [2]}
    """
    found: dict[str, list[int]] = {}
    for number, name in enumerate(classes):
        for word in name.split(", "):
            found.setdefault(word, []).append(number)
    return {word: which for word, which in found.items() if len(which) < len(classes)}
