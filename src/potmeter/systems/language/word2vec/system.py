"""Word vectors as a system: text, loss, training by a kernel of its own, use."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training.schedules import learning_rate_factor
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.fetching.clients import announce
from potmeter.data.sets.english import english
from potmeter.data.splits import Splits
from potmeter.data.texts import read_chunks
from potmeter.errors import reject
from potmeter.media import Image, Table

from . import baselines, model
from .corpus import Passages, Stream, encoded, has_two_words
from .examples import examples
from .files import read_vectors, write_vectors
from .kernel import Tables, tables
from .phrases import with_phrases
from .picture import draw_map
from .planted import planted
from .questions import analogy_test, judgements, questions_of, similarity_test, unit_length
from .vocabulary import Vocabulary
from .workers import Workers, losses, measure, no_pairs

LOWEST = 1e-4
"""The learning rate falls to this share of its peak, as in the original program."""


class Word2Vec(System):
    """Reads much text and gives every word a vector, so that words with similar contexts land close together."""

    name = "word2vec"
    Config = model.Config
    presets = {
        "tiny": model.Config(
            dataset="planted", dimensions=24, sample=0.0, min_count=1, window=4, batch_size=2000, lr=0.05, lanes=4
        ),
        "lecture": model.Config(size=18_000),
        "paper": model.Config(dimensions=300, negatives=10, sample=1e-5, phrases=2, size=3_000_000),
    }
    goal = Goal("loss", "lower")
    cpu_only = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.WordVectors(config)
        self.vocabulary = Vocabulary(config.vocabulary, config.counts)
        self.workers: Workers | None = None

    # 1. Text: its words are the questions and the answers

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, *, judged: bool = False) -> Splits:
        """Running text, of which whole documents (of your own: the last tenth) are held out.

        Args:
            source: a UTF-8 text file or a folder of .txt files; default: the Config's dataset
            judged: measure by what people think of English words too, and not the loss alone
        """
        parts = {"english": lambda part: english()[part], "planted": lambda part: planted(part)}
        read = partial(read_chunks, source) if source else parts[config.dataset]
        if config.vocabulary:
            vocabulary = Vocabulary(config.vocabulary, config.counts)
        else:
            limits: dict[str, Any] = {"min_count": config.min_count, "threshold": config.threshold, "size": config.size}
            vocabulary = with_phrases(lambda: read("train"), config.phrases, **limits)
        judged = judged or not source
        found = {
            part: Passages(encoded(read(part), vocabulary), vocabulary, judged) for part in ("train", "valid", "test")
        }
        all(has_two_words(data.text) for data in found.values()) or reject(
            "The text is too short: each of its parts needs two words of the vocabulary.",
            ", ".join(f"{part} {len(data.text):,}" for part, data in found.items()),
        )
        return Splits(**found, origin="own data" if source else config.dataset)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        known: Vocabulary = splits.train.vocabulary
        return replace(config, vocabulary=known.words, counts=known.counts)

    # 3. The loss: how badly the questions are answered

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of explicit questions, the reference of what the kernel does; see ``model.WordVectors.forward``."""
        return {"loss": self.model(**batch).mean()}

    # 4. Training: the kernel moves the vectors, the loop does all the rest

    def optimizers(self) -> dict[str, Optimizer]:
        return {}

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Stream:
        processes.world_size() == 1 or reject(
            "word2vec trains in one process; --workers gives it more threads.", processes.world_size()
        )
        for data in (splits.train, splits.valid):  # told now, not at the first evaluation
            found = losses(self.matrices, data.passages(), self.tables, self.config)
            any(number for _, number in found) or no_pairs(self.config)
        return Stream(splits.train.text, self.config.batch_size)

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Let the kernel learn from a piece of text."""
        if self.workers is None:
            threads = max(trainer.workers, 1)
            self.workers = Workers(self.model, self.tables, self.config, self.config.lanes, threads)
        text = batch["text"].numpy()
        seeds = trainer.rng.integers(2**62, self.workers.pieces(len(text))).cpu().numpy()
        scale = learning_rate_factor(trainer.fraction_done, self.config.schedule, self.config.warmup)
        loss, number = self.workers.step(text, self.config.lr * max(scale, LOWEST), seeds)
        return {"loss": torch.tensor(loss / max(number, 1))}

    @cached_property
    def tables(self) -> Tables:
        """What the kernel looks up."""
        return tables(self.vocabulary, self.config)

    @property
    def vectors(self) -> np.ndarray:
        """A vector for each word, (words, dimensions)."""
        return self.model.inputs.detach().cpu().numpy()

    @property
    def matrices(self) -> list[np.ndarray]:
        """The words' vectors, and those of what can be asked about."""
        return [self.vectors, self.model.outputs.detach().cpu().numpy()]

    def validate(self, data: Passages) -> dict[str, Tensor]:
        """The loss of text that was not trained on, with windows and noise drawn by a fixed seed; in nats."""
        return {"loss": torch.from_numpy(measure(self.matrices, data.passages(), self.tables, self.config))}

    def evaluate(self, data: Passages) -> dict[str, Tensor]:
        """The loss, and agreement with people: Spearman's correlation with WordSim-353 and SimLex-999, share of analogies."""
        values = self.validate(data)
        return values | judge(self.vectors, self.vocabulary, self.config.dataset) if data.judged else values

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Words without their context, and gensim's word2vec trained on the same text with the same settings."""
        found = {"unigram_loss": baselines.unigram_loss(splits.test, self.tables, self.config)}
        if not splits.test.judged or self.config.dataset == "planted":
            return found
        steps = self.card.get("recipe", {}).get("steps", 0)
        epochs = max(1, round(steps * self.config.batch_size / len(splits.train.text)))
        vectors = baselines.gensim_vectors(splits.train.text, self.vocabulary, self.config, epochs)
        if vectors is None:
            announce("the baselines gensim_… are left out: they need `pip install gensim`.")
            return found
        values = judge(vectors, self.vocabulary, self.config.dataset)
        measured = ("wordsim353", "simlex999", "analogy")
        return found | {f"gensim_{name}": float(values[name].mean()) for name in measured}

    # 5. Use

    def forward(self, words: Tensor) -> Tensor:
        """Vectors (B, dimensions) of words by their numbers in the vocabulary (B,)."""
        return self.model.inputs[words]

    def run(self, words: list[str], *, top: Annotated[int, Range(1, 1000)] = 10) -> Table:
        """The words whose vectors are nearest to that of a word, or to the mean of several.

        Args:
            words: one or more words
            top: how many to name
        """
        words or reject("At least one word is needed.", "none")
        given = [self.vocabulary.number(word) for word in words]
        return self.nearest(unit_length(self.vectors[given]).mean(0), given, top)

    @task
    def analogy(self, a: str, b: str, c: str, *, top: Annotated[int, Range(1, 1000)] = 5) -> Table:
        """The words that are to c as b is to a: those nearest to b − a + c.

        Args:
            a: as in man
            b: is to woman
            c: as king is to …
            top: how many to name
        """
        given = [self.vocabulary.number(word) for word in (a, b, c)]
        first, second, third = unit_length(self.vectors[given])
        return self.nearest(second - first + third, given, top)

    @task
    def similarity(self, words: list[str]) -> Table:
        """How alike words are: the cosine of the angle between each two of their vectors.

        Args:
            words: at least two
        """
        len(words) >= 2 or reject("At least two words are needed.", words)
        unit = unit_length(self.vectors[[self.vocabulary.number(word) for word in words]])
        pairs = [(i, j) for i in range(len(words)) for j in range(i + 1, len(words))]
        return Table(
            ("word", "other", "similarity"), [(words[i], words[j], float(unit[i] @ unit[j])) for i, j in pairs]
        )

    @task
    def map(self, words: list[str] = (), *, method: Literal["pca", "tsne"] = "pca") -> Image:  # type: ignore[assignment]
        """A map of words in two dimensions: what lies close together has similar contexts.

        Args:
            words: which, from 3 to 150; default: sixty frequent ones, or as many as there are
            method: pca keeps distances as far as a plane can, tsne keeps neighbourhoods
        """
        words = list(words or self.vocabulary.frequent())
        unit = unit_length(self.vectors[[self.vocabulary.number(word) for word in words]])
        return draw_map(unit, words, method)

    def nearest(self, vector: np.ndarray, given: list[int], top: int) -> Table:
        """The words nearest to a vector but for the given ones, with their cosines."""
        cosines = unit_length(self.vectors) @ unit_length(vector)
        cosines[given] = -np.inf
        order = np.argsort(-cosines, kind="stable")[: min(top, len(cosines) - len(set(given)))]
        return Table(("word", "similarity"), [(self.vocabulary.words[n], float(cosines[n])) for n in order])

    def examples(self) -> list[Example]:
        return examples(self.config.dataset, self.vocabulary)

    # The format of the original program

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for any system; ``where`` may also be a file of vectors in the original program's text or binary format."""
        if where is None or not str(where).endswith((".bin", ".txt", ".vec")):
            return super().from_pretrained(where)
        words, vectors = read_vectors(where)
        counts = tuple(range(len(words), 0, -1))
        config = model.Config(dataset="own data", dimensions=vectors.shape[1], vocabulary=words, counts=counts)
        system = cls(config)
        with torch.no_grad():
            system.model.inputs.copy_(torch.from_numpy(vectors))
        return system.eval()

    def save_vectors(self, path: str | Path) -> Path:
        """Write the word vectors in the original program's format: ``.bin`` is binary, ``.txt`` or ``.vec`` text."""
        return write_vectors(path, self.vocabulary.words, self.vectors)


def judge(vectors: np.ndarray, vocabulary: Vocabulary, dataset: str) -> dict[str, Tensor]:
    """Scores of vectors on the test sets that fit a data set, each with the number of its items that are covered.

    A text of one's own is judged only where it is said to be English (``--judged``).
    """
    scores: dict[str, Any] = {}
    for name in ("wordsim353", "simlex999") if dataset != "planted" else ():
        found = similarity_test(vectors, vocabulary, judgements(name))
        scores |= {name: found.score, f"{name}_pairs": found.covered}
    right, found = analogy_test(vectors, vocabulary, questions_of(dataset))
    scores |= {"analogy": right, "analogy_questions": found.covered}
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in scores.items()}
