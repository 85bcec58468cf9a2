"""What every reader returns: the training, validation and test split of a data set, each of which gives whole batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.fingerprint import digest, fingerprint
from potmeter.errors import reject, suggest

OWN_DATA: Final = "own data"
"""The name of data that are a user's own: their place on the disk is nobody's business."""


@dataclass(frozen=True)
class Splits:
    """Training, validation and test split of a data set: ``test`` is looked at once, at the end.

    Each is a map-style data set that has, besides ``__getitem__``, ``__getitems__(indices) -> Batch`` (pass
    ``collate_fn=lambda batch: batch`` where a DataLoader is used), or None where the data has no such split.
    """

    train: Any
    valid: Any = None
    test: Any = None
    dataset: str = OWN_DATA
    """Its name, for the Config and the card of weights trained on it: ``mnist``, ``fashion`` …; never a user's path."""
    unsplit: Any = None
    """All samples as one data set, where the split is ours and not the data's own; else None."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels; empty where there are none."""
        return next((part.classes for part in (self.train, self.test) if hasattr(part, "classes")), ())

    def fingerprint(self) -> str:
        """A digest of what is trained on and validated with; it does not change with the folder that the data lie in."""
        return digest([fingerprint(part) for part in (self.train, self.valid) if part is not None])


class TensorData(Dataset):
    """A data set in memory: named tensors with a common first dimension.

    uint8 tensors are pictures: they are stored as they are and handed out as float in [0, 1].

    Args:
        classes: Names of the classes, in the order of the labels.
        names: One name per item, where items have names.
        attribute_names: Names of the columns of the tensor ``attributes``, bool (N, A), where items have attributes.
        tensors: For example ``image`` uint8 (N, C, H, W), ``label`` int64 (N,), ``group`` int64 (N,).

    Raises:
        UserError: when there is no tensor, their lengths differ, or not every attribute has a name.

    Example:
        >>> data = TensorData(image=torch.zeros(5, 1, 28, 28, dtype=torch.uint8), label=torch.arange(5))
        >>> data.__getitems__([1, 4])["label"]
        tensor([1, 4])
    """

    def __init__(
        self,
        *,
        classes: Sequence[str] = (),
        names: Sequence[str] = (),
        attribute_names: Sequence[str] = (),
        **tensors: Tensor,
    ) -> None:
        self.tensors = tensors
        self.classes = tuple(classes)
        self.names = tuple(names)
        self.attribute_names = tuple(attribute_names)
        lengths = {name: len(tensor) for name, tensor in tensors.items()}
        if len({*lengths.values(), *([len(names)] if names else [])}) != 1:
            reject("TensorData takes at least one tensor, and all of one length.", lengths)
        if len(self.attribute_names) != (columns := tensors["attributes"].shape[1] if "attributes" in tensors else 0):
            reject(
                "attribute_names has a name for each attribute.",
                f"{len(self.attribute_names)} names, {columns} attributes",
            )

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, i: int) -> Batch:
        return {name: to_float(tensor[i]) for name, tensor in self.tensors.items()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The items at these places as one batch; the hot path of training, so without a loop."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        return {name: to_float(tensor.index_select(0, indices)) for name, tensor in self.tensors.items()}

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The items at these places as a data set of their own, as cross-validation needs them."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        names = [self.names[i] for i in indices.tolist()] if self.names else ()
        tensors = {name: tensor[indices] for name, tensor in self.tensors.items()}
        return type(self)(classes=self.classes, names=names, attribute_names=self.attribute_names, **tensors)

    def head(self, n: int) -> Self:
        """The first ``n`` items (all, if there are fewer), the same ones every time; shares memory with this one."""
        tensors = {name: tensor[:n] for name, tensor in self.tensors.items()}
        return type(self)(classes=self.classes, names=self.names[:n], attribute_names=self.attribute_names, **tensors)

    def fingerprint(self) -> str:
        """A digest of all tensors and names."""
        return digest([self.classes, self.names, self.attribute_names, self.tensors])

    def attribute(self, name: str) -> Tensor:
        """One attribute of every item, bool (N,). Raises UserError when there is none of that name."""
        return attribute_column(self.attribute_names, self.tensors.get("attributes"), name)


def attribute_column(names: Sequence[str], attributes: Tensor | None, name: str) -> Tensor:
    """The column of a table of attributes (N, A) that has this name. Raises UserError, with the nearest one."""
    if attributes is None or name not in names:
        hint = suggest(name, names, f"Known are {', '.join(names) or 'none'}.")
        reject(f"The pictures have no attribute of that name. {hint}", name)
    return attributes[:, list(names).index(name)]


def take_evenly(data: Any, count: int) -> Any:
    """``count`` items spread evenly over a data set, the same every time; all of a smaller one.

    Not the first ones: many test sets are in some order (the first half of MNIST's is the easier one).
    """
    size = len(data)
    return data if size <= count else data.select([i * size // count for i in range(count)])


def to_float(x: Tensor) -> Tensor:
    """uint8 of any shape, which are pictures, as float in [0, 1]; tensors of other types as they are."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x
