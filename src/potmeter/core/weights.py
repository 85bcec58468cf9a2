"""A weights folder: config.json, model.safetensors, card.json and assets. Nothing pickled.

Where a system's weights are named, four things can stand: a tag of the catalogue, such a folder, a training run's
folder (its best checkpoint is meant), or a hub id.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from potmeter import registry
from potmeter.core.runs import best_checkpoint
from potmeter.errors import UserError, reject

MAX_JSON, MAX_CONFIG = 16 * 2**20, 256 * 2**20
"""Largest JSON files that are read, in bytes. word2vec's config names every word, and a vocabulary may have millions."""
StorageType = Literal["float32", "float16", "int8"]
"""What matrices and filters are stored in where a file is to be small; see ``shrink``."""
MIN_ROW = 64
"""Numbers of a row, from which on int8 and a scale are less than float16, and rounding is the weights' smallest worry."""


# JSON ------------------------------------------------------------------------------------------------------------


def read_json(path: Path, limit: int = MAX_JSON) -> dict[str, Any]:
    """A JSON object from a file of a user's. Raises UserError when it is anything else."""
    try:
        if path.stat().st_size > limit:
            reject(f"{path} is too large.", f"{path.stat().st_size:,} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}.", received=str(path)) from None
    return value if isinstance(value, dict) else reject(f"{path} must hold a JSON object.", value)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, in UTF-8 whatever the locale; a list of numbers or words is a line."""
    path.write_text(render_json(value) + "\n", encoding="utf-8")


def render_json(value: Any, indent: str = "") -> str:
    """A value as JSON: objects and what contains them over several lines, all else in one."""
    nested = isinstance(value, list | tuple) and any(isinstance(item, dict | list | tuple) for item in value)
    if not value or not (nested or isinstance(value, dict)):
        return json.dumps(value, ensure_ascii=False)
    keys = (
        [json.dumps(str(key), ensure_ascii=False) + ": " for key in value]
        if isinstance(value, dict)
        else [""] * len(value)
    )
    values = value.values() if isinstance(value, dict) else value
    lines = (f"{indent} {key}{render_json(item, indent + ' ')}" for key, item in zip(keys, values, strict=True))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(lines) + f"\n{indent}{closing}"


def read_description(folder: Path) -> dict[str, Any]:
    """What a weights folder says of itself: whose it is, and its Config as plain values."""
    return read_json(folder / "config.json", MAX_CONFIG)


# Tensors ---------------------------------------------------------------------------------------------------------


def save_state(
    module: nn.Module, path: Path, tensors: dict[str, torch.Tensor] | None, dtype: StorageType | None
) -> None:
    """Write a module's parameters and buffers as safetensors, each tensor once.

    Args:
        module: Whose they are.
        path: The file.
        tensors: Its state, where that had to be gathered from many processes.
        dtype: What matrices and filters are stored in; None = every tensor as it is.
    """
    state = {key: value.detach().cpu().contiguous() for key, value in (tensors or module.state_dict()).items()}
    state = {key: value for key, value in state.items() if key not in tied_names(module)}
    save_file(shrink(state, dtype) if dtype else state, path)


def shrink(state: dict[str, torch.Tensor], dtype: StorageType) -> dict[str, torch.Tensor]:
    """Matrices and filters in float16, or the larger ones in int8 with a scale for each row; norms and biases as they are.

    In float32 all is as it is.

    A row is what one unit (one channel, one word) has: the tensor's first dimension counts the rows. Its largest
    magnitude is 127 steps; the step, in bfloat16 for its range, stands beside the tensor as ``KEY.scale``, of shape (rows,).
    Rows of fewer than 64 numbers stay in float16. ``expand`` reads it back.
    """
    small = {}
    for key, value in state.items():
        if value.dtype != torch.float32 or value.ndim < 2 or dtype == "float32":
            small[key] = value
        elif dtype == "float16" or value[0].numel() < MIN_ROW:
            small[key] = value.half()
        else:
            rows = value.flatten(1)
            scale = (rows.abs().amax(1) / 127).bfloat16()
            steps = rows / scale.float().clamp_min(torch.finfo(torch.float32).tiny)[:, None]  # a row of zeros stays one
            small[key] = steps.round().clamp(-127, 127).to(torch.int8).view_as(value)
            small[f"{key}.scale"] = scale
    return small


def expand(stored: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors that ``shrink`` wrote, those in int8 as float32 again."""
    scales = {key: scale for key in stored if (scale := stored.get(f"{key}.scale")) is not None}
    state = {key: value for key, value in stored.items() if key.removesuffix(".scale") not in scales or key in scales}
    for key, scale in scales.items():
        fits = state[key].dtype == torch.int8 and state[key].ndim >= 2 and scale.shape == state[key].shape[:1]
        fits or reject(f"{key}.scale does not fit: {key} has {tuple(state[key].shape)}.", tuple(scale.shape))
        state[key] = (state[key].flatten(1) * scale.float()[:, None]).view(state[key].shape)
    return state


