"""Generators of StackGAN-Pytorch, StackGAN's authors' own, trained there, read into ours.

A file of stage II has both generators, and no text encoder: the authors read embeddings from files.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from potmeter.core.weights import check_fit, read_tensors
from potmeter.errors import reject

from .config import Config
from .model import FirstGenerator, SecondGenerator

NAMES = [(re.compile(pattern), name) for pattern, name in (
    (r"ca_net\.fc\.", "augmentation."), (r"fc\.", "projection."), (r"img\.0\.", "to_rgb."), (r"encoder\.0\.", "entry.0."),
    (r"encoder\.2\.", "downsampling.0.0."), (r"encoder\.3\.", "downsampling.0.1."), (r"encoder\.5\.", "downsampling.1.0."),
    (r"encoder\.6\.", "downsampling.1.1."), (r"hr_joint\.", "joint."), (r"residual\.(\d+)\.block\.", r"residual.\1.layers."),
)]  # fmt: skip
"""Our names of layers by the beginnings of theirs, in either generator."""
UPSAMPLING = re.compile(r"upsample(\d)\.")
"""The authors count from 1."""


def read_generators(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config of a StackGAN without words, and the state of its generators, from such a file.

    Raises:
        UserError: It is no such file, or a tensor is missing or of another shape.
    """
    given = {key: x.float() if x.is_floating_point() else x for key, x in read_tensors(path).items()}
    state = {rename(key): x for key, x in given.items()}
    augmentation, projection, entry = (
        state.get(key, torch.empty(0))
        for key in ("first.augmentation.weight", "first.projection.0.weight", "second.entry.0.weight")
    )
    if min(augmentation.ndim, projection.ndim, entry.ndim) < 2:
        reject(f"{path} holds no generators of StackGAN's stages.", ", ".join(list(given)[:3]) or "no tensors")
    condition_dim, widest, width = len(augmentation) // 2, len(projection) // 16, len(entry)
    config = Config(
        dataset="own data", text_dim=augmentation.shape[1], condition_dim=condition_dim,
        latent_dim=projection.shape[1] - condition_dim, first_generator_widths=tuple(widest // 2**level for level in range(5)),
        second_downsampling_widths=(width, 2 * width, 4 * width),
        second_upsampling_widths=(2 * width, width, width // 2, width // 4),
        residual_blocks=len({key.split(".")[2] for key in state if key.startswith("second.residual.")}),
        skip=False, augmentation_relu=True,
    )  # fmt: skip
    z, condition = projection.split([config.latent_dim, condition_dim], 1)
    state["first.projection.0.weight"] = torch.cat([condition, z], 1)  # the authors put the noise first
    with torch.device("meta"):
        expected = nn.ModuleDict({"first": FirstGenerator(config), "second": SecondGenerator(config)}).state_dict()
    counters = {key: torch.tensor(0) for key in expected if key.endswith("num_batches_tracked")}
    state = counters | state  # which files of 2017 do not have
    check_fit(path, state, expected)
    return config, state


def rename(key: str) -> str:
    """Our name of a tensor by theirs: ``STAGE1_G.upsample1.1.weight`` is ``first.upsampling.0.1.weight``."""
    stage = "first." if key.startswith("STAGE1_G.") else "second."
    key = UPSAMPLING.sub(lambda match: f"upsampling.{int(match[1]) - 1}.", key.removeprefix("STAGE1_G."), count=1)
    for pattern, name in NAMES:
        if pattern.match(key):
            return stage + pattern.sub(name, key, count=1)
    return stage + key
