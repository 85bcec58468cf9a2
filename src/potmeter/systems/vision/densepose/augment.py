"""Augmentation of training pictures: half of them are mirrored, left parts become right ones."""

from __future__ import annotations

import torch
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.data.batches import Batch
from potmeter.data.sets.body_charts import MIRRORED, MIRRORED_SEGMENTS, TORSO


def flip(batch: Batch, rng: RandomStream) -> Batch:
    """A minibatch of which half of the pictures are mirrored within their sizes."""
    chosen = torch.where(rng.uniform(len(batch["image"])) < 0.5)[0].tolist()
    batch = {name: values.clone() for name, values in batch.items()}
    segments = torch.tensor(MIRRORED_SEGMENTS, dtype=torch.uint8, device=batch["segment"].device)
    for place in chosen:
        width = int(batch["size"][place, 1])
        for name in ("image", "masks"):
            batch[name][place, ..., :width] = batch[name][place, ..., :width].flip(-1)
        batch["segment"][place, :, :width] = segments[batch["segment"][place, :, :width].flip(-1).long()]
        part, uv = mirror(batch["part"][place, :, :width], batch["uv"][place, :, :, :width])
        batch["part"][place, :, :width], batch["uv"][place, :, :, :width] = part, uv
    return batch


def mirror(part: Tensor, uv: Tensor) -> tuple[Tensor, Tensor]:
    """Parts (…, H, W) and coordinates (…, 2, H, W) of mirrored pictures."""
    part = torch.tensor(MIRRORED, device=part.device, dtype=part.dtype)[part.flip(-1).long()]
    uv = uv.flip(-1).clone()
    torso = torch.isin(part, torch.tensor(TORSO, device=part.device, dtype=part.dtype))
    uv[..., 0, :, :] = torch.where(torso, 1 - uv[..., 0, :, :], uv[..., 0, :, :])
    return part, uv
