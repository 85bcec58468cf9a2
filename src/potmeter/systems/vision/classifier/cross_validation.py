"""How well it does on pictures it has not seen, where there are too few to set some aside; and how many it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.core.system import System
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.batches import in_batches
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Chart


@dataclass(frozen=True)
class CrossValidation:
    """What networks said of pictures that each of them had not seen."""

    logits: Tensor
    """(N, classes), in the order of the data."""
    labels: Tensor
    """The true classes (N,)."""
    fold: Tensor
    """Which network each picture was shown to (N,)."""

    @property
    def predicted(self) -> Tensor:
        """The likeliest classes (N,)."""
        return self.logits.argmax(1)

    @property
    def num_correct(self) -> int:
        """Number of pictures that were classified rightly."""
        return int((self.predicted == self.labels).sum())

    @property
    def accuracy(self) -> float:
        """Share of them."""
        return self.num_correct / len(self.labels)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy."""
        return wilson(self.num_correct, len(self.labels))

    @property
    def confusion(self) -> Tensor:
        """Number of pictures of each class (rows) taken for each class (columns)."""
        count = self.logits.shape[1]
        return torch.bincount(self.labels * count + self.predicted, minlength=count**2).view(count, count)


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a probability of which ``right`` of ``n`` trials are known (JASA 22, 1927, p. 209).

    Args:
        right: Successes.
        n: Trials, at least 1.
        z: Half the interval's width in standard deviations; 1.96 makes it a 95 % interval.

    Example:
        >>> low, high = wilson(136, 142)
        >>> f"{low:.3f} {high:.3f}"
        '0.911 0.980'
    """
    0 <= right <= n > 0 or reject("right must be between 0 and n, and n at least 1.", (right, n))
    p, spread = right / n, z**2 / n
    centre, half = p + spread / 2, z * (p * (1 - p) / n + spread / (4 * n)) ** 0.5
    low, high = (centre - half) / (1 + spread), (centre + half) / (1 + spread)
    return low if right > 0 else 0.0, high if right < n else 1.0  # exactly, where rounding would miss them


def folds(groups: Tensor | None, labels: Tensor, k: int = 5, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Split data into k folds with about the same share of each class, none of whose groups is in two of them.

    Args:
        groups: What belongs together (N,), such as pictures of one animal; None = each picture is its own group.
        labels: Classes (N,).
        k: Number of parts.
        seed: The same seed cuts in the same way.

    Returns:
        For each part, the places (in order) of the other parts, to train on, and of its own, to test on.

    Raises:
        UserError: When a class has fewer groups than there are parts.
    """
    k >= 2 or reject("Cross-validation takes at least two folds.", k)
    groups = torch.arange(len(labels)) if groups is None else groups.cpu()
    for label in sorted(set(labels.tolist())):
        count = len(set(groups[labels.cpu() == label].tolist()))
        count >= k or reject(f"{k} folds need {k} groups of pictures of each class; class {label} has fewer.", count)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    parts = splitter.split(np.zeros(len(labels)), labels.cpu().numpy(), groups.numpy())
    return [(torch.from_numpy(train), torch.from_numpy(test)) for train, test in parts]


def cross_validate(
    system_class: type[System], config: Any, data: Any, *, steps: int, k: int = 5, seed: int = 0, device: str = "auto"
) -> CrossValidation:
    """Train k networks, each without one part of the data, and let each classify the part that it has not seen.

    Every network has its last weights, after a number of steps known beforehand: nothing is chosen by its test part.

    Args:
        system_class: A system with the capability ``Classifier``.
        config: Its Config, the classes filled in.
        data: TensorData or FolderData with labels; those with the same ``group``, where there is one, stay together.
        steps: Training steps of each network.
        k: Number of networks.
        seed: Start of the randomness of the cuts and of training.
        device: Where to train.

    Raises:
        UserError: When a class has fewer groups than there are parts.

    Example:
        >>> result = cross_validate(ImageClassifier, config, photos4(224), steps=60)  # doctest: +SKIP
        >>> result.accuracy, result.interval, result.confusion  # doctest: +SKIP
    """
    labels = read_labels(data)
    parts = folds(getattr(data, "tensors", {}).get("group"), labels, k, seed)
    logits: list[Tensor] = [torch.empty(0)] * len(labels)
    number = torch.empty_like(labels)
    for fold, (train, test) in enumerate(progress(parts, "fold")):
        system = train_system(system_class, config, data.select(train), steps, seed + fold, device)
        for i, row in zip(test.tolist(), predict_logits(system, data.select(test)), strict=True):
            logits[i] = row
        number[test] = fold
    return CrossValidation(torch.stack(logits), labels, number)


