"""What can be told from the pixels without a network, for the classifier to beat."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from torch.nn.functional import adaptive_avg_pool2d

from potmeter.data.batches import in_batches
from potmeter.data.splits import Splits

SIDE = 32
"""Larger pictures are averaged down to this side first."""


def nearest_accuracy(splits: Splits) -> float:
    """Accuracy on the test part of answering with the label of the nearest training picture."""
    return score(KNeighborsClassifier(1), splits)


def linear_accuracy(splits: Splits) -> float:
    """Accuracy on the test part of a linear map of the pixels, fitted by regularised least squares."""
    return score(RidgeClassifier(alpha=100.0), splits)


def score(method: KNeighborsClassifier | RidgeClassifier, splits: Splits) -> float:
    """Fit on the training part, score on the test part."""
    method.fit(*pixels(splits.train))
    return float(method.score(*pixels(splits.test)))


def pixels(data: object) -> tuple[np.ndarray, np.ndarray]:
    """Pictures as rows (N, D) of numbers in [0, 1], and labels (N,)."""
    rows, labels = [], []
    for batch in in_batches(data, 500):
        images = batch["image"]
        images = adaptive_avg_pool2d(images, SIDE) if images.shape[-1] > SIDE else images
        rows.append(images.flatten(1).numpy())
        labels.append(batch["label"].numpy())
    return np.concatenate(rows), np.concatenate(labels)
