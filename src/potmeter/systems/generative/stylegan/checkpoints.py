"""The published generators: NVIDIA's weights under the names of the PyTorch port that carries them.

T. Viehmann's port ("Pretrained StyleGAN for PyTorch", 2019) named the TensorFlow variables ``g_mapping.dense0.weight``,
``g_synthesis.blocks.8x8.conv0_up.weight`` and so on, in files such as ``karras2019stylegan-ffhq-1024x1024.for_g_all.pt``,
and many tools have kept these names. They hold a generator whose finest resolution alone can be seen, and no discriminator.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potmeter.core.weights import read_tensor_file
from potmeter.errors import reject

from .model import Config, Generator

LAYER = {
    "const": "constant",
    "bias": "epilogue0.bias",
    "conv0_up.weight": "conv0.weight",
    "conv0_up.bias": "epilogue0.bias",
    "epi1.top_epi.noise.weight": "epilogue0.noise_scale",
    "epi1.style_mod.lin.weight": "epilogue0.affine.weight",
    "epi1.style_mod.lin.bias": "epilogue0.affine.bias",
    "conv.weight": "conv1.weight",
    "conv.bias": "epilogue1.bias",
    "conv1.weight": "conv1.weight",
    "conv1.bias": "epilogue1.bias",
    "epi2.top_epi.noise.weight": "epilogue1.noise_scale",
    "epi2.style_mod.lin.weight": "epilogue1.affine.weight",
    "epi2.style_mod.lin.bias": "epilogue1.affine.bias",
}
"""Tensors of a resolution: the port's names, and ours."""
MAPPING_SCALE = 0.01
"""The original learns its mapping network slowly by keeping its weights a hundred times as large and scaling them at use."""
FUSED_SIDE = 128
"""From this side on the original fuses upsampling and convolution, with its kernel flipped."""
W_AVG_SAMPLES = 10_000
"""Samples of w whose mean is taken where a file does not hold it."""


def read_port(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Read Config and state of the Generator from such a file; what it does not hold is as in a new one.

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    stored = {key: value for key, value in read_tensor_file(path).items() if isinstance(value, Tensor)}
    sides = sorted({int(match[1]) for key in stored if (match := re.match(r"g_synthesis\.blocks\.(\d+)x\1\.", key))})
    if not sides or sides != [4 * 2**level for level in range(len(sides))] or "g_synthesis.torgb.weight" not in stored:
        reject(f"{path} holds no generator of StyleGAN.", ", ".join(list(stored)[:3]) or "no tensors")
    config = config_from_shapes(stored, sides, path)
    with torch.random.fork_rng(devices=[]):
        generator = Generator(config)
    state, found = generator.state_dict(), translate_names(stored, sides)
    optional = {f"synthesis.to_rgb{kind}.{level}" for kind in ("", "_biases") for level in range(config.last_level)}
    for key, tensor in state.items():
        if key not in found and key != "w_avg" and key.removesuffix(".weight") not in optional:
            reject(f"{path} does not fit: {key} is missing.", key)
        if key in found and found[key].shape != tensor.shape:
            reject(f"{path} does not fit: {key} should be {tuple(tensor.shape)}.", tuple(found[key].shape))
    for key in found.keys() - state.keys():
        reject(f"{path} does not fit: {key} is unknown.", key)
    generator.load_state_dict(found, strict=False)
    if "w_avg" not in found:
        rng = torch.Generator().manual_seed(0)
        with torch.no_grad():
            generator.w_avg.copy_(
                generator.mapping(torch.randn(W_AVG_SAMPLES, config.latent_dim, generator=rng)).mean(0)
            )
    return config, generator.state_dict()


def config_from_shapes(stored: dict[str, Tensor], sides: list[int], path: Path) -> Config:
    """What the tensors' shapes say."""
    filters = []
    for side in sides:
        bias = stored.get(f"g_synthesis.blocks.{side}x{side}.conv{'' if side == 4 else 1}.bias")
        filters.append(len(bias) if bias is not None else reject(f"{path} lacks the bias of a convolution.", side))
    depth = len({key.split(".")[1] for key in stored if key.startswith("g_mapping.dense")})
    first = stored.get("g_mapping.dense0.weight")
    first is not None or reject(f"{path} has no mapping network.", "g_mapping.dense0.weight")
    assert first is not None
    channels: Any = len(stored["g_synthesis.torgb.weight"])
    return Config(
        height=sides[-1], width=sides[-1], channels=channels, latent_dim=first.shape[1],
        mapping_layers=depth, filters=tuple(reversed(filters)), first_level=0, stable_kimg=0.0, fade_kimg=0.0,
    )  # fmt: skip


def translate_names(stored: dict[str, Tensor], sides: list[int]) -> dict[str, Tensor]:
    """The tensors under our names."""
    last, state = len(sides) - 1, {}
    for key, value in stored.items():
        part, _, rest = key.partition(".")
        if part == "g_mapping":
            number, _, name = rest.removeprefix("dense").partition(".")
            state[f"mapping.{number}.{name}"] = MAPPING_SCALE * value
        elif rest in ("torgb.weight", "torgb.bias"):
            name = f"to_rgb.{last}.weight" if rest.endswith("weight") else f"to_rgb_biases.{last}"
            state[f"synthesis.{name}"] = value
        elif rest.startswith("blocks.") and not rest.endswith("intermediate.kernel"):
            _, place, name = rest.split(".", 2)
            side = int(place.partition("x")[0])
            flipped = name == "conv0_up.weight" and side >= FUSED_SIDE
            key = f"synthesis.blocks.{sides.index(side)}.{LAYER.get(name, name)}"
            state[key] = value.flip(2, 3) if flipped else value
        elif key.endswith("avg_latent"):
            state["w_avg"] = value.reshape(-1, value.shape[-1])[0]
    return state