def learning_curve(
    system_class: type[System],
    config: Any,
    splits: Splits,
    sizes: Sequence[int] | None = None,
    *,
    steps: int,
    seeds: int = 3,
    device: str = "auto",
) -> Chart:
    """Accuracy over the number of training pictures: the same network, trained anew on ever more of them.

    All are tested on the same pictures, ``splits.test``, and trained for as many steps, so that only the number of
    different pictures changes. A larger choice of pictures contains the smaller ones of the same seed.

    Args:
        system_class: A system with the capability ``Classifier``.
        config: Its Config, the classes filled in.
        splits: Data with labels.
        sizes: Numbers of training pictures; default: six, from one of each class to all there are.
        steps: Training steps of each network.
        seeds: Networks for each number, each with pictures and weights of its own.
        device: Where to train.
    """
    splits.test is not None or reject("There are no test pictures.", splits.dataset)
    train: Any = splits.train
    labels, test_labels = read_labels(train), read_labels(splits.test)
    least, most = len(set(labels.tolist())), len(labels)
    sizes = sizes or sorted({round(size) for size in np.geomspace(least, most, 6).tolist()})
    for size in sizes:
        least <= size <= most or reject(f"There can be {least} (one of each class) to {most} training pictures.", size)
    seeds >= 1 or reject("The learning curve takes at least one seed.", seeds)
    orders = [balanced_order(labels, seed) for seed in range(seeds)]
    accuracy: dict[int, list[float]] = {size: [] for size in sizes}
    for size, seed in progress([(size, seed) for size in sizes for seed in range(seeds)], "training"):
        system = train_system(system_class, config, train.select(orders[seed][:size]), steps, seed, device)
        right = predict_logits(system, splits.test).argmax(1) == test_labels
        accuracy[size].append(float(right.float().mean()))
    lines = {f"mean of {seeds}": [(float(n), sum(accuracy[n]) / seeds) for n in sizes]}
    if seeds > 1:
        lines["best"] = [(float(n), max(accuracy[n])) for n in sizes]
        lines["worst"] = [(float(n), min(accuracy[n])) for n in sizes]
    return Chart(lines, x="training pictures", y="accuracy on new pictures", log_x=True)


def train_system(system_class: type[System], config: Any, data: Any, steps: int, seed: int, device: str) -> System:
    """A system after these steps of training on these data, with its last weights; nothing of the run is kept."""
    system = build_system(system_class, config, seed)
    splits = Splits(data, data.select([0]))  # the trainer must validate on something, but nothing depends on it
    with TemporaryDirectory() as folder, torch.enable_grad():
        options = Options(steps=steps, eval_every=steps, out=Path(folder), seed=seed, device=device)
        Trainer(system, splits, options, quiet=True).fit()
    return system.eval()


@torch.no_grad()
def predict_logits(system: Any, data: Any) -> Tensor:
    """Logits (N, classes) of pictures, on the CPU."""
    return torch.cat([system.logits(batch["image"]).cpu() for batch in in_batches(data, 32, system.device)])


def read_labels(data: Any) -> Tensor:
    """The labels (N,) of TensorData or FolderData, without decoding a picture."""
    labels: Tensor | None = data.tensors.get("label") if hasattr(data, "tensors") else data.labels
    return labels if labels is not None else reject("These pictures have no labels.", type(data).__name__)


def balanced_order(labels: Tensor, seed: int) -> Tensor:
    """A random order of the places (N,) whose every beginning has as many of each class as can be."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    rank = torch.empty(len(labels))  # 0 for the first of its class, 1 for the second …
    for label in set(labels.tolist()):
        mine = labels[shuffled] == label
        rank[mine] = torch.arange(int(mine.sum()), dtype=rank.dtype)
    return shuffled[rank.argsort(stable=True)]
