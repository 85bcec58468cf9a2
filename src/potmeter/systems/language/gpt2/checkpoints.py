"""GPT-2's weights as others store them: folders of ``transformers``, and OpenAI's TensorFlow checkpoint."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from potmeter.core.config import build_config
from potmeter.core.weights import read_json
from potmeter.data.formats.bundle import read_bundle
from potmeter.data.splits import OWN_DATA
from potmeter.errors import UserError, reject

from .model import Config, Transformer
from .tokenizer import Tokenizer

FINE_TUNING: dict[str, Any] = {"batch_size": 2, "lr": 3e-5, "weight_decay": 0.01, "warmup": 0.1, "clip": 1.0}
"""Hyper-parameters for fine-tuning published weights: gentle, so that they forget little, and small enough for a laptop."""
MODULES = {
    "ln_1": "attention_norm",
    "attn.c_attn": "attention.qkv_proj",
    "attn.c_proj": "attention.out_proj",
    "ln_2": "mlp_norm",
    "mlp.c_fc": "mlp.in_proj",
    "mlp.c_proj": "mlp.out_proj",
}
"""Modules of a block: OpenAI's names, and ours."""
ARCHITECTURE = {
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "n_inner": None,
}
"""What ``transformers`` lets one change, and GPT-2 fixes."""


def is_tensorflow(where: str | Path) -> bool:
    """Whether OpenAI's TensorFlow checkpoint is there."""
    return os.path.isfile(os.path.join(where, "hparams.json"))  # os.path: False for what can be no path


def is_foreign(folder: Path) -> bool:
    """Whether a folder holds weights in one of these layouts."""
    if is_tensorflow(folder):
        return True
    return (folder / "config.json").is_file() and read_json(folder / "config.json").get("model_type") == "gpt2"


def read_foreign(folder: Path) -> tuple[Config, dict[str, Tensor], Tokenizer]:
    """Config, state of the Transformer and tokenizer from a folder.

    Raises:
        UserError: When something is missing, broken, or not GPT-2's architecture.
    """
    config, state = read_tensorflow(folder) if is_tensorflow(folder) else read_transformers(folder)
    tokenizer = read_tokenizer(folder, config)
    if len(tokenizer) > config.vocab_size:
        reject(f"{folder} does not fit: the weights are for {config.vocab_size} tokens.", f"{len(tokenizer)} tokens")
    layers = len({key.split(".")[1] for key in state if key.startswith("blocks.")})
    layers == config.num_layers or reject(f"{folder} does not fit: it has {layers} layers.", config.num_layers)
    with torch.device("meta"):
        expected = Transformer(config).state_dict()
    for key in expected.keys() ^ state.keys():
        reject(f"{folder} does not fit: {key} is {'missing' if key in expected else 'unknown'}.", key)
    for key, tensor in expected.items():
        state[key].shape == tensor.shape or reject(
            f"{folder} does not fit: {key} should be {tuple(tensor.shape)}.", tuple(state[key].shape)
        )
    return config, state, tokenizer


