"""Tacotron 2's weights as NVIDIA's code stores them: a PyTorch file whose ``state_dict`` has 84 keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from potmeter.core.weights import read_tensor_file
from potmeter.data.splits import OWN_DATA
from potmeter.errors import reject

from .config import Config
from .model import Tacotron2Network
from .presets import PRESETS

MODULES = (
    ("embedding.", "encoder.embedding."),
    ("encoder.convolutions.{}.0.conv.", "encoder.convolutions.{}.0."),
    ("encoder.convolutions.{}.1.", "encoder.convolutions.{}.1."),
    ("encoder.lstm.", "encoder.lstm."),
    ("decoder.prenet.layers.{}.linear_layer.", "decoder.prenet.layers.{}."),
    ("decoder.attention_rnn.", "decoder.attention_lstm."),
    ("decoder.attention_layer.query_layer.linear_layer.", "decoder.attention.query."),
    ("decoder.attention_layer.memory_layer.linear_layer.", "decoder.attention.memory."),
    ("decoder.attention_layer.v.linear_layer.", "decoder.attention.score."),
    ("decoder.attention_layer.location_layer.location_conv.conv.", "decoder.attention.location_convolution."),
    ("decoder.attention_layer.location_layer.location_dense.linear_layer.", "decoder.attention.location."),
    ("decoder.decoder_rnn.", "decoder.decoder_lstm."),
    ("decoder.linear_projection.linear_layer.", "decoder.frames."),
    ("decoder.gate_layer.linear_layer.", "decoder.stop."),
    ("postnet.convolutions.{}.0.conv.", "postnet.{}.0."),
    ("postnet.convolutions.{}.1.", "postnet.{}.1."),
)
"""NVIDIA's names of modules, and ours; {} is a layer's number."""
LAYERS = range(16)


def nvidia_names(state: dict[str, Tensor]) -> dict[str, str]:
    """Our names of a state, each with NVIDIA's."""
    pairs = [(ours.format(n), theirs.format(n)) for theirs, ours in MODULES for n in (LAYERS if "{}" in ours else [0])]
    return {key: theirs + key.removeprefix(ours) for key in state for ours, theirs in pairs if key.startswith(ours)}


def read_nvidia(path: Path) -> tuple[Config, dict[str, Tensor]]:
    """Config and state of the network from NVIDIA's checkpoint.

    Raises:
        UserError: When it is not one, or its layers are of other sizes.
    """
    content = read_tensor_file(path)
    found: dict[str, Any] = content.get("state_dict", content)
    found = {key.removeprefix("module."): value for key, value in found.items() if isinstance(value, Tensor)}
    config = replace(PRESETS["paper"], dataset=OWN_DATA)
    with torch.device("meta"):
        expected = Tacotron2Network(config).state_dict()
    names = nvidia_names(expected)
    for key in set(names.values()) ^ set(found):
        reject(f"{path} does not fit: {key} is {'missing' if key in names.values() else 'unknown'}.", key)
    state = {ours: found[theirs] for ours, theirs in names.items()}
    for key, tensor in expected.items():
        state[key].shape == tensor.shape or reject(
            f"{path} does not fit: {names[key]} should be {tuple(tensor.shape)}.", tuple(state[key].shape)
        )
    return config, state
