"""Word vectors as a system: text, loss, training by a kernel of its own, use."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim import Optimizer

from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training.schedules import learning_rate_factor
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.fetching.clients import announce
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.data.texts import TextFiles, find_texts, read_whole_files
from potmeter.errors import reject
from potmeter.media import Image, Table

from . import baselines, model
from .corpus import Passages, RunningText, choose_reader, has_two_words, map_words
from .examples import examples
from .intrinsic_evaluation import evaluate_vectors, normalise
from .kernel import Tables, build_tables
from .phrases import build_vocabulary
from .presets import PRESETS
from .vector_files import read_vectors, write_vectors
from .vocabulary import Vocabulary
from .word_map import draw_word_map
from .workers import Workers, passage_losses, reject_no_pairs, sum_losses

MIN_LR_FACTOR = 1e-4
"""The learning rate falls to this share of its peak, as in the original program."""


class Word2Vec(System):
    """Reads much text and gives every word a vector, so that words with similar contexts land close together."""

    name = "word2vec"
    Config = model.Config
    presets = PRESETS
    goal = Goal("loss", "lower")
    cpu_only = True

    # 1. Text: a word's targets are the words around it

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, *, english: bool = False) -> Splits:
        """Running text, of which whole documents (of your own: the last tenth) are held out.

        Args:
            source: a UTF-8 text file or a folder of .txt files, which eval measures whole where they were not trained on;
                default: the Config's dataset
            english: the text is English: measure similarity and analogies of English words too, not the loss alone
        """
        read = choose_reader(source, config.dataset)
        vocabulary = Vocabulary(config.vocabulary, config.counts)
        if not config.vocabulary:
            settings: Any = {"min_count": config.min_count, "threshold": config.phrase_threshold}
            settings |= {"max_size": config.max_vocab_size}
            vocabulary = build_vocabulary(lambda: read("train"), config.phrase_passes, **settings)
        english = english or not source
        parts = {
            part: Passages(map_words(read(part), vocabulary), vocabulary, english)
            for part in ("train", "valid", "test")
        }
        all(has_two_words(data.text) for data in parts.values()) or reject(
            "The text is too short: each of its parts needs two words of the vocabulary.",
            ", ".join(f"{part} {len(data.text):,}" for part, data in parts.items()),
        )
        if not source:
            return Splits(**parts, dataset=config.dataset)
        read_whole = lambda paths: Passages(map_words(read_whole_files(paths), vocabulary), vocabulary, english)
        whole = TextFiles(tuple(find_texts(source)), read_whole)
        parts["train"].digests = whole.digests
        return Splits(parts["train"], parts["valid"], parts["test"], unsplit=whole)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        vocabulary: Vocabulary = splits.train.vocabulary
        return replace(config, vocabulary=vocabulary.words, counts=vocabulary.counts)

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.WordVectors(config)
        self.vocabulary = Vocabulary(config.vocabulary, config.counts)
        self.workers: Workers | None = None

    def forward(self, words: Int[Tensor, ...]) -> Float[Tensor, "... d"]:
        """The vectors of words, by their numbers in the vocabulary."""
        return self.model.input_vectors[words]

    # 3. The loss: binary cross-entropy of positive and negative samples

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of given samples, the reference of what the kernel does; see ``model.WordVectors.forward``."""
        return {"loss": self.model(**batch).mean()}

    # 4. Training: the kernel updates the vectors, the loop does all the rest

    def optimizers(self) -> dict[str, Optimizer]:
        return {}

    def batches(self, splits: Splits, trainer: TrainingLoop) -> RunningText:
        processes.world_size() == 1 or reject(
            "word2vec trains in one process; --workers gives it more threads.", processes.world_size()
        )
        for data in (splits.train, splits.valid):  # told now, not at the first evaluation
            losses = sum_losses(self.matrices, data.passages(), self.tables, self.config)
            any(predictions for _, predictions in losses) or reject_no_pairs(self.config)
        return RunningText(splits.train.text, self.config.batch_size)

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Let the kernel learn from a piece of text."""
        if self.workers is None:
            self.workers = Workers(self.model, self.tables, self.config, max(trainer.workers, 1))
        text = batch["text"].numpy()
        seeds = trainer.rng.integers(2**62, self.workers.num_parts(len(text))).cpu().numpy()
        factor = learning_rate_factor(trainer.fraction_done, self.config.schedule, self.config.warmup)
        loss, predictions = self.workers.step(text, self.config.lr * max(factor, MIN_LR_FACTOR), seeds)
        return {"loss": torch.tensor(loss / max(predictions, 1))}

    @cached_property
    def tables(self) -> Tables:
        """What the kernel looks up."""
        return build_tables(self.vocabulary, self.config)

    @property
    def vectors(self) -> np.ndarray:
        """A vector for each word, (words, D)."""
        return self.model.input_vectors.detach().cpu().numpy()

    @property
    def matrices(self) -> list[np.ndarray]:
        """The input vectors, and the output vectors."""
        return [self.vectors, self.model.output_vectors.detach().cpu().numpy()]

    def validate(self, data: Passages) -> dict[str, Tensor]:
        """The loss of text that was not trained on, with windows and noise drawn by a fixed seed; in nats."""
        return {"loss": torch.from_numpy(passage_losses(self.matrices, data.passages(), self.tables, self.config))}

    def evaluate(self, data: Passages) -> dict[str, Tensor]:
        """The loss, and agreement with people: Spearman's correlation with WordSim-353 and SimLex-999, share of analogies."""
        metrics = self.validate(data)
        return (
            metrics | evaluate_vectors(self.vectors, self.vocabulary, self.config.dataset) if data.english else metrics
        )

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Predictions without a context, and gensim's word2vec trained on the same text with the same settings."""
        losses = {"unigram_loss": baselines.unigram_loss(splits.test, self.tables, self.config)}
        if not splits.test.english or self.config.dataset == "synthetic":
            return losses
        steps = self.card.get("training", {}).get("steps", 0)
        epochs = max(1, round(steps * self.config.batch_size / len(splits.train.text)))
        vectors = baselines.train_gensim(splits.train.text, self.vocabulary, self.config, epochs)
        if vectors is None:
            announce("the baselines gensim_… are left out: they need `pip install gensim`.")
            return losses
        scores = evaluate_vectors(vectors, self.vocabulary, self.config.dataset)
        return losses | {
            f"gensim_{name}": float(scores[name].mean()) for name in ("wordsim353", "simlex999", "analogy")
        }

    # 5. Use

    def run(self, words: list[str], *, top: Annotated[int, Range(1, 1000)] = 10) -> Table:
        """The words whose vectors are nearest to that of a word, or to the mean of several.

        Args:
            words: one or more words
            top: how many to name
        """
        words or reject("At least one word is needed.", "none")
        given = [self.vocabulary.lookup(word) for word in words]
        return self.nearest(normalise(self.vectors[given]).mean(0), given, top)

    @task
    def analogy(self, a: str, b: str, c: str, *, top: Annotated[int, Range(1, 1000)] = 5) -> Table:
        """The words that are to c as b is to a: those nearest to b − a + c.

        Args:
            a: as in man
            b: is to woman
            c: as king is to …
            top: how many to name
        """
        given = [self.vocabulary.lookup(word) for word in (a, b, c)]
        first, second, third = normalise(self.vectors[given])
        return self.nearest(second - first + third, given, top)

    @task
    def similarity(self, words: list[str]) -> Table:
        """How similar words are: the cosine of the angle between each two of their vectors.

        Args:
            words: at least two
        """
        len(words) >= 2 or reject("At least two words are needed.", words)
        unit = normalise(self.vectors[[self.vocabulary.lookup(word) for word in words]])
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
        words = list(words or self.vocabulary.frequent_words())
        unit = normalise(self.vectors[[self.vocabulary.lookup(word) for word in words]])
        return draw_word_map(unit, words, method)

    def nearest(self, vector: np.ndarray, given: list[int], top: int) -> Table:
        """The words nearest to a vector but for the given ones, with their cosines."""
        cosines = normalise(self.vectors) @ normalise(vector)
        cosines[given] = -np.inf
        order = np.argsort(-cosines, kind="stable")[: min(top, len(cosines) - len(set(given)))]
        return Table(("word", "similarity"), [(self.vocabulary.words[n], float(cosines[n])) for n in order])

    def examples(self) -> list[Example]:
        return examples(self.config.dataset, self.vocabulary)

    # The file formats of the original program

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for any system; ``where`` may also be a file of vectors in the original program's text or binary format."""
        if where is None or not str(where).endswith((".bin", ".txt", ".vec")):
            return super().from_pretrained(where)
        words, vectors = read_vectors(where)
        counts = tuple(range(len(words), 0, -1))
        config = model.Config(dataset=OWN_DATA, embedding_dim=vectors.shape[1], vocabulary=words, counts=counts)
        system = cls(config)
        with torch.no_grad():
            system.model.input_vectors.copy_(torch.from_numpy(vectors))
        return system.eval()

    def save_vectors(self, path: str | Path) -> Path:
        """Write the word vectors in the original program's format: ``.bin`` is binary, ``.txt`` or ``.vec`` text."""
        return write_vectors(path, self.vocabulary.words, self.vectors)
