"""Files of detectron2's DensePose: the head on regions, whose tensors have the names of ours."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from potmeter.core.weights import check_fit, read_tensor_file

from .model import DensePoseRCNN
from .presets import PRESETS

PREFIX = "roi_heads."
HEAD = ("densepose_head.", "densepose_predictor.")


def read_densepose_head(path: Path) -> dict[str, Tensor]:
    """The DensePose head of a checkpoint, for ``roi_heads`` of the preset ``paper``; with 15 coarse segments, as in the paper.

    detectron2's trunk differs from ours (its ResNet strides in the 1×1 convolutions, its RoIAlign lies half a pixel aside),
    so that the head alone is taken, to be fine-tuned on our trunk.

    Raises:
        UserError: It is no file of tensors, or one is missing, unknown or of another shape.
    """
    stored = read_tensor_file(path)
    stored = model if isinstance(model := stored.get("model"), dict) else stored
    tensors = {str(name).removeprefix(PREFIX): value for name, value in stored.items() if isinstance(value, Tensor)}
    state = {name: value for name, value in tensors.items() if name.startswith(HEAD)}
    with torch.device("meta"):
        heads = DensePoseRCNN(PRESETS["paper"]).roi_heads.state_dict()
    check_fit(path, state, {name: value for name, value in heads.items() if name.startswith(HEAD)})
    return state
