"""What is measured of detections: COCO's average precision of masks and of boxes, and of boxes taken for masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.media.run_lengths import encode_run_lengths
from potmeter.metrics.average_precision import average_precision
from potmeter.nn.detection.boxes import bounds
from potmeter.nn.detection.masks import paste_all

BATCH = 8
"""Pictures that are looked at together."""
SURE = 0.5
"""Probability from which a pixel is the thing's."""


Found = tuple[dict[str, Any], list[dict[str, Any]]]
"""What is in pictures, and what is found there, both in COCO's form."""


def find_all(system: Any, data: Any) -> Found:
    """What is in the pictures of a data set and what is found there, both in COCO's form, in the pixels that are looked at."""
    images, annotations, results = (list[dict[str, Any]]() for _ in range(3))
    for batch in in_batches(data, BATCH, system.device):
        sizes = [(int(h), int(w)) for h, w in batch["size"]]
        for place, found in enumerate(system.model.detect(batch["image"], sizes)):
            number, (height, width) = len(images) + 1, sizes[place]
            images.append({"id": number, "width": width, "height": height})
            there = torch.where(batch["labels"][place] > 0)[0]
            masks = batch["masks"][place][there][:, :height, :width]
            for mask, box, label, crowd in zip(
                masks.cpu().numpy(),
                bounds(masks),
                batch["labels"][place][there],
                batch["crowd"][place][there],
                strict=True,
            ):
                annotations.append(
                    {
                        "id": len(annotations) + 1, "image_id": number, "category_id": int(label), "iscrowd": int(crowd),
                        "bbox": to_bbox(box), "area": float(mask.sum()), "segmentation": encode_run_lengths(mask),
                    }
                )  # fmt: skip
            pasted = (paste_all(found, height, width) >= SURE).cpu().numpy()
            assert found.scores is not None
            for mask, box, label, score in zip(pasted, found.boxes, found.labels, found.scores, strict=True):
                results.append(
                    {
                        "image_id": number, "category_id": int(label), "score": float(score), "bbox": to_bbox(box),
                        "segmentation": encode_run_lengths(mask),
                    }
                )  # fmt: skip
    categories = [{"id": label, "name": name} for label, name in enumerate(system.config.classes, 1)]
    return {"info": {}, "images": images, "categories": categories, "annotations": annotations}, results


def to_bbox(box: Tensor) -> list[float]:
    """A box as COCO writes it: x, y, width, height."""
    x, y, right, bottom = box.tolist()
    return [x, y, right - x, bottom - y]


def measure(truth: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Tensor]:
    """``mask_ap``, ``mask_ap50`` and ``box_ap``."""
    masks, masks_50 = average_precision(truth, results, "segm")
    boxes, _ = average_precision(truth, results, "bbox")
    return {"mask_ap": torch.tensor(masks), "mask_ap50": torch.tensor(masks_50), "box_ap": torch.tensor(boxes)}


def box_mask_ap(truth: dict[str, Any], results: list[dict[str, Any]]) -> float:
    """The average precision of masks, if every box that is found were filled."""
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    filled = []
    for result in results:
        mask = np.zeros(sizes[result["image_id"]], bool)
        x, y, width, height = result["bbox"]
        mask[round(y) : round(y + height), round(x) : round(x + width)] = True
        filled.append(result | {"segmentation": encode_run_lengths(mask)})
    return average_precision(truth, filled, "segm")[0]
