"""A weights folder: config.json, model.safetensors, card.json and assets. Nothing pickled.

Where a system's weights are named, four things can stand: a tag of the catalogue, such a folder, a training run's
folder (its best checkpoint is meant), or a hub id.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import MISSING, asdict, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from potmeter import __version__, registry
from potmeter.core.signature import Parameter, parameter
from potmeter.errors import UserError, reject

if TYPE_CHECKING:
    from potmeter.core.system import System

S = TypeVar("S", bound="System")
MAX_JSON, MAX_CONFIG = 16 * 2**20, 256 * 2**20
"""Largest JSON files that are read, in bytes. word2vec's config names every word, and a vocabulary may have millions."""


# Config as JSON --------------------------------------------------------------------------------------------------


@cache
def config_parameters(config_class: type) -> dict[str, Parameter]:
    """The fields of a Config as Parameters."""
    hints = get_type_hints(config_class, include_extras=True)
    return {
        field.name: parameter(field.name, hints[field.name], default=field.default) for field in fields(config_class)
    }


def build_config(config_class: type, values: dict[str, Any]) -> Any:
    """A Config from plain values, each checked. Raises UserError for an unknown key or a value of another type."""
    known = config_parameters(config_class)
    for key in values:
        key in known or reject(f"{key} is no field of this config; it has {', '.join(known)}.", key)
    missing = [name for name, p in known.items() if p.default is MISSING and name not in values]
    if missing:
        reject(f"The config lacks {', '.join(missing)}.", values)
    return config_class(**{key: known[key].convert(value) for key, value in values.items()})


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


# Folders ---------------------------------------------------------------------------------------------------------


def save(system: System, folder: Path, tensors: dict[str, torch.Tensor] | None = None, *, half: bool = False) -> Path:
    """Write a system's weights folder and return it; ``tensors`` are its state where that had to be gathered."""
    state = {key: value.detach().cpu().contiguous() for key, value in (tensors or system.state_dict()).items()}
    state = {key: value for key, value in state.items() if key not in tied(system)}
    if half:
        state = {k: v.half() if v.dtype == torch.float32 and v.ndim >= 2 else v for k, v in state.items()}
    description = {"potmeter": __version__, "system": system.name, "config": asdict(system.config)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(state, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n")
        (folder / "card.json").write_text(json.dumps(system.card, indent=1, ensure_ascii=False) + "\n")
        system.save_assets(folder)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}.", received=str(folder)
        ) from None
    return folder


def read_folder(system_class: type[S], folder: Path) -> S:
    """A system from its weights folder, in evaluation mode. Raises UserError when something is missing or does not fit."""
    system = system_class(read_config(system_class, folder))
    load_state(system, folder / "model.safetensors")
    system.load_assets(folder)
    if (folder / "card.json").is_file():
        system.card = read_json(folder / "card.json")
    return system.eval()


def read_description(folder: Path) -> dict[str, Any]:
    """What a weights folder says of itself: whose it is, and its Config as plain values."""
    return read_json(folder / "config.json", MAX_CONFIG)


def read_config(system_class: type[System], folder: Path) -> Any:
    """The Config that a weights folder was saved with; what that did not know yet has its default."""
    description = read_description(folder)
    if (owner := description.get("system")) != system_class.name:
        raise UserError(f"{folder} holds weights of {owner}, not of {system_class.name}.", received=owner)
    values = description.get("config")
    if not isinstance(values, dict):
        reject(f"{folder}/config.json has no config.", values)
    return build_config(system_class.Config, values)


def load_state(system: System, path: Path) -> None:
    """Fill a system's parameters and buffers from a safetensors file, whatever float type they are stored in."""
    try:
        stored = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is missing or damaged: {error}.", received=str(path)) from None
    wanted = {key: tensor for key, tensor in system.state_dict().items() if key not in tied(system)}
    for key in wanted.keys() ^ stored.keys():
        reject(
            f"{path} does not fit: tensor {key} is {'missing' if key in wanted else 'not in this architecture'}.", key
        )
    for key, tensor in wanted.items():
        if tensor.shape != stored[key].shape:
            reject(f"{path} does not fit: {key} should be {tuple(tensor.shape)}.", tuple(stored[key].shape))
    system.load_state_dict(stored, strict=False)  # copies into the parameters, which converts float16 to their own type


def tied(system: System) -> set[str]:
    """Further names of parameters that have one already: a file holds each tensor once."""
    names = [{name for name, _ in system.named_parameters(remove_duplicate=once)} for once in (True, False)]
    return names[1] - names[0]


def locate(name: str, where: str | Path) -> Path:
    """The weights folder that a tag, a folder, a run or a hub id names."""
    tag = str(where).removeprefix(f"{name}.")  # ``vae.digits`` is as good as ``digits``
    path, shipped = Path(where), registry.WEIGHTS / f"{name}.{tag}"
    if "/" not in tag and os.path.isdir(shipped):  # os.path: False for what can be no path
        return shipped
    if os.path.isdir(path):
        if (path / "config.json").is_file():
            return path
        from potmeter.core.checkpoint import best_of

        return best_of(path) or reject(f"{path} holds neither weights nor checkpoints.", str(path))
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(where)) and not os.path.exists(path):
        return from_hub(str(where))
    raise UserError(f"There are no weights of {name} there.", received=str(where))


def from_hub(repo_id: str) -> Path:
    """Download a weights folder from the hub (or find it in the hub's cache)."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo_id, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.png"]))
    except Exception as error:  # the hub's client raises whatever its transport raises
        reason = type(error).__name__
        raise UserError(
            f"{repo_id} is no folder here, and the hub did not give it ({reason}).", received=repo_id
        ) from None


def load(system_class: type[S], where: str | Path | None = None) -> S:
    """A system with the weights that ``where`` names; None = the catalogue's default."""
    entry = registry.entries().get(system_class.name)
    if where is None:
        where = (
            entry.weights[0] if entry and entry.weights else reject(f"{system_class.name} has no weights yet.", where)
        )
    tag = str(where).removeprefix(f"{system_class.name}.")
    if entry and tag in entry.fetched:
        return system_class.fetch_pretrained(tag).eval()
    return read_folder(system_class, locate(system_class.name, where))
