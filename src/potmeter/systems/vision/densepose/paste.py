"""From the predictions within people's boxes to part, U and V of the pixels of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import interpolation

from .model import SurfaceMaps

ROWS = 64
"""Rows of a picture that are interpolated at once."""


@dataclass(frozen=True)
class SurfaceImage:
    """Part, U and V of the pixels of a picture.

    Args:
        person: uint8 (H, W), to whom a pixel belongs, from 1 on in the order of ``boxes``; 0 is the background.
        part: uint8 (H, W), from 1 to 24; 0 is the background.
        uv: float (2, H, W), in [0, 1].
        boxes: (N, 4) in pixels.
        scores: (N,).
    """

    person: Tensor
    part: Tensor
    uv: Tensor
    boxes: Tensor
    scores: Tensor


def paste_surfaces(people: Instances, predicted: SurfaceMaps, height: int, width: int) -> SurfaceImage:
    """The surfaces of people in the pixels of a picture; where two overlap, the likelier one is seen.

    Args:
        people: Boxes in these pixels, the likeliest first.
        predicted: The maps within the boxes.
        height, width: Of the picture.
    """
    device = people.boxes.device
    person, part = (torch.zeros(height, width, dtype=torch.uint8, device=device) for _ in range(2))
    uv = torch.zeros(2, height, width, device=device)
    assert people.scores is not None
    for number in reversed(range(len(people))):
        top, left, box_part, box_uv = paste_surface(predicted, number, people.boxes[number], height, width)
        box = slice(top, top + box_part.shape[0]), slice(left, left + box_part.shape[1])
        body = box_part > 0
        person[box][body] = number + 1
        part[box][body] = box_part[body].byte()
        uv[:, *box][:, body] = box_uv[:, body]
    return SurfaceImage(person, part, uv, people.boxes, people.scores)


def paste_surface(
    predicted: SurfaceMaps, number: int, box: Float[Tensor, " 4"], height: int, width: int
) -> tuple[int, int, Int[Tensor, "h w"], Float[Tensor, "2 h w"]]:
    """The surface of one person in the pixels of the picture, some rows at a time, so that the memory is bounded.

    A pixel shows the body where all segments together are likelier than the background; its part is the likeliest of the 24.

    Args:
        predicted: The network's maps.
        number: Of which region.
        box: Of this region, in pixels; it is rounded to whole ones.
        height, width: Of the picture.

    Returns:
        Row and column of the first pixel; from there on the part, 0 for the background, and U and V of this part.
    """
    left, top, right, bottom = (round(value) for value in box.tolist())
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    x0, y0 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    x1, y1 = max(min(right, width), x0 + 1), max(min(bottom, height), y0 + 1)
    side = predicted.u.shape[-1]
    columns = interpolation(side, right - left, x0 - left, x1 - left, predicted.u)
    parts, coordinates = [], []
    for y in range(y0, y1, ROWS):
        rows = interpolation(side, bottom - top, y - top, min(y + ROWS, y1) - top, predicted.u)
        segments, part, u, v = (rows @ values[number] @ columns.T for values in predicted)  # (C, h, w) each
        body, part = segments[1:].logsumexp(0) > segments[0], part[1:].argmax(0) + 1
        parts.append(part * body)
        coordinates.append(torch.cat([values.gather(0, part[None]) for values in (u, v)]).clamp(0, 1) * body)
    return y0, x0, torch.cat(parts), torch.cat(coordinates, 1)