def load_state(module: nn.Module, path: Path) -> None:
    """Fill a module's parameters and buffers from a safetensors file, whatever float type they are stored in.

    Raises:
        UserError: The file is missing or damaged, or its tensors are not those of the module.
    """
    try:
        stored = expand(load_file(path))
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is missing or damaged: {error}.", received=str(path)) from None
    tied = tied_names(module)
    check_fit(path, stored, {key: x for key, x in module.state_dict().items() if key not in tied})
    module.load_state_dict(stored, strict=False)  # copies into the parameters, which converts float16 to their own type


def check_fit(path: Path, state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> None:
    """See that the tensors of a file are those that a network has.

    Raises:
        UserError: One is missing, unknown, or of another shape.
    """
    for key in [*expected, *state]:
        if key not in expected or key not in state:
            reject(f"{path} does not fit: tensor {key} is {'missing' if key in expected else 'unknown'}.", key)
        if state[key].shape != expected[key].shape:
            reject(f"{path} does not fit: {key} should be {tuple(expected[key].shape)}.", tuple(state[key].shape))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors among what ``read_tensor_file`` reads, without the prefix that torch's DataParallel gives to all names."""
    stored = read_tensor_file(path)
    return {key.removeprefix("module."): x for key, x in stored.items() if isinstance(x, torch.Tensor)}


def read_tensor_file(path: Path) -> dict[str, Any]:
    """What a foreign program saved by ``torch.save``, tensors and plain values by name; nothing else is unpickled.

    Raises:
        UserError: It is no such file.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # torch asks for a report about files that are no tensors at all
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        said = str(error).rpartition("WeightsUnpickler error:")[2].strip()  # before it is advice to load without care
        reason = said.splitlines()[0] if said else "it is broken or of another kind"
        raise UserError(f"{path} is no file of tensors: {reason}.", received=str(path)) from None
    except (LookupError, TypeError, AssertionError, EOFError, struct.error):  # instructions to torch, until one fails
        raise UserError(
            f"{path} is no file of tensors: it is empty, broken or of another kind.", received=str(path)
        ) from None
    return stored if isinstance(stored, dict) else {}


def tied_names(module: nn.Module) -> set[str]:
    """Further names of parameters that have one already: a file holds each tensor once."""
    names = [{name for name, _ in module.named_parameters(remove_duplicate=once)} for once in (True, False)]
    return names[1] - names[0]


# Folders ---------------------------------------------------------------------------------------------------------


def locate_weights(name: str, where: str | Path) -> Path:
    """The weights folder of the system ``name`` that a tag, a folder, a run or a hub id names."""
    tag = str(where).removeprefix(f"{name}.")  # ``vae.digits`` is as good as ``digits``
    path, shipped = Path(os.path.expanduser(where)), registry.WEIGHTS / f"{name}.{tag}"
    if "/" not in tag and os.path.isdir(shipped):  # os.path: False for what can be no path
        return shipped
    if os.path.isdir(path):
        if (path / "config.json").is_file():
            return path
        return best_checkpoint(path) or reject(f"{path} holds neither weights nor checkpoints.", str(path))
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(where)) and not os.path.exists(path):
        return download_from_hub(str(where))
    entry = registry.entries().get(name)
    tags = f"; shipped are {', '.join(entry.weights)}" if entry and entry.weights else ""
    raise UserError(f"There are no weights of {name} there{tags}.", received=str(where))


def download_from_hub(repo_id: str) -> Path:
    """Download a weights folder from the hub (or find it in the hub's cache)."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo_id, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.png"]))
    except Exception as error:  # the hub's client raises whatever its transport raises
        reason = type(error).__name__
        raise UserError(
            f"{repo_id} is no folder here, and the hub did not give it ({reason}).", received=repo_id
        ) from None
