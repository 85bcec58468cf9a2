"""Mask R-CNN's third branch (He et al. 2017, arXiv:1703.06870, figure 4): which pixels of a region are the thing's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import roi_align

from .boxes import to_full_precision
from .instances import Instances
from .regions import Positives


class MaskHead(nn.Sequential):
    """3×3 convolutions with ReLU, which keep the resolution: (N, channels, s, s) to (N, outputs, s, s)."""

    def __init__(self, channels: int, layers: int, outputs: int) -> None:
        widths = [channels, *[outputs] * layers]
        super().__init__(
            *(nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True)) for a, b in pairwise(widths))
        )
        initialise(self)


class MaskPredictor(nn.Sequential):
    """A transposed convolution to twice the resolution, and a logit for each class at every pixel.

    From features (N, channels, s, s) to logits (N, classes, 2 s, 2 s), the background's first.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv5_mask = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.mask_fcn_logits = nn.Conv2d(channels, classes, 1)
        initialise(self)


def initialise(module: nn.Module) -> None:
    """He et al.'s initialisation of the convolutions (arXiv:1502.01852)."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


def mask_loss(
    logits: Float[Tensor, "n classes s s"], positives: Sequence[Positives], truths: Sequence[Instances]
) -> Float[Tensor, ""]:
    """Binary cross-entropy of every pixel, of the true class's mask only (section 3), the mean over all positive regions.

    Args:
        logits: Of the positive regions of all pictures.
        positives: These regions, picture by picture.
        truths: What is there, with masks.
    """
    if logits.numel() == 0:
        return logits.sum() * 0
    wanted = []
    for positive, truth in zip(positives, truths, strict=True):
        assert truth.masks is not None
        regions = torch.cat([positive.matched[:, None].to(positive.boxes), positive.boxes], 1)
        wanted.append(crop_masks(truth.masks, regions, logits.shape[-1]))
    labels = torch.cat([positive.labels for positive in positives])
    own = logits[torch.arange(len(labels), device=labels.device), labels]
    return F.binary_cross_entropy_with_logits(to_full_precision(own), torch.cat(wanted))


def crop_masks(masks: Tensor, regions: Float[Tensor, "p 5"], side: int) -> Float[Tensor, "p side side"]:
    """The true masks within regions, scaled to the resolution that is learnt.

    Args:
        masks: bool (N, H, W).
        regions: The number of a mask and a box in it, x₁, y₁, x₂, y₂.
        side: Pixels.
    """
    return roi_align(masks[:, None].to(regions.dtype), regions, (side, side), 1.0)[:, 0]


def choose_masks(logits: Float[Tensor, "n classes s s"], found: Sequence[Instances]) -> list[Instances]:
    """What was found with the probabilities (n, s, s) of its class's mask, within its box."""
    labels = torch.cat([each.labels for each in found])
    probs = to_full_precision(logits[torch.arange(len(labels), device=labels.device), labels]).sigmoid()
    return [each.with_masks(own) for each, own in zip(found, probs.split([len(each) for each in found]), strict=True)]


def paste(
    mask: Float[Tensor, "s s"], box: Float[Tensor, " 4"], height: int, width: int
) -> tuple[int, int, Float[Tensor, "h w"]]:
    """A mask in the pixels of the picture.

    Args:
        mask: Probabilities within the box.
        box: In pixels.
        height, width: Of the picture.

    Returns:
        Row and column of its first pixel, and the probabilities from there on; beyond them they are 0.
    """
    side = mask.shape[0]
    # a border of one pixel, so that the mask fades out beyond the box
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * ((side + 2) / side)
    left, top, right, bottom = torch.cat([centre - half, centre + half]).long().tolist()
    h, w = max(bottom - top + 1, 1), max(right - left + 1, 1)
    y0, y1, x0, x1 = max(top, 0), min(bottom + 1, height), max(left, 0), min(right + 1, width)
    bordered = F.pad(mask, (1, 1, 1, 1))
    rows, columns = (
        interpolation(side + 2, h, y0 - top, y1 - top, mask),
        interpolation(side + 2, w, x0 - left, x1 - left, mask),
    )
    return y0, x0, rows @ bordered @ columns.T


def interpolation(length: int, total: int, start: int, stop: int, like: Tensor) -> Float[Tensor, "n length"]:
    """The matrix that interpolates linearly from a length to another, of which places ``start`` to ``stop`` are wanted.

    Pixels' centres agree, as in ``F.interpolate(align_corners=False)``; that none but these is computed keeps the memory small.
    """
    at = (torch.arange(start, stop, device=like.device, dtype=like.dtype) + 0.5) * (length / total) - 0.5
    at = at.clamp(0, length - 1)
    places = torch.arange(length, device=like.device, dtype=like.dtype)
    return (1 - (at[:, None] - places).abs()).clamp(min=0)


def paste_all(found: Instances, height: int, width: int) -> Float[Tensor, "n height width"]:
    """The masks of what was found in the pixels of the whole picture."""
    whole = found.boxes.new_zeros(len(found), height, width)
    assert found.masks is not None
    for place, mask, box in zip(whole, found.masks, found.boxes, strict=True):
        top, left, pixels = paste(mask, box, height, width)
        place[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return whole
