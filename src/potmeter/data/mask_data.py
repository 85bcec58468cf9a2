"""Pictures with a class for every pixel, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.splits import TensorData

VOID = 255
"""``ignore_index``, the value of pixels whose class is not said (as in Pascal VOC): neither trained on nor measured."""

BACKGROUND = "background"
"""The background: what class 0, whatever is none of the others, is called where nothing names it."""


class MaskData(TensorData):
    """A TensorData whose ``mask``, uint8 (N, H, W) of class indices or ``VOID``, is handed out as int64.

    Example:
        >>> image, mask = torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.full((1, 2, 2), VOID, dtype=torch.uint8)
        >>> MaskData(classes=("background", "hair"), image=image, mask=mask)[0]["mask"]
        tensor([[255, 255],
                [255, 255]])
    """

    def __getitem__(self, i: int) -> Batch:
        return super().__getitem__(i) | {"mask": self.tensors["mask"][i].long()}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The items at these places as one batch, ``mask`` int64 (B, H, W)."""
        indices = torch.as_tensor(indices, dtype=torch.long)
        return super().__getitems__(indices) | {"mask": self.tensors["mask"].index_select(0, indices).long()}
