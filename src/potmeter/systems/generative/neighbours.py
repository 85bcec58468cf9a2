"""The training pictures nearest to generated ones: has a generator learned by heart?"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.data.batches import in_batches

SIDE = 16
"""Height and width, in pixels, in which pictures are compared."""


def thumbnails(images: Tensor) -> Tensor:
    """Pictures (N, C, H, W) as vectors of their average-pooled pixels (N, C · 16²)."""
    return F.adaptive_avg_pool2d(images, SIDE).flatten(1)


def nearest_pictures(images: Tensor, data: Any) -> Tensor:
    """For each picture (N, C, H, W) that of a data set whose thumbnail is nearest (N, C, H, W)."""
    distances = torch.full((len(images),), float("inf"), device=images.device)
    nearest = torch.zeros_like(images)
    for batch in in_batches(data, 1000, images.device):
        distance, number = torch.cdist(thumbnails(images), thumbnails(batch["image"])).min(1)
        nearer = distance < distances
        distances[nearer], nearest[nearer] = distance[nearer], batch["image"][number[nearer]]
    return nearest
