"""Machine translation as a system: pairs of sentences, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from potmeter.core import runs
from potmeter.core.conversion import refuse_path
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Table, Text
from potmeter.metrics.translation import metric_signatures, score_translations
from potmeter.nn.beam_search import Beam, Hypothesis

from . import evaluation, model
from .attention_picture import draw_attention
from .averaging import average_states
from .baselines import find_without_attention, measure_retrieval
from .batches import build_batches
from .checkpoints import is_foreign, read_foreign
from .decoding import translate_tokens
from .examples import examples
from .pairs import MAX_CHARACTERS, Pairs, load_pairs
from .presets import PRESETS
from .recurrent import RecurrentSeq2Seq
from .results import AttendedTranslation, Translation
from .transformer import Transformer
from .vocabularies import Vocabularies, name_directions

BEAM = Beam(5, length_penalty=1.4)
"""Of the penalties 0.6, 1 and 1.4 the last was the best on validation pairs."""
VALIDATION_PAIRS = 200
"""Validation pairs that are translated during training."""
MAX_SCORED = 100_000
"""Most characters of a line that is scored: sacreBLEU takes two seconds and 40 MB for so many."""

COLUMNS = ("source", "translation", "score", "log p")
Direction = Annotated[str, Choice("directions")] | None


class Translator(System):
    """Says in one language what a sentence says in another."""

    name = "translator"
    Config = model.Config
    presets = PRESETS
    goal = Goal("bleu", "higher", tolerance=1.0)  # of 200 sentences
    mixed_precision = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        seq2seq = Transformer if config.architecture == "transformer" else RecurrentSeq2Seq
        self.model: model.Seq2Seq = seq2seq(config)
        self.trained_vocabularies: Vocabularies | None = None

    # 1. Pairs of sentences

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, target_file: str | None = None) -> Splits:
        """Pairs to train on, and pairs that are held out.

        Args:
            source: english-hungarian, reverse, or a text file with one sentence a line, which eval measures whole where
                it was not trained on; default: the Config's dataset
            target_file: the file whose lines are the translations
        """
        return load_pairs(source or config.dataset, target_file)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, languages=splits.train.languages)

    def fit_assets(self, splits: Splits) -> None:
        """Learn the vocabularies; those that came with the weights stay."""
        if self.trained_vocabularies is None:
            self.trained_vocabularies = Vocabularies.train([*zip(*splits.train.pairs, strict=True)], self.config)

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy: the mean −log p of each target token given the source and the tokens before it, in nats.

        Each process takes the mean of its own tokens. Plain gradient descent is tensorflow/nmt's, whose learning rate is
        for the sum over a sentence's tokens.
        """
        smoothing = self.config.label_smoothing if self.training else 0.0
        nats = self.model.cross_entropy(batch["source"], batch["target"], smoothing)
        if self.config.optimizer == "sgd":
            return {"loss": nats.sum() / len(batch["target"]), "nats": nats.mean()}
        return {"loss": nats.mean()}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW with β₂ = 0.98, as Vaswani et al. have it, or plain gradient descent."""
        if self.config.optimizer == "sgd":
            return {"model": SGD(self.parameters(), self.config.lr)}
        optimizers = super().optimizers()
        for group in optimizers["model"].param_groups:
            group["betas"] = (0.9, 0.98)
        return optimizers

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Pairs of about equal length, in one direction or both."""
        return build_batches(
            splits.train, self.directions, self.vocabularies, self.config, seed=trainer.seed, device=trainer.device
        )

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The loss of all pairs, and BLEU of greedy translations of some."""
        return self.measure_bleu(take_evenly(data, VALIDATION_PAIRS), Beam(1)) | {"loss": self.measure_loss(data)}

    def validation_loss(self, data: Any) -> Tensor:
        return self.measure_loss(data)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """sacreBLEU and chrF of translations by beam search, of each direction and their mean; nats per token."""
        return self.measure_bleu(data, BEAM) | {"loss": self.measure_loss(data)}

    def measure_bleu(self, data: Pairs, beam: Beam) -> dict[str, Tensor]:
        return evaluation.measure_bleu(lambda texts, way: self.translate(texts, way, beam), data, self.directions)

    def measure_loss(self, data: Pairs) -> Tensor:
        return evaluation.measure_loss(self.model, data, self.directions, self.vocabularies, self.device)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The translation of the most similar training sentence, and a network without attention."""
        metrics = measure_retrieval(splits, self.directions)
        if (plain := find_without_attention(self, splits)) is not None:
            scores = plain.measure_bleu(splits.test, BEAM)
            metrics |= {f"no_attention_{name}": float(v) for name, v in scores.items() if name.endswith("bleu")}
        return metrics

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
        direction: Direction = None,
        beam: Annotated[int, Range(1, 64)] = BEAM.width,
        length_penalty: Annotated[float, Range(0, 2)] = BEAM.length_penalty,
        coverage_penalty: Annotated[float, Range(0, 2)] = 0.0,
        best: Annotated[int, Range(1, 64)] | None = None,
    ) -> Translation:
        """Translate a text, and show the attention weights between its words and those of the translation.

        Args:
            text: one sentence or more; each line by itself; `translator:batch` takes a file
            direction: from which language into which, as en-hu; default: the first there is
            beam: beam width, the hypotheses kept at each step; 1 = greedy
            length_penalty: 0 prefers short translations, 1 long ones
            coverage_penalty: how much it costs to leave a source word without attention
            best: hypotheses to list, each text once, at most as many as the beam is wide; default: 3, or as many as that
        """
        lines = [line for line in Text(refuse_path("text", text)).lines if line.strip()]
        lines or reject("There is no text to translate.", text)
        best = min(3, beam) if best is None else best
        best <= beam or reject(f"A beam of {beam} has at most {beam} alternatives.", best)
        way = direction or self.directions[0]
        hypotheses = self.search(lines, way, Beam(beam, length_penalty, coverage_penalty), best)
        rows, firsts = [], []
        for line, several in zip(lines, hypotheses, strict=True):
            found: dict[str, Hypothesis] = {}  # a text may be cut into subwords in several ways: the likeliest counts
            for each in several:
                found.setdefault(self.vocabularies.decode(line, way, each), each)
            rows += [(line, text, each.score, each.log_prob) for text, each in found.items()]
            firsts.append(next(iter(found)))
        translation, alternatives, first = Text("\n".join(firsts)), Table(COLUMNS, rows), hypotheses[0][0]
        if first.attention is None:
            return Translation(translation, alternatives)
        source, target = self.vocabularies.name_tokens(lines[0], way, first)
        picture = draw_attention(source, target, first.attention[:, : len(source)])
        return AttendedTranslation(translation, alternatives, picture)

    @task
    def batch(
        self,
        texts: Text,
        *,
        direction: Direction = None,
        beam: Annotated[int, Range(1, 64)] = BEAM.width,
        length_penalty: Annotated[float, Range(0, 2)] = BEAM.length_penalty,
        coverage_penalty: Annotated[float, Range(0, 2)] = 0.0,
    ) -> Text:
        """Translate a file line by line, many lines at once; an empty line stays empty.

        Args:
            texts: sentences, one a line
            direction: from which language into which, as en-hu; default: the first there is
            beam: beam width, the hypotheses kept at each step; 1 = greedy
            length_penalty: 0 prefers short translations, 1 long ones
            coverage_penalty: how much it costs to leave a source word without attention
        """
        lines = [line for line in texts.lines if line.strip()]
        how = Beam(beam, length_penalty, coverage_penalty)
        translations = iter(self.translate(lines, direction or self.directions[0], how))
        return Text("\n".join(next(translations) if line.strip() else "" for line in texts.lines))

    @task
    def score(self, texts: Text, references: Text) -> Text:
        """BLEU and chrF of translations, whoever made them, with sacreBLEU's signatures.

        Args:
            texts: translations, one a line, of at most 100,000 characters each
            references: what they should be, line by line
        """
        longest = max(map(len, [*texts.lines, *references.lines]), default=0)
        longest <= MAX_SCORED or reject(f"A line that is scored has at most {MAX_SCORED:,} characters.", f"{longest:,}")
        scores, how = score_translations(texts.lines, references.lines), metric_signatures()
        return Text(f"BLEU {scores.bleu:.1f}  chrF {scores.chrf:.1f}\n{how['bleu']}\n{how['chrf']}")

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    @property
    def directions(self) -> tuple[str, ...]:
        """What it translates, as ``en-hu``."""
        return name_directions(self.config.languages, self.config.both_directions)

    @property
    def vocabularies(self) -> Vocabularies:
        """The vocabularies. Raises UserError where there are none yet."""
        missing = "The system has no vocabulary yet: train it, or load weights."
        return self.trained_vocabularies or reject(missing, self.name)

    def translate(self, texts: Sequence[str], direction: str, beam: Beam) -> list[str]:
        """The best translation of each text."""
        hypotheses = self.search(texts, direction, beam)
        return [
            self.vocabularies.decode(text, direction, best[0]) for text, best in zip(texts, hypotheses, strict=True)
        ]

    def search(self, texts: Sequence[str], direction: str, beam: Beam, best: int = 1) -> list[list[Hypothesis]]:
        """The best hypotheses of each text."""
        longest = max(map(len, texts), default=0)
        longest <= MAX_CHARACTERS or reject(f"A sentence has at most {MAX_CHARACTERS:,} characters.", f"{longest:,}")
        rows = [self.vocabularies.encode_source(text, direction)[0] for text in texts]
        return translate_tokens(self.model, rows, beam, len(self.vocabularies.target), best)

    # Saving and loading

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for every system; also from a folder of tensorflow/nmt."""
        if where is None or not is_foreign(where):
            return super().from_pretrained(where)
        config, state, vocabularies = read_foreign(Path(where))
        system = cls(config)
        system.model.load_state_dict(state)
        system.trained_vocabularies = vocabularies
        return system.eval()

    @classmethod
    def from_average(cls, *where: str | Path) -> Self:
        """The mean of several weights, each named as for ``from_pretrained``; a run's folder stands for all it keeps.

        Raises:
            UserError: When there are none, or they differ in Config or vocabulary.
        """
        places = [place for each in where for place in runs.list_checkpoints(Path(each)) or [Path(each)]]
        places or reject("There are no weights to average.", where)
        first, *others = systems = [cls.from_pretrained(place) for place in places]
        for other in others:
            other.config == first.config or reject("Only weights of one Config have a mean.", repr(other.config))
            other.vocabularies == first.vocabularies or reject(
                "Only weights of one vocabulary have a mean.", "two vocabularies"
            )
        first.load_state_dict(average_states([system.state_dict() for system in systems]))
        return first.eval()

    def save_assets(self, folder: Path) -> None:
        self.vocabularies.save(folder)

    def load_assets(self, folder: Path) -> None:
        self.trained_vocabularies = Vocabularies.load(folder, self.config)
