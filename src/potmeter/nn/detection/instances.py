"""The things in one picture: what a detector is taught, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor
from torchvision.ops import nms

OVERLAP = 0.5
"""Of two boxes of whatever labels that overlap more, the likelier counts where a thing shall have one name."""


@dataclass(frozen=True)
class Instances:
    """The things in one picture, N of them.

    Args:
        boxes: float (N, 4), x₁, y₁, x₂, y₂ in pixels; x₂ and y₂ lie beyond the last pixel.
        labels: int64 (N,), from 1 on; 0 is the background's.
        scores: (N,), the probability of the label; None of what is known to be there.
        masks: (N, H, W), the probability that a pixel belongs to it, or bool of what is known; None where only boxes are.
    """

    boxes: Tensor
    labels: Tensor
    scores: Tensor | None = None
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, chosen: Tensor) -> Instances:
        """Those at these places, or where a mask (N,) is true."""
        scores = self.scores[chosen] if self.scores is not None else None
        masks = self.masks[chosen] if self.masks is not None else None
        return Instances(self.boxes[chosen], self.labels[chosen], scores, masks)

    def at_least(self, score: float) -> Instances:
        """Those whose label has this probability or more."""
        assert self.scores is not None
        return self.select(self.scores >= score)

    def drop_overlapping(self) -> Instances:
        """The likeliest first, each thing under one label only: of boxes that overlap by more than half the likelier one."""
        assert self.scores is not None
        return self.select(nms(self.boxes, self.scores, OVERLAP))

    def with_masks(self, masks: Tensor | None) -> Instances:
        """The same with these masks."""
        return replace(self, masks=masks)
