"""Machine translation as a system: pairs of sentences, loss, training, use."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from potmeter.core import runs
from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, to_device
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Image, Result, Table, Text
from potmeter.metrics.translation import metric_signatures, score_translations

from . import model
from .averaging import average
from .baselines import no_attention_bleu, retrieval_bleu
from .checkpoints import is_foreign, read_foreign
from .examples import examples
from .model import filled
from .pairs import CHARACTERS, Buckets, Pairs, pairs_of
from .pictures import attention_picture
from .presets import PRESETS
from .recurrent import Recurrent
from .search import Beam, Hypothesis, search
from .tokenizer import words_of
from .transformer import Transformer
from .vocabularies import Vocabularies, directions

Rows = tuple[list[int], list[int]]
"""Tokens of a source and of its translation."""
VALIDATED = 200
"""Pairs of the validation data that are translated during training."""
TOGETHER = 64
"""Sentences that are translated at once."""
SCORED = 100_000
"""Most characters of a line that is scored: sacreBLEU takes two seconds and 40 MB for so many."""

COLUMNS = ("source", "translation", "score", "log p")


@dataclass(frozen=True)
class Unattended(Result):
    """What ``run`` finds without attention."""

    translation: Text
    alternatives: Table


@dataclass(frozen=True)
class Translated(Unattended):
    """What it finds with attention: which word of the first line's translation looked at which of its words."""

    attention: Image


