"""Metrics: geodesic point similarity, accuracy of the parts, and a texture's round trip, for each person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from potmeter.data.batches import in_batches
from potmeter.data.sets.body_geodesics import Geodesics
from potmeter.metrics.point_similarity import point_similarity

from .atlas import lift_texture, mean_squared_error, wave_texture
from .model import DensePoseRCNN
from .paste import paste_surface
from .targets import list_people

BATCH = 8
"""Pictures of a minibatch."""
MIN_SCORE, MIN_IOU = 0.5, 0.5
"""Probability from which a person counts as found, and intersection over union of the boxes from which as this one."""


@dataclass(frozen=True)
class Correspondences:
    """True and predicted places on the body of the N pixels of a person.

    Args:
        part, uv: The truth, int64 (N,) from 1 to 24, and float (N, 2).
        predicted_part, predicted_uv: The prediction; part 0 is the background.
    """

    part: np.ndarray
    uv: np.ndarray
    predicted_part: np.ndarray
    predicted_uv: np.ndarray


def measure(people: Iterable[Correspondences], geodesics: Geodesics) -> dict[str, Tensor]:
    """``gps``, ``part_accuracy`` and ``round_trip``, a value for each person."""
    rows = [
        (
            point_similarity(geodesics.distance(own.part, own.uv, own.predicted_part, own.predicted_uv)),
            float((own.part == own.predicted_part).mean()),
            round_trip(own),
        )
        for own in people
    ]
    columns = torch.tensor(rows or [(0.0, 0.0, 0.0)]).unbind(1)
    return dict(zip(("gps", "part_accuracy", "round_trip"), columns, strict=True))


def round_trip(own: Correspondences) -> float:
    """PSNR in dB of a texture that is put onto a person by the truth and lifted off again by the prediction.

    The texture is smooth; only the lifted texels are compared. Where there is none, the person being overlooked, all are,
    with grey.
    """
    texture = wave_texture()
    colours = texture.look_up(own.part, own.uv)
    lifted = lift_texture(own.predicted_part, own.predicted_uv, colours)
    return float(-10 * np.log10(max(mean_squared_error(lifted, texture), 1e-10)))


@torch.no_grad()
def predict_people(network: DensePoseRCNN, data: Any, device: torch.device) -> list[Correspondences]:
    """The network's prediction for every person in a data set; for those it overlooks, background."""
    people = []
    for batch in in_batches(data, BATCH, device):
        height, width = batch["part"].shape[1:]
        sizes = [(int(h), int(w)) for h, w in batch["size"]]
        detected = network.detect(batch["image"], sizes, MIN_SCORE)
        for place, (truth, (instances, predicted)) in enumerate(zip(list_people(batch), detected, strict=True)):
            assert truth.masks is not None
            iou = box_iou(truth.boxes, instances.boxes)
            for number, mask in enumerate(truth.masks):
                part, uv = (
                    torch.zeros_like(batch["part"][place], dtype=torch.long),
                    torch.zeros_like(batch["uv"][place]),
                )
                best = int(iou[number].argmax()) if len(instances) else -1
                if best >= 0 and iou[number, best] >= MIN_IOU:
                    top, left, *surface = paste_surface(predicted, best, instances.boxes[best], height, width)
                    box = slice(top, top + surface[0].shape[0]), slice(left, left + surface[0].shape[1])
                    part[box], uv[:, *box] = surface
                known = mask & (batch["part"][place] > 0)
                if known.any():
                    truth_pixels = pixels(batch["part"][place], batch["uv"][place], known)
                    people.append(Correspondences(*truth_pixels, *pixels(part, uv, known)))
    return people


def pixels(part: Tensor, uv: Tensor, chosen: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Part (N,) and U and V (N, 2), as arrays, at the pixels that a mask (H, W) chooses."""
    return part[chosen].long().cpu().numpy(), uv[:, chosen].T.cpu().numpy()
