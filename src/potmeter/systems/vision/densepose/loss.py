"""The losses of DensePose-RCNN (arXiv:1802.00434, section 3.2), weighted as in detectron2's configuration."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .model import SurfaceMaps
from .targets import SurfaceTargets

POINTS = 100
"""Points that DensePose-COCO's annotators marked on a person, about: U and V count as for so many, however many are sampled."""


def surface_losses(
    predicted: SurfaceMaps, targets: SurfaceTargets, weights: tuple[float, float, float]
) -> dict[str, Tensor]:
    """Cross-entropy of segments and of parts, smooth L1 of U and of V of the true part.

    Segments are learnt in every cell, parts and coordinates at the sampled points. Losses of what there is none of are 0.

    Args:
        predicted: The network's maps.
        targets: The truth.
        weights: Of segments, parts and coordinates.
    """
    segment_weight, part_weight, point_weight = weights
    zero = torch.stack([values.sum() for values in predicted]).sum() * 0
    segment = part = u = v = zero
    if len(targets.segments):
        enlarged = F.interpolate(predicted.segments, targets.segments.shape[1:], mode="bilinear", align_corners=False)
        segment = F.cross_entropy(enlarged, targets.segments)
    if len(targets.parts):
        part = F.cross_entropy(interpolate_points(predicted.parts, targets), targets.parts)
        of_true_part = targets.parts[:, None]
        u, v = (
            POINTS * F.smooth_l1_loss(interpolate_points(values, targets).gather(1, of_true_part)[:, 0], truth)
            for values, truth in ((predicted.u, targets.uv[:, 0]), (predicted.v, targets.uv[:, 1]))
        )
    return {
        "loss_segment": segment_weight * segment, "loss_part": part_weight * part, "loss_u": point_weight * u,
        "loss_v": point_weight * v,
    }  # fmt: skip


def interpolate_points(values: Float[Tensor, "n c s s"], targets: SurfaceTargets) -> Float[Tensor, "p c"]:
    """Maps interpolated bilinearly at points, as ``F.interpolate(align_corners=False)`` does at its cells' middles."""
    side = values.shape[-1]
    place = (targets.points * side - 0.5).clamp(0, side - 1)
    low = place.floor().clamp(max=side - 2)
    share = (place - low)[:, None, :]  # (P, 1, 2)
    x, y = low.long().unbind(1)
    corners = [values[targets.regions, :, y + down, x + right] for down in (0, 1) for right in (0, 1)]  # (P, C) each
    right, down = share[..., 0], share[..., 1]
    above, below = (corners[row] * (1 - right) + corners[row + 1] * right for row in (0, 2))
    return above * (1 - down) + below * down
