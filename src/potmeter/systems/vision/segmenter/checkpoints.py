"""U-Nets of the PyTorch port by A. Milesi ("Pytorch-UNet", 2017), with or without biases, with either upsampling."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from potmeter.core.weights import check_fit, read_tensor_file
from potmeter.errors import reject

from .model import Config, UNet

MASK_VALUES = "mask_values"
"""What the port's training adds: the masks' values, in the order of the classes."""


def read_port(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config and state of a UNet from such a file; one of a single logit gets a second one, 0, for the background.

    The probability is the same: softmax(0, z) = sigmoid(z).

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    stored = read_tensor_file(path)
    values = stored.get(MASK_VALUES)
    state = {key.removeprefix("module."): value for key, value in stored.items() if isinstance(value, Tensor)}
    first, last = state.get("inc.double_conv.0.weight"), state.get("outc.conv.weight")
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        reject(f"{path} holds no U-Net of the port.", ", ".join(list(state)[:3]) or "no tensors")
    levels = sum(key.startswith("down") and key.endswith("double_conv.0.weight") for key in state)
    config = make_config(state, first, last, levels, values, path)
    if len(last) == 1:
        for key in ("outc.conv.weight", "outc.conv.bias"):
            state[key] = torch.cat([torch.zeros_like(state[key]), state[key]]) if key in state else torch.zeros(2)
    with torch.device("meta"):
        expected = UNet(
            len(config.classes), config.channels, config.widths,
            config.mean, config.std, transposed=config.upsampling == "transposed", bias=config.conv_bias,
        ).state_dict()  # fmt: skip
    check_fit(path, state, expected)
    return config, state


def make_config(
    state: dict[str, Tensor], first: Tensor, last: Tensor, levels: int, values: object, path: Path
) -> Config:
    """The Config that a state's names and shapes tell; the port's pictures are values in [0, 1] as they are."""
    channels, count = first.shape[1], max(2, len(last))
    channels in (1, 3) or reject(f"{path} takes pictures of {channels} channels; here they have 1 or 3.", channels)
    names = [f"class {n}" for n in range(1, count)]
    if isinstance(values, list) and len(values) == count:
        names = [f"value {value}" for value in values[1:]]
    return Config(
        dataset="own data", architecture="unet", image_size=max(16, 2**levels), view="crop", channels=3 if channels == 3 else 1,
        classes=("background", *names), mean=(0.0,) * channels, std=(1.0,) * channels,
        widths=tuple(first.shape[0] * 2**level for level in range(levels + 1)),
        upsampling="transposed" if "up1.up.weight" in state else "bilinear",
        conv_bias="inc.double_conv.0.bias" in state, augment="none",
    )  # fmt: skip
