"""Codes with what is known of their pictures: encoded from pictures with labels, or drawn and labelled by a judge."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from potmeter.core.capabilities import Classifier, Encoder
from potmeter.core.log import progress
from potmeter.core.random import Stream
from potmeter.data.celeba import is_celeba
from potmeter.data.named import pictures
from potmeter.data.splits import Splits, column, every
from potmeter.errors import reject
from potmeter.metrics.features import fitted

BATCH = 100
"""Pictures that are encoded, or codes that are decoded, at once."""


@dataclass(frozen=True)
class Labelled:
    """Codes (N, d), and a table of attributes (N, A) with their names."""

    codes: Tensor
    attributes: Tensor
    known: tuple[str, ...]
    source: str = "drawn"
    """Where they are from, for a card: never a user's path."""

    def has(self, name: str) -> Tensor:
        """Which codes have an attribute, bool (N,). Raises UserError when there is none of that name."""
        return column(self.known, self.attributes, name)

    def select(self, chosen: Tensor) -> Labelled:
        """Those at these places."""
        return replace(self, codes=self.codes[chosen], attributes=self.attributes[chosen])


def quick(model: Any) -> bool:
    """Whether a model encodes by one pass of a network: one that searches takes ``steps``, and minutes for hundreds."""
    return isinstance(model, Encoder) and "steps" not in inspect.signature(model.encode).parameters


def shape_of(model: Any) -> tuple[int, int, int]:
    """(C, H, W) of the pictures that a generator makes."""
    _, *shape = model.decode(model.sample(1, Stream(0, device=device_of(model)))).shape
    return tuple(shape)  # type: ignore[return-value]


def data_of(model: Any, source: str | None) -> Splits:
    """Pictures as a generator makes them, with labels: a named set, or a folder with classes or CelebA's table.

    Args:
        model: The generator.
        source: Default: what its Config says that it was trained on.
    """
    chosen = source or str(getattr(getattr(model, "config", None), "dataset", ""))
    chosen or reject("Which pictures have labels? Name some with --data.", "none")
    channels, height, width = shape_of(model)
    size: Any = height if height == width else (height, width)
    return pictures(chosen, size, channels, labels=not is_celeba(chosen))


def encoded(model: Any, splits: Splits, part: Literal["train", "test"], count: int) -> Labelled:
    """The codes of ``count`` pictures spread evenly over a part of a data set, with their labels."""
    some = every(getattr(splits, part), count)
    parts, labels, tables = [], [], []
    for start in progress(range(0, len(some), BATCH), "encoding"):
        batch = some.__getitems__(list(range(start, min(start + BATCH, len(some)))))
        parts.append(model.encode(batch["image"].to(device_of(model))))
        labels += [batch["label"]] if "label" in batch else []
        tables += [batch["attributes"]] if "attributes" in batch else []
    known: tuple[str, ...] = getattr(some, "known", ())
    table = dict(zip(known, torch.cat(tables).unbind(1), strict=True)) if tables else {}
    named = words(some.classes) if labels else {}
    table |= {name: torch.isin(torch.cat(labels), torch.tensor(which)) for name, which in named.items()}
    table or reject("These pictures have no labels: an attribute vector takes some with and some without.", "none")
    codes = torch.cat(parts)
    return Labelled(codes, torch.stack([*table.values()], 1).to(codes.device), tuple(table), splits.origin)


def drawn(model: Any, judge: Classifier, count: int, seed: int = 0) -> Labelled:
    """``count`` codes from the prior, labelled by what a judge sees in their pictures."""
    codes = model.sample(count, Stream(seed, device=device_of(model))).to(device_of(model))
    tables = []
    for part in progress(codes.split(BATCH), "drawing", -(-count // BATCH)):
        tables.append(seen(judge, model.decode(part)))
    return Labelled(codes, torch.cat(tables), tuple(words(judge.classes)))


def seen(judge: Classifier, images: Tensor) -> Tensor:
    """What a judge sees in pictures (N, C, H, W): for each word of its classes whether it is likelier than not, (N, A)."""
    channels, side, _ = judge.input_shape
    parts = (fitted(part, channels, side) for part in images.split(BATCH))
    shares = torch.cat([judge.logits(part).softmax(1) for part in parts])  # (N, classes)
    return torch.stack([shares[:, which].sum(1) > 0.5 for which in words(judge.classes).values()], 1)


def words(classes: Sequence[str]) -> dict[str, list[int]]:
    """The words of classes and the classes each stands in: of ``smiling, feminine styling`` both halves.

    Example:
        >>> words(("sad, old", "glad, old"))
        {'sad': [0], 'old': [0, 1], 'glad': [1]}
    """
    found: dict[str, list[int]] = {}
    for number, name in enumerate(classes):
        for word in name.split(", "):
            found.setdefault(word, []).append(number)
    return {word: which for word, which in found.items() if len(which) < len(classes)}


def decoded(model: Any, codes: Tensor) -> Tensor:
    """The pictures (N, C, H, W) of codes (N, d)."""
    return torch.cat([model.decode(part) for part in codes.split(BATCH)])


def device_of(model: Any) -> torch.device:
    """Where a model is."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def fingerprint(model: nn.Module) -> str:
    """Twelve hexadecimal digits that differ between networks: the start of the sha256 of all parameters."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
