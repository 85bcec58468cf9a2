"""Weights of faceswap's "original" model, as Keras saved them in 2018: encoder.h5, decoder_A.h5, decoder_B.h5 in a folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from potmeter.data.formats.hdf5 import read_hdf5
from potmeter.data.splits import OWN_DATA
from potmeter.errors import reject

from .model import Config, FaceSwapper
from .presets import PRESETS

FILES = {"encoder": "encoder.h5", "decoders.0": "decoder_A.h5", "decoders.1": "decoder_B.h5"}
"""The parts of a FaceSwapper, and their files."""
IDENTITIES = ("A", "B")
LAYER = re.compile(r"(conv2d|dense)_?(\d*)/(?:.*/)?(kernel|bias)(?::0)?$")


def read_faceswap(file: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config and state of a FaceSwapper from faceswap's folder, of which any of the three files is named.

    Its pixels go through the network in BGR, its feature maps with channels last, and four channels that become pixels
    stand apart by places, not together: weights are brought to our order, so that the faces are the same.

    Raises:
        UserError: A file is missing or of another kind, or a tensor of another shape.
    """
    paths = {part: file.parent / name for part, name in FILES.items()}
    for path in (file, *paths.values()):
        (path.is_file() and path.name in FILES.values()) or reject(
            f"faceswap's weights are {', '.join(FILES.values())}, in one folder.", str(path)
        )
    layers = {part: read_layers(path) for part, path in paths.items()}
    kernels = {part: [kernel for kernel, _ in found] for part, found in layers.items()}
    encoder, decoder = kernels["encoder"], kernels["decoders.0"]
    convs = [kernel for kernel in encoder if kernel.ndim == 4]
    dense = [kernel for kernel in encoder if kernel.ndim == 2]
    if len(convs) < 2 or len(dense) != 2 or len(decoder) < 2:
        reject(
            f"{file.parent} holds no model of the kind original.",
            f"{len(convs)} convolutions, {len(dense)} dense layers",
        )
    filters = tuple(kernel.shape[-1] for kernel in convs[:-1])
    side = round((dense[0].shape[0] / filters[-1]) ** 0.5)
    config = replace(
        PRESETS["paper"],
        dataset=OWN_DATA,
        image_size=side * 2 ** len(filters),
        filters=filters,
        code_dim=dense[0].shape[1],
        shared_filters=convs[-1].shape[-1] // 4,
        decoder_filters=tuple(kernel.shape[-1] // 4 for kernel in decoder[:-1]),
        identities=IDENTITIES,
    )
    state: dict[str, Tensor] = {}
    for part, found in layers.items():
        state |= {f"{part}.{name}": tensor for name, tensor in rename(part, found, side).items()}
    with torch.device("meta"):
        expected = FaceSwapper(config).state_dict()
    for key, tensor in expected.items():
        if key not in state or state[key].shape != tensor.shape:
            reject(f"{file.parent} does not fit: {key} should be {tuple(tensor.shape)}.", key)
    return config, state


def read_layers(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each layer, convolutions first, each kind in the order in which they were made."""
    found: dict[tuple[str, int], dict[str, np.ndarray]] = {}
    for name, array in read_hdf5(path).items():
        if match := LAYER.search(name):
            found.setdefault((match[1], int(match[2] or 0)), {})[match[3]] = array
    whole = {key: layer for key, layer in found.items() if layer.keys() == {"kernel", "bias"}}
    return [(whole[key]["kernel"], whole[key]["bias"]) for key in sorted(whole)]


def rename(part: str, layers: list[tuple[np.ndarray, np.ndarray]], side: int) -> dict[str, Tensor]:
    """The tensors of one part, by our names and in our order."""
    convs = [layer for layer in layers if layer[0].ndim == 4]
    dense = [layer for layer in layers if layer[0].ndim == 2]
    state: dict[str, np.ndarray] = {}

    def conv(name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = kernel.transpose(3, 2, 0, 1), bias

    def upscale(name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
        order = np.arange(len(bias)).reshape(4, -1).T.ravel()  # places outside, channels inside: the other way round
        conv(f"{name}.conv", kernel[..., order], bias[order])

    if part == "encoder":
        for number, (kernel, bias) in enumerate(convs[:-1]):
            conv(f"convs.{number}", kernel[:, :, ::-1] if number == 0 else kernel, bias)
        upscale("upscale", *convs[-1])
        (first, first_bias), (second, second_bias) = dense
        channels = len(first) // side**2
        order = np.arange(len(first)).reshape(side, side, channels).transpose(2, 0, 1).ravel()  # channels first
        state |= {"to_code.weight": first.T[:, order], "to_code.bias": first_bias}
        state |= {"from_code.weight": second.T[order], "from_code.bias": second_bias[order]}
    else:
        for number, layer in enumerate(convs[:-1]):
            upscale(f"upscales.{number}", *layer)
        kernel, bias = convs[-1]
        conv("to_rgb", kernel[..., ::-1], bias[::-1])
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in state.items()}
