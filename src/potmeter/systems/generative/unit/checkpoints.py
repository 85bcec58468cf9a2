"""Generators of pytorch-CycleGAN-and-pix2pix, CycleGAN's authors' own, trained there, read into ours."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from potmeter.core.weights import check_fit, read_tensors
from potmeter.errors import reject

from .model import Config, Translator

OLD_BUFFERS = re.compile(r"(running_mean|running_var|num_batches_tracked)$")
"""Statistics that instance normalisation stored before 2018, and did not use."""
BLOCK = re.compile(r"model\.(\d+)\.conv_block\.(\d+)\.(weight|bias)$")
"""Of a convolution of a residual block: the first and second number of a generator's layers, counted from 10."""


def read_generator(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config of a CycleGAN that has one way only, and the state of its Translator, from such a file.

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    given = {key: x.float() for key, x in read_tensors(path).items() if not OLD_BUFFERS.search(key)}
    first = given.get("model.1.weight")
    if first is None or first.ndim != 4 or first.shape[1:] != (3, 7, 7):
        reject(f"{path} holds no generator of CycleGAN.", ", ".join(list(given)[:3]) or "no tensors")
    convolutions = sorted({(int(m[1]), int(m[2])) for key in given if (m := BLOCK.match(key))})
    count = len(convolutions) // 2
    config = Config(
        dataset="own data", architecture="cyclegan", load_size=286, image_size=256, width=len(first),
        residual_blocks=count, shared_blocks=0, one_way=True,
    )  # fmt: skip
    names = name_layers(count, convolutions)
    with torch.device("meta"):
        translator = Translator(config)
    expected = {key: x for key, x in translator.state_dict().items() if key.startswith(("encoders.0", "decoders.1"))}
    state = {}
    for key, value in given.items():
        layer, _, part = key.rpartition(".")
        state[f"{names[layer]}.{part}" if layer in names else key] = value
    check_fit(path, state, expected)
    return config, state


def name_layers(blocks: int, convolutions: list[tuple[int, int]]) -> dict[str, str]:
    """Our names of a generator's convolutions by theirs.

    Args:
        blocks: How many residual blocks it has.
        convolutions: The numbers of the blocks' convolutions, in order; with dropout between two they are other ones.
    """
    names = {f"model.{layer}": f"encoders.0.conv{n}.conv2d" for n, layer in enumerate((1, 4, 7), 1)}
    in_encoder = blocks - blocks // 2
    for place, (layer, number) in enumerate(convolutions):
        block, conv = divmod(place, 2)
        part = f"encoders.0.blocks.{block}" if block < in_encoder else f"decoders.1.blocks.{block - in_encoder}"
        names[f"model.{layer}.conv_block.{number}"] = f"{part}.conv{conv + 1}.conv2d"
    after = 10 + blocks
    names |= {f"model.{after + 3 * n}": f"decoders.1.deconv{n + 1}.conv2d" for n in range(2)}
    return names | {f"model.{after + 7}": "decoders.1.conv.conv2d"}
