"""Codes with the attributes of their pictures: encoded from pictures with labels, or sampled and labelled by a classifier."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from potmeter.core.capabilities import Encoder
from potmeter.core.progress import progress
from potmeter.data.pictures import load_pictures
from potmeter.data.sets.celeba import is_celeba
from potmeter.data.splits import Splits, attribute_column, take_evenly
from potmeter.errors import reject

from .attribute_classifier import attribute_words, dataset_of, predict_attributes
from .space import BATCH, Pixels, Space


@dataclass(frozen=True)
class LabelledCodes:
    """Codes (N, d), and a table of attributes (N, A) with their names."""

    codes: Tensor
    attributes: Tensor
    attribute_names: tuple[str, ...]
    source: str = "sampled"
    """Where they are from, for a card: never a user's path."""

    def has(self, name: str) -> Tensor:
        """Which codes have an attribute, bool (N,). Raises UserError when there is none of that name."""
        return attribute_column(self.attribute_names, self.attributes, name)

    def select(self, chosen: Tensor) -> LabelledCodes:
        """Those with these numbers (M,)."""
        return replace(self, codes=self.codes[chosen], attributes=self.attributes[chosen])


def encodes_quickly(model: Any) -> bool:
    """Whether a model encodes by one pass of a network: one that searches takes ``steps``, and minutes for hundreds."""
    return isinstance(model, Encoder) and "steps" not in inspect.signature(model.encode).parameters


def load_labelled(space: Space, source: str | None) -> Splits:
    """Pictures as a generator makes them, with labels: a named set, or a folder with classes or CelebA's table.

    Args:
        space: One of its spaces.
        source: Default: what its Config says that it was trained on.
    """
    chosen = source or dataset_of(space.model)
    chosen or reject("Which pictures have labels? Name some with --data.", "none")
    channels, height, width = space.shape
    size: Any = height if height == width else (height, width)
    return load_pictures(chosen, size, channels, labels=not is_celeba(chosen))


def encode_labelled(space: Space | Pixels, splits: Splits, part: Literal["train", "test"], count: int) -> LabelledCodes:
    """The codes of ``count`` pictures spread evenly over a part of a data set, with their labels."""
    some = take_evenly(getattr(splits, part), count)
    parts, labels, tables = [], [], []
    for start in progress(range(0, len(some), BATCH), "encoding"):
        batch = some.__getitems__(list(range(start, min(start + BATCH, len(some)))))
        parts.append(space.encode(batch["image"]))
        labels += [batch["label"]] if "label" in batch else []
        tables += [batch["attributes"]] if "attributes" in batch else []
    names: tuple[str, ...] = getattr(some, "attribute_names", ())
    table = dict(zip(names, torch.cat(tables).unbind(1), strict=True)) if tables else {}
    named = attribute_words(some.classes) if labels else {}
    table |= {name: torch.isin(torch.cat(labels), torch.tensor(which)) for name, which in named.items()}
    table or reject("These pictures have no labels: an attribute vector takes some with and some without.", "none")
    codes = torch.cat(parts)
    return LabelledCodes(codes, torch.stack([*table.values()], 1).to(codes.device), tuple(table), splits.dataset)


def sample_labelled(space: Space, classifier: Any, count: int, seed: int = 0) -> LabelledCodes:
    """``count`` codes from the prior, labelled by what a classifier sees in their pictures."""
    codes, tables = space.sample(count, seed), []
    for part in progress(codes.split(BATCH), "sampling", -(-count // BATCH)):
        tables.append(predict_attributes(classifier, space.decode(part)))
    return LabelledCodes(codes, torch.cat(tables), tuple(attribute_words(classifier.classes)))


def fingerprint(model: nn.Module) -> str:
    """Twelve hexadecimal digits that differ between networks: the start of the sha256 of all parameters."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
