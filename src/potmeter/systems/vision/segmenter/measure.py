"""What is measured of masks: how much of them is right, and how well their outlines run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.mask_data import VOID

from .loss import boundary_f, overlap

TOLERANCE = 1
"""Pixels by which an outline may be off for the F-measure."""
PIXELS = 64 * 128**2
"""Of the pictures in one minibatch."""


def measure(system: Any, data: Any) -> dict[str, Tensor]:
    """``iou`` and ``boundary_f`` of a data set.

    ``iou`` is Pascal VOC's, over all pixels together, averaged over the classes after the background; where there are several,
    each has its own too, ``iou_hair``. ``boundary_f`` is a value for each picture, the mean over the classes in it or found.
    Pictures of styles that were not trained on count in ``iou_unseen_style`` and the like, and in nothing else.
    """
    size = max(1, PIXELS // system.config.image_size**2)
    predictions, masks, unseen = [], [], []
    for batch in in_batches(data, size, system.device):
        predictions.append(system.pixel_logits(batch["image"]).argmax(1).cpu())
        masks.append(batch["mask"].cpu())
        unseen.append(batch.get("unseen", torch.zeros(len(batch["mask"]), dtype=torch.bool)).cpu())
    return judge(torch.cat(predictions), torch.cat(masks), torch.cat(unseen), system.config.classes)


def judge(predicted: Tensor, masks: Tensor, unseen: Tensor, classes: tuple[str, ...]) -> dict[str, Tensor]:
    """The metrics of predicted classes (N, H, W), given the true ones and which pictures (N,) are of unseen styles."""
    metrics: dict[str, Tensor] = {}
    for suffix, chosen in (("", ~unseen), ("_unseen_style", unseen)):
        if chosen.any():
            values = judge_alike(predicted[chosen], masks[chosen], classes)
            metrics |= {f"{name}{suffix}": value for name, value in values.items()}
    return metrics


def judge_alike(predicted: Tensor, masks: Tensor, classes: tuple[str, ...]) -> dict[str, Tensor]:
    """The metrics of pictures that count together."""
    count, parts = len(classes), list(zip(predicted.split(64), masks.split(64), strict=True))
    both, either = (sum(each) for each in zip(*(overlap(a, b, count) for a, b in parts), strict=True))
    iou = (both / either)[1:]  # NaN where a class is neither there nor found
    found = [[boundary_f(a == c, b == c, b != VOID, TOLERANCE) for c in range(1, count)] for a, b in parts]
    outlines = torch.cat([torch.stack(each, 1) for each in found]).nanmean(1)  # (N,)
    values = {"iou": iou.nanmean(), "boundary_f": outlines[~outlines.isnan()]}
    if count > 2:
        values |= {f"iou_{name.replace(' ', '_')}": value for name, value in zip(classes[1:], iou, strict=True)}
    return {name: value for name, value in values.items() if value.numel() and value.isfinite().all()}