class Translator(System):
    """Says in one language what a sentence says in another."""

    name = "translator"
    Config = model.Config
    presets = PRESETS
    goal = Goal("bleu", "higher", noise=1.0)  # of 200 sentences

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model: model.Translation = (Transformer if config.architecture == "transformer" else Recurrent)(config)
        self.vocabularies: Vocabularies | None = None

    # 1. Pairs of sentences

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, target_file: str | None = None) -> Splits:
        """Pairs to train on, and pairs that are held out.

        Args:
            source: english-hungarian, reverse, or a text file with one sentence a line; default: the Config's dataset
            target_file: the file whose lines are the translations
        """
        return pairs_of(source or config.dataset, target_file)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, languages=splits.train.languages)

    def fit_assets(self, splits: Splits) -> None:
        """Learn the vocabularies; those that came with the weights stay."""
        self.vocabularies = self.vocabularies or Vocabularies.train(
            [*zip(*splits.train.pairs, strict=True)], self.config
        )

    # 3. The loss: cross-entropy

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Mean −log p of each token of the translation given the source and the tokens before it, in nats.

        Each process takes the mean of its own tokens. Plain gradient descent is tensorflow/nmt's, whose learning rate is
        for the mean of whole sentences.
        """
        smoothing = self.config.label_smoothing if self.training else 0.0
        nats = self.model.translation_loss(batch["source"], batch["target"], smoothing)
        if self.config.optimizer == "sgd":
            return {"loss": nats.sum() / len(batch["target"]), "nats": nats.mean()}
        return {"loss": nats.mean()}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW with a shorter memory for the size of gradients, or plain gradient descent."""
        if self.config.optimizer == "sgd":
            return {"model": SGD(self.parameters(), self.config.lr)}
        chosen = super().optimizers()
        for group in chosen["model"].param_groups:
            group["betas"] = (0.9, 0.98)
        return chosen

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Pairs of about equal length, in one direction or both, with some words hidden to learn copying."""
        encoded = [one for direction in self.directions for one in self.encoded(splits.train, direction)]
        encoded = [one for one in encoded if max(len(one[0][0]), len(one[0][1])) <= self.config.longest]
        lengths = [len(one[0][0]) + len(one[0][1]) for one in encoded]

        def collate(numbers: list[int], seed: int) -> Batch:
            rows = [encoded[i][random.Random(hash((seed, i))).random() < self.config.copied] for i in numbers]
            source, target = zip(*rows, strict=True)
            return to_device({"source": filled([*source]), "target": filled([*target])}, trainer.device)

        return Buckets(lengths, collate, self.config.batch_size, seed=trainer.seed)

    def encoded(self, pairs: Pairs, direction: str) -> list[tuple[Rows, Rows]]:
        """Source and target tokens of each pair, plainly and with the words that stand on both sides hidden."""
        examples = []
        for source, target in zip(*pairs.sides(direction), strict=True):
            shared = {word for word in words_of(source) & words_of(target) if len(word) > 2}
            plain = self.known.read(source, direction)[0], self.known.wanted(target)
            hidden = self.known.read(source, direction, shared)[0], self.known.wanted(target, shared)
            examples.append((plain, hidden if shared else plain))
        return examples

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The loss of all pairs, and BLEU of greedy translations of some."""
        return self.measured(take_evenly(data, VALIDATED), Beam(1)) | {"loss": self.held_loss(data)}

    def validation_loss(self, data: Any) -> Tensor:
        return self.held_loss(data)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """sacreBLEU and chrF of translations by beam search, of each direction and in the mean; nats per token."""
        return self.measured(data, Beam()) | {"loss": self.held_loss(data)}

    def measured(self, data: Pairs, beam: Beam) -> dict[str, Tensor]:
        """BLEU and chrF: each direction's, and the mean of both."""
        found: dict[str, list[float]] = {"bleu": [], "chrf": []}
        metrics: dict[str, Tensor] = {}
        for direction in self.directions:
            source, references = data.sides(direction)
            result = score_translations(self.translate(source, direction, beam), references)
            for name, values in found.items():
                values.append(getattr(result, name))
                if len(self.directions) > 1:
                    metrics[f"{direction.replace('-', '_')}_{name}"] = torch.tensor(values[-1])
        return {name: torch.tensor(values).mean() for name, values in found.items()} | metrics

    @torch.no_grad()
    def held_loss(self, data: Pairs) -> Tensor:
        """Nats of each token of the references, over all directions: shape ()."""
        parts = []
        for direction in self.directions:
            rows = sorted((one[0] for one in self.encoded(data, direction)), key=lambda row: len(row[0]) + len(row[1]))
            for start in range(0, len(rows), TOGETHER):
                source, target = zip(*rows[start : start + TOGETHER], strict=True)
                batch = filled([*source], self.device), filled([*target], self.device)
                parts.append(self.model.translation_loss(*batch))
        return torch.cat(parts).cpu().double().mean()

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The translation of the most similar sentence trained on, and a model without attention."""
        found = retrieval_bleu(splits, self.directions)
        return found | no_attention_bleu(self, splits)

    def describe_metrics(self) -> dict[str, str]:
        return metric_signatures()

    # 5. Use

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits (B, T, V) of the token after each of ``target`` (B, T), given ``source`` (B, S): numbers of tokens."""
        logits: Tensor = self.model(source, target)
        return logits

    @torch.no_grad()
    def run(
        self,
        text: str = "Click the button to save the file.",
        *,
        direction: Annotated[str, Choice("directions")] | None = None,
        beam: Annotated[int, Range(1, 64)] = 5,
        length_penalty: Annotated[float, Range(0, 2)] = 1.4,
        coverage_penalty: Annotated[float, Range(0, 2)] = 0.0,
        best: Annotated[int, Range(1, 64)] | None = None,
    ) -> Unattended:
        """Translate a text, and show which words were looked at.

        Args:
            text: one sentence or more; each line by itself
            direction: from which language into which, as en-hu; default: the first there is
            beam: hypotheses that are kept at each step; 1 always takes the likeliest token
            length_penalty: 0 prefers short translations, 1 long ones
            coverage_penalty: how much it costs to leave a word of the source unlooked at
            best: alternatives to list, at most as many as the beam is wide; default: 3, or as many as that
        """
        lines = [line for line in Text(text).lines if line.strip()]
        lines or reject("There is no text to translate.", text)
        best = min(3, beam) if best is None else best
        best <= beam or reject(f"A beam of {beam} has at most {beam} alternatives.", best)
        way = direction or self.directions[0]
        found = self.hypotheses(lines, way, Beam(beam, length_penalty, coverage_penalty), best)
        written = [
            [self.known.written(line, way, one) for one in several] for line, several in zip(lines, found, strict=True)
        ]
        rows = [(line, text, one.score, one.log_p) for line, several, texts in zip(lines, found, written, strict=True)
                for one, text in zip(several, texts, strict=True)]  # fmt: skip
        translation, alternatives = Text("\n".join(texts[0] for texts in written)), Table(COLUMNS, rows)
        if (weights := found[0][0].weights) is None:
            return Unattended(translation, alternatives)
        source, target = self.known.names(lines[0], way, found[0][0])
        picture = attention_picture(source, target, weights[:, : len(source)])
        return Translated(translation, alternatives, picture)

    @task
    def batch(
        self,
        texts: Text,
        *,
        direction: Annotated[str, Choice("directions")] | None = None,
        beam: Annotated[int, Range(1, 64)] = 5,
        length_penalty: Annotated[float, Range(0, 2)] = 1.4,
        coverage_penalty: Annotated[float, Range(0, 2)] = 0.0,
    ) -> Text:
        """Translate a file line by line, many lines at once; an empty line stays empty.

        Args:
            texts: sentences, one a line
            direction: from which language into which, as en-hu; default: the first there is
            beam: hypotheses that are kept at each step
            length_penalty: 0 prefers short translations, 1 long ones
            coverage_penalty: how much it costs to leave a word of the source unlooked at
        """
        full = [line for line in texts.lines if line.strip()]
        how = Beam(beam, length_penalty, coverage_penalty)
        done = iter(self.translate(full, direction or self.directions[0], how))
        return Text("\n".join(next(done) if line.strip() else "" for line in texts.lines))

    @task
    def score(self, texts: Text, references: Text) -> Text:
        """BLEU and chrF of translations, whoever made them, with sacreBLEU's signatures.

        Args:
            texts: translations, one a line, of at most 100,000 characters each
            references: what they should be, line by line
        """
        longest = max(map(len, [*texts.lines, *references.lines]), default=0)
        longest <= SCORED or reject(f"A line that is scored has at most {SCORED:,} characters.", f"{longest:,}")
        found = score_translations(texts.lines, references.lines)
        how = metric_signatures()
        return Text(f"BLEU {found.bleu:.1f}  chrF {found.chrf:.1f}\n{how['bleu']}\n{how['chrf']}")

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    @property
    def directions(self) -> tuple[str, ...]:
        """What it translates, as ``en-hu``."""
        return directions(self.config.languages, self.config.both)

    @property
    def known(self) -> Vocabularies:
        """The vocabularies."""
        return self.vocabularies or reject("The system has no vocabulary yet: train it, or load weights.", self.name)

    def translate(self, texts: Sequence[str], direction: str, beam: Beam) -> list[str]:
        """The best translation of each text."""
        found = self.hypotheses(texts, direction, beam)
        return [self.known.written(text, direction, one[0]) for text, one in zip(texts, found, strict=True)]

    @torch.no_grad()
    def hypotheses(self, texts: Sequence[str], direction: str, beam: Beam, best: int = 1) -> list[list[Hypothesis]]:
        """The best translations of each text; texts of about equal length are translated together."""
        for text in texts:
            len(text) <= CHARACTERS or reject(f"A sentence has at most {CHARACTERS:,} characters.", f"{len(text):,}")
        rows = [self.known.read(text, direction)[0] for text in texts]
        beam = replace(beam, known=len(self.known.target))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        parts = [order[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER)]
        found: list[list[Hypothesis]] = [[] for _ in rows]
        for part in progress(parts, "sentences") if len(parts) > 1 else parts:
            several = search(self.model, filled([rows[i] for i in part], self.device), beam, best)
            for i, one in zip(part, several, strict=True):
                found[i] = one
        return found

    # Saving and loading

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for every system; also from a folder of tensorflow/nmt."""
        if where is None or not is_foreign(where):
            return super().from_pretrained(where)
        config, state, vocabularies = read_foreign(Path(where))
        system = cls(config)
        system.model.load_state_dict(state)
        system.vocabularies = vocabularies
        return system.eval()

    @classmethod
    def from_average(cls, *where: str | Path) -> Self:
        """The mean of several weights, each named as for ``from_pretrained``; a run's folder stands for all it keeps."""
        found = [one for place in where for one in runs.list_checkpoints(Path(place)) or [Path(place)]]
        found or reject("There are no weights to average.", where)
        return average([cls.from_pretrained(one) for one in found]).eval()

    def save_assets(self, folder: Path) -> None:
        self.known.save(folder)

    def load_assets(self, folder: Path) -> None:
        self.vocabularies = Vocabularies.load(folder, self.config)
