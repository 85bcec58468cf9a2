"""Boxes (x₁, y₁, x₂, y₂) in pixels: how they are coded relative to others, which belongs to which, and which are learnt from.

R-CNN (Girshick et al. 2014, arXiv:1311.2524, appendix C) and Faster R-CNN (Ren et al. 2015, arXiv:1506.01497, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torchvision.ops import box_iou

BELOW, BETWEEN = -1, -2
"""In place of the number of a true box: of no overlap to speak of, the background; of one that says nothing either way."""
LARGEST_RATIO = 1000 / 16
"""By which a box may be larger than its reference at most, so that exp does not overflow."""
BETA = 1 / 9
"""Below which the smooth L1 loss is quadratic."""


@dataclass(frozen=True)
class BoxCoding:
    """Boxes as offsets from reference boxes: of the centre in widths and heights, of width and height as logarithms.

    Args:
        weights: Of the offsets in x and y, and of the logarithms of width and height.

    Example:
        >>> reference, box = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[5.0, 0, 15, 20]])
        >>> coding = BoxCoding((1.0, 1.0, 1.0, 1.0))
        >>> coding.encode(box, reference)
        tensor([[0.5000, 0.5000, 0.0000, 0.6931]])
        >>> coding.decode(coding.encode(box, reference), reference)
        tensor([[ 5.,  0., 15., 20.]])
    """

    weights: tuple[float, float, float, float]

    def encode(self, boxes: Float[Tensor, "n 4"], references: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
        """The offsets of boxes from their references."""
        (centre, size), (reference, length) = split_box(boxes), split_box(references)
        weights = boxes.new_tensor(self.weights)
        return weights * torch.cat([(centre - reference) / length, (size / length).log()], -1)

    def decode(self, offsets: Float[Tensor, "n k"], references: Float[Tensor, "n 4"]) -> Float[Tensor, "n k"]:
        """The boxes at these offsets from their references, several of each where there are more than four numbers."""
        reference, length = split_box(references)
        dxy, dwh = (offsets.reshape(len(offsets), -1, 4) / offsets.new_tensor(self.weights)).split(2, -1)  # (N, K, 2)
        centre = reference[:, None] + dxy * length[:, None]
        half = 0.5 * dwh.clamp(max=math.log(LARGEST_RATIO)).exp() * length[:, None]
        return torch.cat([centre - half, centre + half], -1).reshape(offsets.shape)


def to_full_precision(x: Tensor) -> Tensor:
    """Values of half precision, as mixed precision leaves them, as float32; others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def split_box(boxes: Float[Tensor, "*n 4"]) -> tuple[Float[Tensor, "*n 2"], Float[Tensor, "*n 2"]]:
    """Centres and sizes, (x, y) and (width, height)."""
    low, high = boxes.split(2, -1)
    return low + 0.5 * (high - low), high - low


def match(
    true: Float[Tensor, "t 4"], boxes: Float[Tensor, "n 4"], low: float, high: float, *, best_too: bool = False
) -> Int[Tensor, " n"]:
    """Which true box each box belongs to: the one that it overlaps most, where intersection over union is high enough.

    Args:
        true: What is there.
        boxes: Anchors or proposals.
        low, high: Below ``low`` a box is ``BELOW``, from there to below ``high`` ``BETWEEN``.
        best_too: Whether the boxes that overlap a true box most belong to it whatever the overlap.

    Example:
        >>> true = torch.tensor([[0.0, 0, 10, 10]])
        >>> match(true, torch.tensor([[0.0, 0, 10, 9], [0, 0, 10, 5], [20, 20, 30, 30]]), 0.3, 0.7)
        tensor([ 0, -2, -1])
    """
    if len(true) == 0:
        return torch.full((len(boxes),), BELOW, device=boxes.device)
    overlap = box_iou(true, boxes)  # (T, N)
    best, nearest = overlap.max(0)
    matched = nearest.clone()
    matched[best < low] = BELOW
    matched[(best >= low) & (best < high)] = BETWEEN
    if best_too:
        chosen = (overlap == overlap.max(1, keepdim=True).values).any(0)
        matched[chosen] = nearest[chosen]
    return matched


def sample(
    matched: Int[Tensor, " n"], count: int, positives: float, rng: torch.Generator
) -> tuple[Int[Tensor, " p"], Int[Tensor, " q"]]:
    """The boxes that are learnt from, in order: first those of things, at most a share of them, then of the background.

    Args:
        matched: As ``match`` gives it.
        count: How many, at most.
        positives: Largest share of those that belong to a thing.
        rng: On the CPU.
    """
    positive, negative = torch.where(matched >= 0)[0], torch.where(matched == BELOW)[0]
    few = min(len(positive), int(count * positives))
    return choose(positive, few, rng), choose(negative, min(len(negative), count - few), rng)


def choose(places: Int[Tensor, " n"], count: int, rng: torch.Generator) -> Int[Tensor, " k"]:
    """So many of these numbers, drawn without replacement, in their order."""
    if count == len(places):
        return places
    drawn = torch.randperm(len(places), generator=rng)[:count]
    return places[drawn.sort().values.to(places.device)]


def smooth_l1(offsets: Float[Tensor, "n 4"], wanted: Float[Tensor, "n 4"]) -> Float[Tensor, ""]:
    """Smooth L1 (Girshick 2015, arXiv:1504.08083), summed up."""
    return F.smooth_l1_loss(offsets, wanted, beta=BETA, reduction="sum")


def clip(boxes: Float[Tensor, "*n 4"], height: float, width: float) -> Float[Tensor, "*n 4"]:
    """Boxes cut off at the edges of the picture."""
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)


def has_extent(boxes: Float[Tensor, "n 4"], least: float) -> Bool[Tensor, " n"]:
    """Which boxes are at least so wide and high."""
    return ((boxes[:, 2:] - boxes[:, :2]) >= least).all(1)


def bounds(masks: Bool[Tensor, "n h w"]) -> Float[Tensor, "n 4"]:
    """The boxes around masks; zeros around an empty one.

    Example:
        >>> bounds(torch.tensor([[[False, False, False], [False, True, True]]]))
        tensor([[1., 1., 3., 2.]])
    """
    sides: Sequence[Tensor] = (masks.any(1), masks.any(2))  # (N, W), (N, H)
    low = [side.int().argmax(1) for side in sides]
    high = [side.shape[1] - side.flip(1).int().argmax(1) for side in sides]
    boxes = torch.stack([*low, *high], 1).float()
    return boxes * sides[0].any(1, keepdim=True)
