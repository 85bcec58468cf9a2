"""Checkpoints of tensorflow/nmt as translators, without TensorFlow.

A folder holds ``hparams`` (JSON), ``vocab.SRC`` and ``vocab.TGT`` (a word a line), ``translate.ckpt-N.index`` with its data,
and ``checkpoint``, which says which N is the newest. What the checkpoint holds, ``variables.py`` says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from potmeter.core.config import build_config
from potmeter.core.weights import read_json
from potmeter.data.formats.bundle import read_bundle
from potmeter.errors import reject

from .model import Config
from .presets import PRESETS
from .variables import convert
from .vocabularies import Vocabularies
from .word_tokenizer import WordTokenizer

FIXED_HPARAMS = {
    "unit_type": "lstm", "forget_bias": 1.0, "pass_hidden_state": True, "output_attention": True, "share_vocab": False,
    "use_char_encode": False, "language_model": False, "sos": "<s>", "eos": "</s>",
}  # fmt: skip
"""What our LSTMs have, and nmt lets one change."""
KINDS = {
    "standard": ("paper", {"encoder_type": "bi", "residual": False, "num_encoder_layers": 2}),
    "gnmt_v2": ("gnmt", {"encoder_type": "gnmt", "residual": True}),
}
"""Our preset of each architecture, and what else it has to be: in a deeper ``bi`` the directions stay apart, ours meet."""
ATTENTION = {"scaled_luong": "multiplicative", "normed_bahdanau": "additive"}
"""Kinds of attention: nmt's names, and ours."""
SUBWORDS = ("", "bpe")
MAX_NOTE = 2**16


def is_foreign(where: str | Path) -> bool:
    """Whether a folder is one of tensorflow/nmt."""
    return os.path.isfile(os.path.join(where, "hparams")) and not os.path.isfile(os.path.join(where, "config.json"))


def read_foreign(folder: Path) -> tuple[Config, dict[str, Tensor], Vocabularies]:
    """Config, state of the network and vocabularies from a folder.

    Raises:
        UserError: When something is missing, broken, or of another architecture.
    """
    values = read_json(folder / "hparams")
    languages = [str(values.get(side) or "") for side in ("src", "tgt")]
    for language in languages:
        re.fullmatch(r"[\w-]+", language) or reject(f"{folder}/hparams must name the languages src and tgt.", language)
    tokenizers = [WordTokenizer.read(find_vocabulary(folder, language)) for language in languages]
    config = build_nmt_config(values, languages, [len(tokenizer) for tokenizer in tokenizers])
    state = convert(read_bundle(find_newest(folder)), config)
    return config, state, Vocabularies(tokenizers, config)


def build_nmt_config(values: Mapping[str, Any], languages: list[str], sizes: list[int]) -> Config:
    """The Config that nmt's hyper-parameters describe, with vocabularies of these sizes."""
    old = {f"num_{side}_layers": values.get("num_layers") for side in ("encoder", "decoder")}  # its name in 2017
    values = {**old, **values}
    preset, more = KINDS[require_choice(values, "attention_architecture", KINDS)]
    require_choice(values, "subword_option", SUBWORDS)
    for key, value in (FIXED_HPARAMS | more).items():
        values.get(key, value) == value or reject(f"Of tensorflow/nmt's models {key} {value} can be read.", values[key])
    fields = {
        "attention": ATTENTION[require_choice(values, "attention", ATTENTION)],
        "embedding_dim": values.get("num_units"),
        "encoder_layers": values["num_encoder_layers"],
        "decoder_layers": values["num_decoder_layers"],
        "vocab_size": sizes[0],
        "target_vocab_size": sizes[1],
        "languages": languages,
        "dataset": "own data",
    }
    return build_config(Config, asdict(PRESETS[preset]) | fields)


def require_choice(values: Mapping[str, Any], key: str, known: Collection[str]) -> str:
    """A hyper-parameter that has one of a few values."""
    found, named = str(values.get(key) or ""), " or ".join(filter(None, known))
    return found if found in known else reject(f"Of tensorflow/nmt's models {key} {named} can be read.", found)


def find_vocabulary(folder: Path, language: str) -> Path:
    """The one vocabulary of a language: ``vocab.en`` or, with more in its name, ``vocab.bpe.32000.en``."""
    found = sorted(folder.glob(f"vocab*.{language}"))
    return found[0] if len(found) == 1 else reject(f"{folder} must have one vocab.{language}.", f"{len(found)} of them")


def find_newest(folder: Path) -> Path:
    """The checkpoint that ``checkpoint`` names, by its name alone; without one, that with the highest number."""
    note = folder / "checkpoint"
    if note.is_file():
        note.stat().st_size <= MAX_NOTE or reject(f"{note} is too large.", f"{note.stat().st_size:,} bytes")
        named = re.search(
            r'^model_checkpoint_path: *"(?:[^"]*/)?([^"/]+)"', note.read_text(encoding="utf-8", errors="replace"), re.M
        )
        return folder / named[1] if named else reject(f"{note} names no model_checkpoint_path.", str(note))
    found = {path: [*map(int, re.findall(r"-(\d+)$", path.stem))] for path in folder.glob("*.index")}
    found or reject(f"{folder} has no translate.ckpt-N.index.", str(folder))
    return max(found, key=lambda path: (found[path], path.name)).with_suffix("")
