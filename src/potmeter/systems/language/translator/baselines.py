"""What a translator must beat: looking the nearest sentence up, and itself without attention."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from potmeter import registry
from potmeter.core.training.options import Options
from potmeter.data.fetching.clients import announce
from potmeter.data.splits import Splits
from potmeter.metrics.translation import score_translations

from .search import Beam

if TYPE_CHECKING:
    from .system import Translator

PLAIN = "plain"
"""The tag of the weights without attention."""
STEPS = 400
"""Steps of a rival where the system does not know its own."""


def retrieval_bleu(splits: Splits, directions: Sequence[str]) -> dict[str, float]:
    """BLEU of the translations of those sentences of the training data that are most similar to the source.

    Similarity is the cosine of character n-grams (2 to 5, within words), weighted by tf-idf.
    """
    found = {}
    for direction in directions:
        source, answers = splits.train.sides(direction)
        wanted, references = splits.test.sides(direction)
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32)
        known, asked = vectorizer.fit_transform(source), vectorizer.transform(wanted)
        nearest = [int((known @ row.T).toarray().argmax()) for row in asked]
        found[direction] = score_translations([answers[i] for i in nearest], references).bleu
    return named("retrieval", found)


def no_attention_bleu(system: Translator, splits: Splits) -> dict[str, float]:
    """BLEU of LSTMs without attention, otherwise alike, that learnt from the same pairs.

    For the data that come along they are shipped (``plain``); for the rows of digits they are trained here, as many
    steps as the system. For a user's own pairs there are none: that would take as long as training did.
    """
    from .system import Translator

    if system.config.architecture == "none":
        return {}  # it is the rival
    if splits.origin == "reverse":
        plain = trained_alike(system, splits)
    elif splits.origin == "english-hungarian" and (registry.WEIGHTS / f"translator.{PLAIN}").is_dir():
        plain = Translator.from_pretrained(PLAIN)
    else:
        announce("no_attention_bleu is left out; train a rival on the same files with --architecture none.")
        return {}
    each = {f"{direction.replace('-', '_')}_bleu" for direction in plain.directions}
    found = plain.measured(splits.test, Beam())
    return {f"no_attention_{name}": float(found[name]) for name in ["bleu", *sorted(each & found.keys())]}


def trained_alike(system: Translator, splits: Splits) -> Translator:
    """LSTMs without attention, after as many steps as the system has had."""
    from potmeter.core.training.loop import Trainer, build_system

    config = replace(system.config, architecture="none", layers=2, decoder_layers=2)  # as many in both, an even number
    steps = int(system.card.get("recipe", {}).get("steps", STEPS))
    plain = build_system(type(system), config, 0)
    with tempfile.TemporaryDirectory() as folder, torch.enable_grad():
        options = Options(steps=steps, out=Path(folder), device=str(system.device), eval_every=steps + 1)
        Trainer(plain, splits, options, quiet=True).fit()
    return plain


def named(rival: str, found: dict[str, float]) -> dict[str, float]:
    """The figures of each direction, and their mean, by the names of the metrics."""
    each = {f"{rival}_{direction.replace('-', '_')}_bleu": value for direction, value in found.items()}
    return {f"{rival}_bleu": float(np.mean([*found.values()]))} | (each if len(found) > 1 else {})
