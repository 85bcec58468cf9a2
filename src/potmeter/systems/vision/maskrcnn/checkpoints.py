"""Files of torchvision's ``maskrcnn_resnet50_fpn``: normalisations frozen or learnt, the names of today or of 2019."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from potmeter.core.weights import check_fit, read_tensors
from potmeter.data.splits import OWN_DATA
from potmeter.errors import reject

from .model import Config, MaskRCNN
from .presets import PRESETS

OLD_NAMES = (
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2"),
    (r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
)
"""Of the layers that torchvision 0.13 wrapped in sequences; the mask head's four are renamed apart."""
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "", "backpack", "umbrella", "", "", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "",
    "dining table", "", "", "toilet", "", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave",
    "oven", "toaster", "sink", "refrigerator", "", "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
    "toothbrush",
)  # fmt: skip
"""COCO's categories by id, from 1 to 90; ids that it leaves out are empty."""


def read_torchvision(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config and state of such a file. One with 91 classes is taken for COCO's.

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    stored = read_tensors(path)
    state = rename(stored)
    scores = state.get("roi_heads.box_predictor.cls_score.bias")
    if scores is None or "backbone.body.layer4.2.conv3.weight" not in state:
        reject(f"{path} holds no Mask R-CNN of torchvision's.", ", ".join([*stored][:3]) or "no tensors")
    count = len(scores) - 1
    names = COCO if count == len(COCO) else ("",) * count
    classes = tuple(name or f"class {number}" for number, name in enumerate(names, 1))
    norm: Literal["batch", "frozen"] = (
        "batch" if any(key.endswith("num_batches_tracked") for key in state) else "frozen"
    )
    # torchvision's own weights for COCO were trained with an ε of 0
    eps = 0.0 if count == len(COCO) else 1e-5
    config = replace(PRESETS["paper"], classes=classes, norm=norm, norm_eps=eps, dataset=OWN_DATA)
    with torch.device("meta"):
        expected = MaskRCNN(config).state_dict()
    check_fit(path, state, expected)
    return config, state


def rename(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of the oldest files under today's names.

    Example:
        >>> [*rename({"roi_heads.mask_head.mask_fcn2.bias": torch.zeros(1), "rpn.head.conv.bias": torch.zeros(1)})]
        ['roi_heads.mask_head.1.0.bias', 'rpn.head.conv.0.0.bias']
    """
    state = {}
    for key, value in stored.items():
        for old, new in OLD_NAMES:
            key = re.sub(old, new, key)
        layer = re.match(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$", key)
        state[f"roi_heads.mask_head.{int(layer[1]) - 1}.0.{layer[2]}" if layer else key] = value
    return state