def read_tokenizer(folder: Path, config: Config) -> Tokenizer:
    """The folder's own tokenizer, in whichever form; GPT-2's, where it has none and the vocabulary has GPT-2's size."""
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.load(folder / "tokenizer.json")
    for vocabulary, merges in (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")):
        if (folder / vocabulary).is_file():
            return Tokenizer.from_merges(folder / vocabulary, folder / merges)
    if config.tokenizer != "gpt2":
        reject(f"{folder} has no tokenizer.json, and no vocab.json with merges.txt.", str(folder))
    return Tokenizer.gpt2()


def config_from_sizes(values: dict[str, Any], names: dict[str, str]) -> Config:
    """A Config from the sizes in a JSON file, whose names for our fields are given."""
    try:
        sizes = {ours: values[theirs] for ours, theirs in names.items()}
    except KeyError as error:
        raise UserError(f"The weights' description lacks {error}.", received=", ".join(values)) from None
    tokenizer = "gpt2" if sizes["vocab_size"] == Config().vocab_size else "own"
    return build_config(Config, asdict(Config(dataset=OWN_DATA, **FINE_TUNING)) | sizes | {"tokenizer": tokenizer})


# transformers ----------------------------------------------------------------------------------------------------


def read_transformers(folder: Path) -> tuple[Config, dict[str, Tensor]]:
    """The layout of ``GPT2LMHeadModel.save_pretrained``."""
    values = read_json(folder / "config.json")
    for key, value in ARCHITECTURE.items():
        if values.get(key, value) != value and not (key == "n_inner" and values[key] == 4 * values.get("n_embd", 0)):
            reject(f"{folder} is no GPT-2: {key} should be {value}.", values[key])
    names = {
        "vocab_size": "vocab_size",
        "context_length": "n_positions",
        "num_layers": "n_layer",
        "num_heads": "n_head",
        "embedding_dim": "n_embd",
    }
    config = config_from_sizes(values, names)
    try:
        return config, translate_state(load_tensors(folder))
    except ValueError as error:
        raise UserError(f"{folder} is no GPT-2: {error}.", received="lm_head.weight") from None


def translate_state(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of ``GPT2LMHeadModel``, or of ``GPT2Model``, as that of our Transformer."""
    stored = {key.removeprefix("transformer."): tensor for key, tensor in stored.items()}
    head = stored.pop("lm_head.weight", None)
    if head is not None and not torch.equal(head, stored.get("wte.weight", head)):
        raise ValueError("its output layer is not its embedding")
    constants = (".attn.bias", ".attn.masked_bias")  # masks that older versions saved
    state = {translate_key(key): tensor for key, tensor in stored.items() if not key.endswith(constants)}
    return {key: t.T.contiguous() if is_transposed(key, t) else t for key, t in state.items()}


def load_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder, from one file or from several."""
    files = sorted(folder.glob("model*.safetensors"))
    files or reject(f"{folder} has no model.safetensors.", str(folder))
    try:
        return {key: tensor.float() for file in files for key, tensor in load_file(file).items()}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder} has a damaged model.safetensors: {error}.", received=str(folder)) from None


def translate_key(name: str) -> str:
    """Our name of a tensor: ``h.3.attn.c_proj.weight`` becomes ``blocks.3.attention.out_proj.weight``."""
    module, _, kind = name.rpartition(".")
    top = {"wte": "token_embedding", "wpe": "position_embedding", "ln_f": "norm"}
    if module.startswith("h."):
        _, layer, inner = [*module.split(".", 2), ""][:3]
        return f"blocks.{layer}.{MODULES.get(inner, inner)}.{kind}"
    return f"{top.get(module, module)}.{kind}"


def is_transposed(name: str, tensor: Tensor) -> bool:
    """Whether OpenAI stores the tensor as (in, out), which torch has as (out, in)."""
    return name.startswith("blocks.") and tensor.ndim == 2


# TensorFlow ------------------------------------------------------------------------------------------------------


def read_tensorflow(folder: Path) -> tuple[Config, dict[str, Tensor]]:
    """The layout in which OpenAI published GPT-2: hparams.json, model.ckpt.index and its data."""
    names = {
        "vocab_size": "n_vocab",
        "context_length": "n_ctx",
        "num_layers": "n_layer",
        "num_heads": "n_head",
        "embedding_dim": "n_embd",
    }
    config = config_from_sizes(read_json(folder / "hparams.json"), names)
    state = {}
    for name, array in read_bundle(folder / "model.ckpt").items():
        parts = name.removeprefix("model/").split("/")
        if parts[0] in ("wte", "wpe"):
            parts.append("w")
        kind = {"g": "weight", "w": "weight", "b": "bias"}.get(parts[-1], parts[-1])
        inner = [f"h.{parts[0][1:]}", *parts[1:-1]] if parts[0][:1] == "h" else parts[:-1]
        key = translate_key(".".join([*inner, kind]))
        tensor = torch.from_numpy(np.array(array))
        tensor = tensor[0] if tensor.ndim == 3 and len(tensor) == 1 else tensor  # they were 1×1 convolutions
        state[key] = tensor.T.contiguous() if is_transposed(key, tensor) else tensor
    return config, state
