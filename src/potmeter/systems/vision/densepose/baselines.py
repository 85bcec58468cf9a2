"""The baseline of densepose: the mean pose, put into everybody's true box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from potmeter.data.batches import in_batches

from .measure import BATCH, Correspondences, pixels
from .targets import list_people

CELLS = 28
"""Of a box in each direction."""


class MeanPose:
    """In each cell of a person's true box the most frequent part, with the mean of its U and V.

    Args:
        data: Training pictures.
    """

    def __init__(self, data: Any) -> None:
        counts, sums = np.zeros((CELLS, CELLS, 25)), np.zeros((CELLS, CELLS, 25, 2))
        for part, uv, row, column in list_pixels(data):
            np.add.at(counts, (row, column, part), 1)
            np.add.at(sums, (row, column, part), uv)
        self.part = counts[..., 1:].argmax(-1) + 1  # (CELLS, CELLS)
        count = np.take_along_axis(counts, self.part[..., None], 2)
        self.uv = np.take_along_axis(sums, self.part[..., None, None], 2)[:, :, 0] / count.clip(1)

    def predict(self, data: Any) -> Iterator[Correspondences]:
        """Its prediction for every person in a data set."""
        for part, uv, row, column in list_pixels(data):
            yield Correspondences(part, uv, self.part[row, column], self.uv[row, column])


def list_pixels(data: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Of every person in a data set part (N,) and U and V (N, 2) of the pixels, and row and column of their cells."""
    for batch in in_batches(data, BATCH):
        for place, people in enumerate(list_people(batch)):
            assert people.masks is not None
            for box, mask in zip(people.boxes, people.masks, strict=True):
                known = mask & (batch["part"][place] > 0)
                if known.any():
                    yield *pixels(batch["part"][place], batch["uv"][place], known), *find_cells(box, known)


def find_cells(box: Tensor, mask: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the cell of a box in which each pixel of a mask (H, W) lies."""
    x0, y0, x1, y1 = box.tolist()
    y, x = (values.numpy() + 0.5 for values in mask.nonzero(as_tuple=True))
    row, column = (CELLS * (values - low) / (high - low) for values, low, high in ((y, y0, y1), (x, x0, x1)))
    return row.astype(int).clip(0, CELLS - 1), column.astype(int).clip(0, CELLS - 1)
