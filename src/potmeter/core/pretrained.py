"""Weights that come and go: the part of ``System`` that saves to a folder, loads from one, and talks to the hub."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from torch import nn

from potmeter import registry
from potmeter.core.config import build_config
from potmeter.core.weights import (
    StorageType,
    load_state,
    locate_weights,
    read_description,
    read_json,
    save_state,
    write_json,
)
from potmeter.errors import UserError, reject
from potmeter.version import __version__


class Pretrained(nn.Module):
    """A module that is built from a Config and kept in a weights folder.

    A subclass sets ``name`` and ``Config``; what the data taught and a Config cannot hold it writes and reads in
    ``save_assets`` and ``load_assets``.
    """

    name: ClassVar[str]
    """As in the catalogue."""
    Config: ClassVar[type[Any]]
    config: Any
    card: dict[str, Any]
    """How the weights came about; filled by training and by loading."""

    def save_assets(self, folder: Path) -> None:
        """Write the assets, as files beside the weights: what the data taught and a Config cannot hold (a tokenizer)."""

    def load_assets(self, folder: Path) -> None:
        """Read what ``save_assets`` wrote."""

    @classmethod
    def fetch_pretrained(cls, tag: str) -> Self:
        """The public weights behind a tag that is fetched, not shipped."""
        raise NotImplementedError

    def save_pretrained(
        self,
        folder: str | Path,
        tensors: dict[str, torch.Tensor] | None = None,
        *,
        dtype: StorageType | None = None,
    ) -> Path:
        """Write config.json, model.safetensors, card.json and the assets, and return the folder.

        Args:
            folder: Where to; made when missing.
            tensors: The state, where it had to be gathered from many processes.
            dtype: What matrices and filters are stored in: float16, or int8 with a scale for
                each row; None or float32 = as they are.

        Raises:
            UserError: When the folder cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            save_state(self, folder / "model.safetensors", tensors, dtype)
            description = {"potmeter": __version__, "system": self.name, "config": asdict(self.config)}
            write_json(folder / "config.json", description)
            write_json(folder / "card.json", self.card)
            self.save_assets(folder)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{folder} cannot be written: {reason}.", received=str(folder)) from None
        return folder

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """Load weights in evaluation mode: by tag, folder, training run, hub id, or another program's file; None = the default.

        Raises:
            UserError: When there are none there, or they do not fit.
        """
        entry = registry.entries().get(cls.name)
        if where is None:
            where = (entry.default_tag if entry else None) or reject(f"{cls.name} has no weights yet.", where)
        tag = str(where).removeprefix(f"{cls.name}.")
        known = entry.weights if entry else {}
        if tag in known and known[tag].fetched:
            return cls.fetch_pretrained(tag).eval()
        if tag not in known and os.path.isfile(where):
            return cls.from_checkpoint(Path(where)).eval()
        return cls.from_folder(locate_weights(cls.name, where))

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """The system in another program's file, where it reads one (``checkpoints.py``). Raises UserError otherwise."""
        reject(f"There are no weights of {cls.name} there.", str(file))

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """The system in a weights folder, in evaluation mode. Raises UserError when something is missing or does not fit."""
        system = cls(cls.read_config(folder))
        load_state(system, folder / "model.safetensors")
        system.load_assets(folder)
        if (folder / "card.json").is_file():
            system.card = read_json(folder / "card.json")
        return system.eval()

    @classmethod
    def read_config(cls, folder: Path) -> Any:
        """The Config that a weights folder was saved with; what that did not know yet has its default."""
        description = read_description(folder)
        if (owner := description.get("system")) != cls.name:
            raise UserError(f"{folder} holds weights of {owner}, not of {cls.name}.", received=owner)
        values = description.get("config")
        if not isinstance(values, dict):
            reject(f"{folder}/config.json has no config.", values)
        return build_config(cls.Config, values)

    def push_to_hub(self, repo_id: str, **kwargs: Any) -> str:
        """Upload the weights folder to a hub repository and return its address; arguments as ``HfApi.upload_folder``."""
        from huggingface_hub import HfApi

        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            HfApi().create_repo(repo_id, exist_ok=True)
            return str(HfApi().upload_folder(repo_id=repo_id, folder_path=folder, **kwargs))
