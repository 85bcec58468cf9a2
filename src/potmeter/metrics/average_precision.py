"""Average precision of detections (COCO's, Lin et al. 2014, arXiv:1405.0312), by its authors' own program, pycocotools."""

from __future__ import annotations

import contextlib
import io
from typing import Any, Literal

import numpy as np

from potmeter.errors import missing_extra

IOU_50 = 0
"""Place of the threshold .50 among COCO's, from .50 to .95 in steps of .05."""


def require_pycocotools(who: str) -> None:
    """Raise UserError where pycocotools, an extra, is not installed."""
    try:
        import pycocotools  # noqa: F401
    except ImportError as error:
        raise missing_extra(who, "detect", error.name) from None


def average_precision(
    truth: dict[str, Any], results: list[dict[str, Any]], kind: Literal["segm", "bbox"]
) -> tuple[float, float]:
    """Mean average precision over overlaps of .50 to .95 and all classes that occur, and at an overlap of .50 alone.

    Args:
        truth: What is there, as COCO's JSON: images, categories and annotations; a mask as run lengths.
        results: What is found, as COCO's list of results.
        kind: Whether masks overlap, or boxes.

    Returns:
        Both in [0, 1]; NaN where nothing is there to be found.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not results:
        return (0.0, 0.0) if truth["annotations"] else (float("nan"), float("nan"))
    with contextlib.redirect_stdout(io.StringIO()):
        ground_truth = COCO()
        ground_truth.dataset = truth
        ground_truth.createIndex()
        evaluation = COCOeval(ground_truth, ground_truth.loadRes([dict(result) for result in results]), kind)
        evaluation.evaluate()
        evaluation.accumulate()
    # (thresholds, recalls, classes); of things of any size, 100 of a picture
    precision: np.ndarray = evaluation.eval["precision"][:, :, :, 0, -1]
    some = (precision > -1).any((0, 1))  # classes that occur
    if not some.any():
        return float("nan"), float("nan")
    return float(precision[:, :, some].mean()), float(precision[IOU_50][:, some].mean())
