"""What can be told from a pixel's colour and place without a network, for the segmenter to beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.mask_data import VOID
from potmeter.data.splits import Splits, take_evenly

from .measure import judge

PICTURES, PIXELS = 1500, 60_000
"""Training pictures, and pixels of them, that both methods are fitted to."""
TREES = 25
"""Of the forest."""
CLUSTERS = (16, 64, 256)
"""Numbers of clusters that are tried; the best on the validation part counts."""
CHOSEN, MEASURED = 100, 400
"""Most validation pictures by which one is chosen, and most test pictures that it is measured on, spread evenly."""
SIDE = 32
"""About so many rows and columns of each picture are measured, spread evenly: the share of pixels that is right is the same."""
Method = Callable[[np.ndarray], np.ndarray]
"""From features of pixels (N, C + 2) to their classes (N,)."""


def colour_baselines(splits: Splits) -> dict[str, float]:
    """``colour_iou``, and the same for each of several classes and for unseen styles.

    A forest over red, green, blue, row and column; and k-means over the same, each cluster with the class that
    most of its pixels have. Which of the two counts is chosen on the validation part.
    """
    rng = np.random.default_rng(0)
    colours, labels = sample_pixels(splits.train, rng)
    classes = tuple(splits.classes)
    forest = RandomForestClassifier(TREES, min_samples_leaf=5, n_jobs=1, random_state=0).fit(colours, labels)
    methods: list[Method] = [forest.predict]
    for count in CLUSTERS:
        means = MiniBatchKMeans(count, n_init=3, random_state=0).fit(colours)
        votes = np.zeros((count, len(classes)))
        np.add.at(votes, (means.labels_, labels), 1)
        methods.append(name_clusters(means, votes.argmax(1)))
    valid = take_evenly(splits.valid if splits.valid is not None else splits.test, CHOSEN)
    best = max(methods, key=lambda method: float(measure_method(method, valid, classes)["iou"].mean()))
    metrics = measure_method(best, take_evenly(splits.test, MEASURED), classes)
    return {f"colour_{name}": float(value) for name, value in metrics.items() if name.startswith("iou")}


def name_clusters(means: MiniBatchKMeans, names: np.ndarray) -> Method:
    """From features of pixels to the classes (K,) of their clusters."""
    return lambda x: names[means.predict(x)]


def measure_method(method: Method, data: Any, classes: tuple[str, ...]) -> dict[str, Tensor]:
    """The metrics of a function from features of pixels (N, 5) to their classes (N,)."""
    found, masks, unseen = [], [], []
    for batch in in_batches(data, 50):
        step = max(1, batch["mask"].shape[-1] // SIDE)
        x, mask = features(batch["image"], step), batch["mask"][:, ::step, ::step]
        found.append(torch.from_numpy(np.asarray(method(x.reshape(-1, x.shape[-1])))).long().view(mask.shape))
        masks.append(mask)
        unseen.append(batch.get("unseen", torch.zeros(len(mask), dtype=torch.bool)))
    return judge(torch.cat(found), torch.cat(masks), torch.cat(unseen), classes)


def sample_pixels(data: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 5) and classes (N,) of pixels of a data set, drawn evenly from its pictures."""
    part = take_evenly(data, PICTURES)
    each = -(-PIXELS // len(part))
    rows, labels = [], []
    for batch in in_batches(part, 50):
        x, mask = features(batch["image"]), batch["mask"].flatten(1).numpy()
        for picture, classes in zip(x, mask, strict=True):
            said = np.flatnonzero(classes != VOID)
            if len(said):
                chosen = rng.choice(said, each)
                rows.append(picture[chosen])
                labels.append(classes[chosen])
    return np.concatenate(rows), np.concatenate(labels)


def features(images: Tensor, step: int = 1) -> np.ndarray:
    """Colour and place of every pixel, or of every ``step``-th in both directions, (B, H · W, C + 2), all in [0, 1]."""
    _, _, height, width = images.shape
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    place = torch.stack([y, x]).expand(len(images), -1, -1, -1)
    values = torch.cat([images.cpu(), place], 1)[:, :, ::step, ::step]  # (B, C + 2, H, W)
    features: np.ndarray = values.flatten(2).transpose(1, 2).numpy()
    return features
