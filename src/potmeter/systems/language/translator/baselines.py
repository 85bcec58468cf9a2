"""What a translator must beat: looking the nearest sentence up, and itself without attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from potmeter.data.splits import Splits
from potmeter.metrics.translation import scores


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
        found[direction] = scores([answers[i] for i in nearest], references).bleu
    return named("retrieval", found)


def no_attention_bleu(system: Any, splits: Splits) -> dict[str, float]:
    return {}


def named(rival: str, found: dict[str, float]) -> dict[str, float]:
    """The figures of each direction, and their mean, by the names of the metrics."""
    each = {f"{rival}_{direction.replace('-', '_')}_bleu": value for direction, value in found.items()}
    return {f"{rival}_bleu": float(np.mean([*found.values()]))} | (each if len(found) > 1 else {})
