"""The ground truth of regions: the segment of every cell, and part, U and V at sampled points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.nn.detection.boxes import bounds, choose
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.regions import Positives

SAMPLED_POINTS = 196
"""Points of a region that a step learns from, at most; the authors' own code has room for so many."""


class SurfaceTargets(NamedTuple):
    """The truth in N regions of S×S cells, and at P points of theirs."""

    segments: Int[Tensor, "n s s"]
    """The segment of every cell; 0 is the background, or another person."""
    regions: Int[Tensor, " p"]
    """The region in which each point lies."""
    points: Float[Tensor, "p 2"]
    """Its place in the region, x and y in [0, 1]."""
    parts: Int[Tensor, " p"]
    """The part there, from 1 to 24."""
    uv: Float[Tensor, "p 2"]
    """Its U and V in [0, 1]."""


def list_people(batch: Batch) -> list[Instances]:
    """The people in each picture of a minibatch, with masks."""
    people = []
    for masks, labels in zip(batch["masks"], batch["labels"], strict=True):
        there = labels > 0
        people.append(Instances(bounds(masks[there]), labels[there], None, masks[there]))
    return people


def crop_targets(
    batch: Batch, people: Sequence[Instances], positives: Sequence[Positives], side: int, rngs: Sequence[torch.Generator]
) -> SurfaceTargets:  # fmt: skip
    """The truth in regions, each cell that of the pixel in which its middle lies; points are drawn among the cells.

    Args:
        batch: With ``segment``, ``part`` (B, H, W) and ``uv`` (B, 2, H, W).
        people: The people in each picture, as ``list_people`` gives them.
        positives: Regions, picture by picture.
        side: Cells of a region in each direction.
        rngs: One for each picture, on the CPU.
    """
    height, width = batch["part"].shape[1:]
    segments, points, count = [], [], 0
    for picture, (truth, regions, rng) in enumerate(zip(people, positives, rngs, strict=True)):
        assert truth.masks is not None
        middles = (torch.arange(side, device=truth.boxes.device) + 0.5) / side
        low, high = regions.boxes[:, :2, None], regions.boxes[:, 2:, None]
        pixels = (low + middles * (high - low)).floor().long()  # (N, 2, S)
        x, y = pixels[:, 0].clamp(0, width - 1)[:, None, :], pixels[:, 1].clamp(0, height - 1)[:, :, None]
        inside = truth.masks[regions.matched[:, None, None], y, x]  # (N, S, S)
        segments.append(batch["segment"][picture][y, x].long() * inside)
        known = inside & (batch["part"][picture][y, x] > 0)
        for region in range(len(known)):
            cells = torch.where(known[region].flatten())[0]
            cells = choose(cells, min(SAMPLED_POINTS, len(cells)), rng)
            row, column = cells // side, cells % side
            pixel = y[region, row, 0], x[region, 0, column]
            numbers, places = torch.full_like(cells, count + region), torch.stack([middles[column], middles[row]], 1)
            points.append((numbers, places, batch["part"][picture][pixel].long(), batch["uv"][picture][:, *pixel].T))
        count += len(known)
    if not points:
        empty = batch["uv"].new_zeros(0, 2)
        points.append((empty[:, 0].long(), empty, empty[:, 0].long(), empty))
    return SurfaceTargets(torch.cat(segments), *(torch.cat(values) for values in zip(*points, strict=True)))
