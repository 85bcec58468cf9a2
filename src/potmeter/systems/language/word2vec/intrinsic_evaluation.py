"""Intrinsic evaluation of word vectors: do they agree with people on how similar words are, do they solve analogies?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError
from potmeter.media import Text

from .synthetic import list_analogies
from .vocabulary import Vocabulary

WordPairs = list[tuple[str, str, float]]
Analogies = list[tuple[str, str, str, str]]


@dataclass(frozen=True)
class TestResult:
    """A score, and how many items of the test set it is of: those whose words are all in the vocabulary."""

    score: float
    covered: int
    total: int


def similarity_test(vectors: np.ndarray, vocabulary: Vocabulary, pairs: WordPairs) -> TestResult:
    """Spearman's correlation between people's judgements and cosines, over the covered pairs."""
    index = vocabulary.index
    covered = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    if len(covered) < 3:
        return TestResult(0.0, len(covered), len(pairs))
    left, right, people = (np.array(column) for column in zip(*covered, strict=True))
    unit = normalise(vectors)
    cosines = (unit[left] * unit[right]).sum(1)
    correlation = spearmanr(people, cosines).statistic if cosines.std() > 0 else 0.0
    return TestResult(float(correlation), len(covered), len(pairs))


def analogy_test(vectors: np.ndarray, vocabulary: Vocabulary, analogies: Analogies) -> tuple[np.ndarray, TestResult]:
    """Whether d is the word nearest to b − a + c, of all words but these three, for each covered analogy.

    Mikolov, Yih and Zweig, "Linguistic Regularities in Continuous Space Word Representations" (2013), on unit vectors.

    Returns:
        1 or 0 for each covered analogy, and their mean with the coverage.
    """
    index = vocabulary.index
    covered = np.array([[index[w] for w in q] for q in analogies if all(w in index for w in q)]).reshape(-1, 4)
    unit, right = normalise(vectors), []
    for a, b, c, d in (part.T for part in np.array_split(covered, max(1, len(covered) // 500)) if len(part)):
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (analogies, words)
        for given in (a, b, c):
            cosines[np.arange(len(a)), given] = -np.inf
        right.append(cosines.argmax(1) == d)
    values = np.concatenate(right).astype(np.float64) if right else np.zeros(1)
    return values, TestResult(float(values.mean()), len(covered), len(analogies))


def evaluate_vectors(vectors: np.ndarray, vocabulary: Vocabulary, dataset: str) -> dict[str, Tensor]:
    """Scores of vectors on the test sets that fit a data set, each with the number of its items that are covered."""
    scores: dict[str, Any] = {}
    for name in ("wordsim353", "simlex999") if dataset != "synthetic" else ():
        result = similarity_test(vectors, vocabulary, read_word_pairs(name))
        scores |= {name: result.score, f"{name}_pairs": result.covered}
    right, result = analogy_test(vectors, vocabulary, analogies_for(dataset))
    scores |= {"analogy": right, "analogy_questions": result.covered}
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in scores.items()}


def normalise(vectors: np.ndarray) -> np.ndarray:
    """Vectors (…, D) scaled to length 1; one of length 0 stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


# The test sets ---------------------------------------------------------------------------------------------------


def read_word_pairs(name: str) -> WordPairs:
    """WordSim-353 (Finkelstein et al. 2002) or SimLex-999 (Hill et al. 2015): pairs of words, and people's mean score.

    Args:
        name: ``wordsim353`` or ``simlex999``.
    """
    rows = read_lines({"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}[name])
    try:
        fields = [row.split("\t") for row in rows if row[0] != "#"]
        return [(a.lower(), b.lower(), float(score)) for a, b, score in fields]
    except ValueError as error:
        raise UserError(f"{name} cannot be read: {error}.", received=name) from None


def read_analogies() -> Analogies:
    """The 19,544 questions of Mikolov et al. (arXiv:1301.3781, table 1), in lower case."""
    rows = [row.lower().split() for row in read_lines("questions-words.txt") if row[0] != ":"]
    return [(a, b, c, d) for a, b, c, d in rows]


def analogies_for(dataset: str) -> Analogies:
    """The analogies that fit a data set."""
    return list_analogies() if dataset == "synthetic" else read_analogies()


def read_lines(name: str) -> list[str]:
    """The lines of a test set that are not empty."""
    text = Text.open(fetch("gensim") / "gensim" / "test" / "test_data" / name).text
    return [line for line in text.splitlines() if line.strip()]
