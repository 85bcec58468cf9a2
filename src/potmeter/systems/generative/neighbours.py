"""The training pictures nearest to generated ones: has a generator learned by heart?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from potmeter.data.batches import in_batches

SIDE = 16
"""Height and width, in pixels, in which pictures are compared."""
INDEX, CANDIDATES = Path(__file__).with_name("faces_index.safetensors"), 4
"""Principal components of the drawn training faces' thumbnails; faces that are drawn to find the nearest."""


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


def nearest_training_faces(images: Tensor) -> Tensor:
    """For each picture (N, 3, S, S) the drawn training face whose thumbnail is nearest, of the same size.

    An index of all 12,000, made by ``tools/index_faces.py``, says which few may be; only these are drawn.
    """
    from potmeter.data.sets.faces import renderer

    index, draw = load_file(INDEX), renderer(images.shape[-1])
    codes = index["codes"].float() * index["step"]  # (12000, 24)
    x = thumbnails(images.cpu())
    queries = (x - index["mean"].float()) @ index["components"].float()  # (N, 24)
    nearest = []
    for thumbnail, numbers in zip(x, torch.cdist(queries, codes).topk(CANDIDATES, largest=False).indices, strict=True):
        faces = torch.stack([torch.from_numpy(draw(int(number))) for number in numbers]).permute(0, 3, 1, 2) / 255
        nearest.append(faces[torch.cdist(thumbnail[None], thumbnails(faces))[0].argmin()])
    return torch.stack(nearest).to(images)
