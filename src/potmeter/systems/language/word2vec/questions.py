"""What people think of words: how alike two are, and which word is to a third as the second is to the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError
from potmeter.media import Text

from .planted import planted_questions
from .vocabulary import Vocabulary

Pairs = list[tuple[str, str, float]]
Questions = list[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Found:
    """A score, and on how much of the test set it stands."""

    score: float
    covered: int
    total: int


def similarity_test(vectors: np.ndarray, vocabulary: Vocabulary, pairs: Pairs) -> Found:
    """Spearman's correlation between people's judgements and cosines, over the pairs whose words are both known."""
    index = vocabulary.index
    known = [(index[a], index[b], score) for a, b, score in pairs if a in index and b in index]
    if len(known) < 3:
        return Found(0.0, len(known), len(pairs))
    left, right, people = (np.array(column) for column in zip(*known, strict=True))
    unit = unit_length(vectors)
    cosines = (unit[left] * unit[right]).sum(1)
    value = spearmanr(people, cosines).statistic if cosines.std() > 0 else 0.0
    return Found(float(value), len(known), len(pairs))


def analogy_test(vectors: np.ndarray, vocabulary: Vocabulary, questions: Questions) -> tuple[np.ndarray, Found]:
    """Whether d is the word nearest to b − a + c, of all words but these three, for each question with known words.

    Mikolov, Yih and Zweig, "Linguistic Regularities in Continuous Space Word Representations" (2013), on unit vectors.

    Returns:
        1 or 0 for each question that can be asked, and their mean with the coverage.
    """
    index = vocabulary.index
    asked = np.array([[index[w] for w in q] for q in questions if all(w in index for w in q)]).reshape(-1, 4)
    unit, right = unit_length(vectors), []
    for a, b, c, d in (part.T for part in np.array_split(asked, max(1, len(asked) // 500)) if len(part)):
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T  # (questions, words)
        for given in (a, b, c):
            cosines[np.arange(len(a)), given] = -np.inf
        right.append(cosines.argmax(1) == d)
    values = np.concatenate(right).astype(np.float64) if right else np.zeros(1)
    return values, Found(float(values.mean()), len(asked), len(questions))


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to length 1; one of length 0 stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


# The test sets ---------------------------------------------------------------------------------------------------


def judgements(name: str) -> Pairs:
    """WordSim-353 (Finkelstein et al. 2002) or SimLex-999 (Hill et al. 2015): pairs of words, and people's mean score.

    Args:
        name: ``wordsim353`` or ``simlex999``.
    """
    rows = read({"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}[name])
    try:
        return [
            (a.lower(), b.lower(), float(score)) for a, b, score in (row.split("\t") for row in rows if row[0] != "#")
        ]
    except ValueError as error:
        raise UserError(f"{name} cannot be read: {error}.", received=name) from None


def analogies() -> Questions:
    """The 19,544 questions of Mikolov et al. (arXiv:1301.3781, table 1), in small letters."""
    rows = [row.lower().split() for row in read("questions-words.txt") if row[0] != ":"]
    return [(a, b, c, d) for a, b, c, d in rows]


def questions_of(dataset: str) -> Questions:
    """The analogies that fit a data set."""
    return planted_questions() if dataset == "planted" else analogies()


def read(name: str) -> list[str]:
    """The lines of a test set that are not empty."""
    text = Text.open(fetch("gensim") / "gensim" / "test" / "test_data" / name).text
    return [line for line in text.splitlines() if line.strip()]
