"""Heads on regions of interest: what is in a proposal and where exactly (Fast R-CNN, arXiv:1504.08083), pooled by RoIAlign.

RoIAlign, and the mask head on top of it, are Mask R-CNN's (He et al. 2017, arXiv:1703.06870, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torchvision.ops import batched_nms, roi_align

from .boxes import BoxCoding, clip, has_extent, match, sample, smooth_l1, to_full_precision
from .instances import Instances

CODING = BoxCoding((10.0, 10.0, 5.0, 5.0))
CANONICAL_SIDE, CANONICAL_LEVEL = 224, 4
"""A region of this side is pooled from this level of the pyramid, stride 2⁴ (feature pyramids, equation 1)."""
SAMPLES = 2
"""Points in each direction, of which RoIAlign averages a bin."""
LEAST = 1e-2
"""Pixels that what is found is wide and high at least."""


def pool_regions(
    maps: Sequence[Tensor], boxes: Sequence[Tensor], side: int, shape: tuple[int, int]
) -> Float[Tensor, "n c side side"]:
    """RoIAlign of boxes, each from the level of the pyramid that fits its size.

    Args:
        maps: Levels (B, C, h, w), from the finest, each of half the resolution of the one before.
        boxes: Of each picture (n, 4), in pixels.
        side: Bins in each direction.
        shape: Height and width of the padded pictures.
    """
    regions = torch.cat([F.pad(box, (1, 0), value=number) for number, box in enumerate(boxes)])  # (N, 5)
    finest = shape[0] // maps[0].shape[-2]
    levels = choose_levels(regions[:, 1:], finest.bit_length() - 1, len(maps))
    pooled = maps[0].new_zeros(len(regions), maps[0].shape[1], side, side)
    for number, features in enumerate(maps):
        chosen = torch.where(levels == number)[0]
        if len(chosen):
            scale = 1 / (finest * 2**number)
            found = roi_align(features, regions[chosen].to(features), (side, side), scale, SAMPLES)
            pooled = pooled.index_put((chosen,), found)
    return pooled


def choose_levels(boxes: Float[Tensor, "n 4"], finest: int, count: int) -> Int[Tensor, " n"]:
    """From which of ``count`` levels each box is pooled; the first has stride 2 to the power of ``finest``.

    Example:
        >>> choose_levels(torch.tensor([[0.0, 0, 30, 30], [0, 0, 224, 224], [0, 0, 900, 900]]), 2, 4)
        tensor([0, 2, 3])
    """
    side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
    level = (CANONICAL_LEVEL + (side / CANONICAL_SIDE).log2() + 1e-6).floor()
    return level.clamp(finest, finest + count - 1).long() - finest


@dataclass(frozen=True)
class RegionRules:
    """How proposals are learnt from, and what is found; torchvision's numbers."""

    high: float = 0.5
    """Overlap from which a proposal is a thing's, and below which it is background."""
    sampled: int = 512
    """Proposals of a picture that a step learns from."""
    positives: float = 0.25
    """Largest share of those of things."""
    score: float = 0.05
    """Probability from which a thing counts as found."""
    overlap: float = 0.5
    """Of two findings of one class that overlap more, the likelier counts."""
    found: int = 100
    """Most things that are found in a picture."""


class BoxHead(nn.Module):
    """Two linear layers with ReLU: a region's features (N, C, s, s) as a vector (N, features)."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(inputs, features), nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(1)))))


class BoxPredictor(nn.Module):
    """Of a vector the logits of the classes, the background first, and for each class where exactly."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.cls_score, self.bbox_pred = nn.Linear(features, classes), nn.Linear(features, 4 * classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) and offsets (N, classes, 4)."""
        return self.cls_score(x), self.bbox_pred(x).view(len(x), -1, 4)


@dataclass(frozen=True)
class Positives:
    """The proposals of one picture that belong to things: what heads for masks, keypoints or surfaces learn from."""

    boxes: Tensor
    """(P, 4)."""
    matched: Tensor
    """int64 (P,): which thing each belongs to."""
    labels: Tensor
    """int64 (P,): what it is."""


class RegionHeads(nn.Module):
    """What is in each proposal, and where exactly.

    Args:
        channels: Of the pyramid's levels.
        classes: The background included.
        features: Of the box head's vector.
        side: Bins of a region in each direction.
        rules: See there.
    """

    def __init__(
        self, channels: int, classes: int, features: int, side: int = 7, rules: RegionRules | None = None
    ) -> None:
        super().__init__()
        self.side, self.rules = side, rules or RegionRules()
        self.box_head = BoxHead(channels * side**2, features)
        self.box_predictor = BoxPredictor(features, classes)

    def forward(self, maps: Sequence[Tensor], boxes: Sequence[Tensor], shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) and offsets (N, classes, 4) of the boxes of all pictures."""
        logits, offsets = self.box_predictor(self.box_head(pool_regions(maps, boxes, self.side, shape)))
        return to_full_precision(logits), to_full_precision(offsets)

    def losses(
        self, maps: Sequence[Tensor], proposals: Sequence[Tensor], shape: tuple[int, int], truths: Sequence[Instances],
        rngs: Sequence[torch.Generator],
    ) -> tuple[dict[str, Tensor], list[Positives]]:  # fmt: skip
        """Cross-entropy of the classes and smooth L1 of where, as means over the sampled proposals; and the positive ones.

        The true boxes themselves are among the proposals.
        """
        boxes, labels, wanted, positives = [], [], [], []
        for proposal, truth, rng in zip(proposals, truths, rngs, strict=True):
            every = torch.cat([proposal, truth.boxes])
            matched = match(truth.boxes, every, self.rules.high, self.rules.high)
            positive, negative = sample(matched, self.rules.sampled, self.rules.positives, rng)
            own = matched[positive]
            positives.append(Positives(every[positive], own, truth.labels[own]))
            boxes.append(torch.cat([every[positive], every[negative]]))
            labels.append(F.pad(truth.labels[own], (0, len(negative))))  # the background's is 0
            wanted.append(CODING.encode(truth.boxes[own], every[positive]))
        logits, offsets = self(maps, boxes, shape)
        label = torch.cat(labels)
        things = torch.where(label > 0)[0]
        where = offsets[things, label[things]]  # (P, 4)
        losses = {
            "loss_classifier": F.cross_entropy(logits, label),
            "loss_box_reg": smooth_l1(where, torch.cat(wanted)) / len(label),
        }
        return losses, positives

    def find(
        self, maps: Sequence[Tensor], proposals: Sequence[Tensor], shape: tuple[int, int],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Instances]:  # fmt: skip
        """What is found in each picture, without masks: the likeliest first."""
        logits, offsets = self(maps, proposals, shape)
        every = CODING.decode(offsets.flatten(1), torch.cat([*proposals])).view_as(offsets)
        counts = [len(boxes) for boxes in proposals]
        found = []
        for boxes, probs, (height, width) in zip(
            every.split(counts), logits.softmax(1).split(counts), sizes, strict=True
        ):
            box = clip(boxes[:, 1:], height, width).flatten(0, 1)  # (N · C, 4), without the background
            score = probs[:, 1:].flatten()
            label = torch.arange(1, probs.shape[1], device=score.device).repeat(len(probs))
            fine = torch.where((score > self.rules.score) & has_extent(box, LEAST))[0]
            box, score, label = box[fine], score[fine], label[fine]
            best = batched_nms(box, score, label, self.rules.overlap)[: self.rules.found]
            found.append(Instances(box[best], label[best], score[best]))
        return found
