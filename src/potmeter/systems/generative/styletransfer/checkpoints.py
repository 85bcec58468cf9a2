"""Networks of pytorch/examples ("fast_neural_style", 2017), trained there, read into ours."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from potmeter.core.weights import check_fit, read_tensors
from potmeter.errors import reject

from .model import Config, TransformerNet

OLD_BUFFERS = re.compile(r"in\d+\.running_(mean|var)$")
"""Statistics that instance normalisation kept before 2017, and did not use."""


def read_example(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config and state of a TransformerNet from such a file.

    Their colours go from 0 to 255, before and after; ours are normalised. The first and the last convolution are changed
    accordingly, so that the pictures are the same.

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    state = {key: x.float() for key, x in read_tensors(path).items() if not OLD_BUFFERS.search(key)}
    first = state.get("conv1.conv2d.weight")
    if first is None or first.ndim != 4:
        reject(f"{path} holds no network of pytorch/examples.", ", ".join(list(state)[:3]) or "no tensors")
    blocks = sum(re.fullmatch(r"res\d+\.conv1\.conv2d\.weight", key) is not None for key in state)
    config = Config(dataset="own data", painting="own painting", width=len(first), residual_blocks=blocks)
    with torch.device("meta"):
        expected = TransformerNet(config.width, config.residual_blocks).state_dict()
    check_fit(path, state, expected)
    mean, std = TransformerNet.MEAN, TransformerNet.STD
    bias = state["conv1.conv2d.bias"] + 255 * mean * first.sum((1, 2, 3))
    state |= {"conv1.conv2d.weight": 255 * std * first, "conv1.conv2d.bias": bias}
    state["deconv3.conv2d.weight"] = state["deconv3.conv2d.weight"] / (255 * std)
    state["deconv3.conv2d.bias"] = (state["deconv3.conv2d.bias"] / 255 - mean) / std
    return config, state
