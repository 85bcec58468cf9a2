"""Pictures with captions, as cells of a page."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from potmeter.media import Image
from potmeter.media.image_grid import resize_to_side

from .space import Space

SIDE = 112
"""Pixels of a picture on a page."""

Cells = list[tuple[Image, str]]


def caption_cells(pictures: Tensor, captions: Iterable[str], side: int = SIDE) -> Cells:
    """Pictures (N, C, H, W), each with its caption."""
    return [(resize_to_side(x, side), caption) for x, caption in zip(pictures, captions, strict=True)]


def coefficient_strip(space: Space, code: Tensor, step: Tensor, low: float, high: float, steps: int) -> Cells:
    """A code (d,) with a step (d,) times ever larger coefficients, from low to high."""
    coefficients = torch.linspace(low, high, steps, device=code.device)
    captions = [f"{value:+.2g}" if abs(value) > 1e-6 else "0" for value in coefficients.tolist()]
    return caption_cells(space.decode(code + coefficients[:, None] * step), captions)
