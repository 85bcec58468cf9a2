"""What a translator must beat: looking the nearest sentence up, and a network without attention."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from potmeter import registry
from potmeter.core.system import System
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.fetching.clients import announce
from potmeter.data.splits import Splits
from potmeter.metrics.translation import score_translations

S = TypeVar("S", bound=System)

NO_ATTENTION_TAG = "plain"
"""The tag of the weights without attention."""
DEFAULT_STEPS = 400
"""Training steps of the network without attention where the system does not know its own."""


def measure_retrieval(splits: Splits, directions: Sequence[str]) -> dict[str, float]:
    """BLEU of the translations of those training sentences that are most similar to the source.

    Similarity is the cosine of character n-grams (2 to 5, within words), weighted by tf-idf.
    """
    bleu = {}
    for direction in directions:
        train_sources, train_targets = splits.train.sides(direction)
        sources, references = splits.test.sides(direction)
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32)
        index, queries = vectorizer.fit_transform(train_sources), vectorizer.transform(sources)
        nearest = [int((index @ row.T).toarray().argmax()) for row in queries]
        bleu[direction] = score_translations([train_targets[i] for i in nearest], references).bleu
    each = {f"retrieval_{direction.replace('-', '_')}_bleu": value for direction, value in bleu.items()}
    return {"retrieval_bleu": float(np.mean([*bleu.values()]))} | (each if len(bleu) > 1 else {})


def find_without_attention(system: S, splits: Splits) -> S | None:
    """LSTMs without attention, otherwise alike, that learnt from the same pairs; None where there are none.

    For the data that come along they are shipped (``plain``); for the rows of digits they are trained here, as many
    steps as the system. For a user's own pairs that would take as long as training did.
    """
    if system.config.architecture == "lstm":
        return None  # it is the baseline
    if splits.dataset == "reverse":
        return train_without_attention(system, splits)
    if splits.dataset == "english-hungarian" and (registry.WEIGHTS / f"translator.{NO_ATTENTION_TAG}").is_dir():
        return type(system).from_pretrained(NO_ATTENTION_TAG)
    announce("no_attention_bleu is left out; train a network with --architecture lstm on the same files.")
    return None


def train_without_attention(system: S, splits: Splits) -> S:
    """LSTMs without attention, after as many steps as the system has had."""
    layers = {"encoder_layers": 2, "decoder_layers": 2}  # as many in both, an even number
    config = replace(system.config, architecture="lstm", **layers)
    steps = int(system.card.get("training", {}).get("steps", DEFAULT_STEPS))
    plain = build_system(type(system), config, 0)
    with tempfile.TemporaryDirectory() as folder, torch.enable_grad():
        options = Options(steps=steps, out=Path(folder), device=str(system.device), eval_every=steps + 1)
        Trainer(plain, splits, options, quiet=True).fit()
    return plain
