"""Machine translation as a system: pairs of sentences, loss, training, use."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from potmeter.core.log import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Batch, Example, Goal, System, to_device
from potmeter.core.train import Trainer
from potmeter.data.splits import Splits, every
from potmeter.errors import reject
from potmeter.media import Image, Table, Text
from potmeter.metrics.translation import scores

from . import model
from .baselines import no_attention_bleu, retrieval_bleu
from .examples import examples
from .model import COPY, END, START, filled
from .pairs import Buckets, Pairs, pairs_of
from .pictures import attention_picture
from .recurrent import Recurrent
from .search import Beam, Hypothesis, search
from .tokenizer import PIECES, Tokenizer
from .transformer import Transformer

Rows = tuple[list[int], list[int]]
"""Tokens of a source and of its translation."""
VALIDATED = 200
"""Pairs of the validation data that are translated during training."""
TOGETHER = 64
"""Sentences that are translated at once."""
NMT = model.Config(
    both=False, vocabulary=17_191, target_vocabulary=7_709, width=512, layers=2, decoder_layers=2, batch_size=128,
    optimizer="sgd", lr=1.0, clip=5.0, schedule="luong234", label_smoothing=0.0, copied=0.0, uniform=0.1,
)  # fmt: skip

SMALL = model.Config(
    architecture="transformer", vocabulary=4000, width=160, layers=3, decoder_layers=2, heads=4, feed_forward=480,
    dropout=0.1, longest=32, batch_size=64, lr=3e-3, warmup=0.1, clip=1.0, ema=0.999,
)  # fmt: skip


@dataclass(frozen=True)
class Translated:
    """What ``run`` finds."""

    translation: Text
    attention: Image | None
    alternatives: Table


class Translator(System):
    """Says in one language what a sentence says in another."""

    name = "translator"
    Config = model.Config
    presets = {
        "tiny": model.Config(
            dataset="reverse", both=False, vocabulary=24, width=64, layers=2, decoder_layers=2, dropout=0.0,
            label_smoothing=0.0, copied=0.0, lr=5e-3, clip=1.0, batch_size=64,
        ),
        "lecture": SMALL,
        "luong": replace(SMALL, architecture="luong", layers=2),
        "plain": replace(SMALL, architecture="none", layers=2, width=192),
        "transformer": replace(SMALL, vocabulary=16_000, width=512, layers=6, decoder_layers=6, heads=8, feed_forward=2048,
                               longest=100, lr=7e-4),
        "gnmt": replace(NMT, architecture="gnmt", layers=4, decoder_layers=4),
        "paper": NMT,
    }  # fmt: skip
    goal = Goal("bleu", "higher")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model: model.Translation = (Transformer if config.architecture == "transformer" else Recurrent)(config)
        self.tokenizers: tuple[Tokenizer, ...] = ()

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
        return replace(config, languages=splits.train.languages, dataset=splits.origin)

    def fit_assets(self, splits: Splits) -> None:
        """Learn the vocabularies: one for both languages, or one each."""
        if self.tokenizers:
            return
        sides, c = list(zip(*splits.train.pairs, strict=True)), self.config
        if c.target_vocabulary is None:
            both = [text for side in sides for text in side]
            self.tokenizers = (Tokenizer.train(both, c.vocabulary, c.languages),)
        else:
            sizes = (c.vocabulary, c.target_vocabulary)
            self.tokenizers = tuple(Tokenizer.train(side, n, c.languages) for side, n in zip(sides, sizes, strict=True))

    # 3. The loss: cross-entropy

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Mean −log p of each token of the translation given the source and the tokens before it, in nats."""
        smoothing = self.config.label_smoothing if self.training else 0.0
        return {"loss": self.model.translation_loss(batch["source"], batch["target"], smoothing).mean()}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW with a shorter memory for the size of gradients, or plain gradient descent."""
        if self.config.optimizer == "sgd":
            return {"model": SGD(self.parameters(), self.config.lr)}
        chosen = super().optimizers()
        for group in chosen["model"].param_groups:
            group["betas"] = (0.9, 0.98)
        return chosen

    def batches(self, splits: Splits, trainer: Trainer) -> Iterable[Any]:
        """Pairs of about equal length, in one direction or both, with some words hidden to learn copying."""
        encoded = [one for direction in self.directions for one in self.encoded(splits.train, direction)]
        encoded = [one for one in encoded if max(len(one[0][0]), len(one[0][1])) <= self.config.longest]
        lengths = [len(one[0][0]) + len(one[0][1]) for one in encoded]

        def collate(numbers: list[int], seed: int) -> Batch:
            rng = random.Random(seed)
            rows = [encoded[i][rng.random() < self.config.copied] for i in numbers]
            source, target = zip(*rows, strict=True)
            return to_device({"source": filled([*source]), "target": filled([*target])}, trainer.device)

        return Buckets(lengths, collate, self.config.batch_size, seed=trainer.options.seed)

    def encoded(self, pairs: Pairs, direction: str) -> list[tuple[Rows, Rows]]:
        """Source and target tokens of each pair, plainly and with the words that stand on both sides hidden."""
        examples = []
        for source, target in zip(*pairs.sides(direction), strict=True):
            shared = {w for w in PIECES.findall(source) if len(w) > 2 and w in PIECES.findall(target)}
            plain = self.read(source, direction)[0], self.wanted(target, direction)
            hidden = self.read(source, direction, shared)[0], self.wanted(target, direction, shared)
            examples.append((plain, hidden if shared else plain))
        return examples

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The loss of all pairs, and BLEU of greedy translations of some."""
        return self.measured(every(data, VALIDATED), Beam(1)) | {"loss": self.held_loss(data)}

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """sacreBLEU and chrF of translations by beam search, of each direction and in the mean; nats per token."""
        return self.measured(data, Beam()) | {"loss": self.held_loss(data)}

    def measured(self, data: Pairs, beam: Beam) -> dict[str, Tensor]:
        """BLEU and chrF: each direction's, and the mean of both."""
        found: dict[str, list[float]] = {"bleu": [], "chrf": []}
        metrics: dict[str, Tensor] = {}
        for direction in self.directions:
            source, references = data.sides(direction)
            result = scores(self.translate(source, direction, beam), references)
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
                parts.append(
                    self.model.translation_loss(filled([*source], self.device), filled([*target], self.device))
                )
        return torch.cat(parts).double().mean()

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The translation of the most similar sentence trained on, and a model without attention."""
        found = retrieval_bleu(splits, self.directions)
        return found | no_attention_bleu(self, splits)

    # 5. Use

    @torch.no_grad()
    def run(
        self,
        text: str = "Click the button to save the file.",
        *,
        direction: Annotated[str, Choice("directions")] | None = None,
        beam: Annotated[int, Range(1, 64)] = 5,
        length_penalty: Annotated[float, Range(0, 2)] = 0.6,
        coverage_penalty: Annotated[float, Range(0, 2)] = 0.0,
        best: Annotated[int, Range(1, 64)] = 3,
    ) -> Translated:
        """Translate a text, and show which words were looked at.

        Args:
            text: one sentence or more; each line by itself
            direction: from which language into which, as en-hu; default: the first there is
            beam: hypotheses that are kept at each step; 1 always takes the likeliest token
            length_penalty: 0 prefers short translations, 1 long ones
            coverage_penalty: how much it costs to leave a word of the source unlooked at
            best: alternatives to list, at most as many as the beam is wide
        """
        lines = [line for line in text.splitlines() if line.strip()]
        lines or reject("There is no text to translate.", text)
        best <= beam or reject(f"A beam of {beam} has at most {beam} alternatives.", best)
        way = direction or self.directions[0]
        found = self.hypotheses(lines, way, Beam(beam, length_penalty, coverage_penalty), best)
        rows = [(line, self.written(line, way, one), one.score, one.log_p)
                for line, several in zip(lines, found, strict=True) for one in several]  # fmt: skip
        text = "\n".join(self.written(line, way, several[0]) for line, several in zip(lines, found, strict=True))
        return Translated(Text(text), self.picture(lines[0], way, found[0][0]),
                          Table(("source", "translation", "score", "log p"), rows))  # fmt: skip

    @task
    def batch(
        self,
        texts: Text,
        *,
        direction: Annotated[str, Choice("directions")] | None = None,
        beam: Annotated[int, Range(1, 64)] = 5,
        length_penalty: Annotated[float, Range(0, 2)] = 0.6,
    ) -> Text:
        """Translate a file line by line, many lines at once; an empty line stays empty.

        Args:
            texts: sentences, one a line
            direction: from which language into which, as en-hu; default: the first there is
            beam: hypotheses that are kept at each step
            length_penalty: 0 prefers short translations, 1 long ones
        """
        lines = texts.text.splitlines()
        whole = iter(self.translate([line for line in lines if line.strip()], direction or self.directions[0],
                                    Beam(beam, length_penalty)))  # fmt: skip
        return Text("\n".join(next(whole) if line.strip() else "" for line in lines))

    @task
    def score(self, texts: Text, references: Text) -> Text:
        """BLEU and chrF of translations, whoever made them, with sacreBLEU's signature.

        Args:
            texts: translations, one a line
            references: what they should be, line by line
        """
        found = scores(texts.text.splitlines(), references.text.splitlines())
        return Text(f"BLEU {found.bleu:.1f}  chrF {found.chrf:.1f}\n{found.signature}")

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # Between sentences and tokens

    @cached_property
    def directions(self) -> tuple[str, ...]:
        """What it translates, as ``en-hu``."""
        one, other = self.config.languages
        return (f"{one}-{other}", f"{other}-{one}") if self.config.both else (f"{one}-{other}",)

    def read(self, text: str, direction: str, hidden: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        """A source sentence as tokens, and the words to be copied."""
        first = [self.known[0].language(direction.rpartition("-")[2])] if self.config.both else []
        ids, words = self.known[0].encode(text, hidden)
        return [*first, *ids, END], words

    def wanted(self, text: str, direction: str, hidden: Iterable[str] = ()) -> list[int]:
        """A translation as tokens, from the start to the end."""
        return [START, *self.known[-1].encode(text, hidden)[0], END]

    def translate(self, texts: Sequence[str], direction: str, beam: Beam) -> list[str]:
        """The best translation of each text."""
        found = self.hypotheses(texts, direction, beam)
        return [self.written(text, direction, one[0]) for text, one in zip(texts, found, strict=True)]

    @torch.no_grad()
    def hypotheses(self, texts: Sequence[str], direction: str, beam: Beam, best: int = 1) -> list[list[Hypothesis]]:
        """The best translations of each text; texts of about equal length are translated together."""
        rows = [self.read(text, direction)[0] for text in texts]
        beam = replace(beam, known=len(self.known[-1]))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        found: list[list[Hypothesis]] = [[] for _ in rows]
        for start in progress(range(0, len(rows), TOGETHER), "sentences") if len(rows) > TOGETHER else (0,):
            part = order[start : start + TOGETHER]
            several = search(self.model, filled([rows[i] for i in part], self.device), beam, best) if part else []
            for i, one in zip(part, several, strict=True):
                found[i] = one
        return found

    def written(self, text: str, direction: str, found: Hypothesis) -> str:
        """A translation as text; each copied word is the one that was looked at most."""
        ids, words = self.read(text, direction)
        places = [i for i, token in enumerate(ids) if token == COPY]
        copied: list[str] = []
        for number, token in enumerate(found.tokens):
            if token == COPY and places:
                at = (
                    min(len(copied), len(places) - 1)
                    if found.weights is None
                    else int(found.weights[number, places].argmax())
                )
                copied.append(words[at])
        return self.known[-1].decode(found.tokens, copied)

    def picture(self, text: str, direction: str, found: Hypothesis) -> Image | None:
        """Which word looked at which; None of a model that has no attention."""
        if found.weights is None:
            return None
        ids = self.read(text, direction)[0]
        names = [
            [known.name(i) for i in part]
            for known, part in ((self.known[0], ids), (self.known[-1], [*found.tokens, END]))
        ]
        return attention_picture(names[0], names[1], found.weights[:, : len(ids)])

    @property
    def known(self) -> tuple[Tokenizer, ...]:
        """The vocabularies."""
        return self.tokenizers or reject("The system has no vocabulary yet: train it, or load weights.", self.name)

    # Saving and loading

    def save_assets(self, folder: Path) -> None:
        for path, tokenizer in zip(self.vocabulary_files(folder), self.known, strict=True):
            tokenizer.save(path)

    def load_assets(self, folder: Path) -> None:
        self.tokenizers = tuple(Tokenizer.load(path) for path in self.vocabulary_files(folder))
        sizes = (self.config.vocabulary, self.config.target_vocabulary or 0)
        for tokenizer, size in zip(self.tokenizers, sizes, strict=False):
            found = len(tokenizer)
            found <= size or reject(f"{folder} does not fit: the weights are for {size} tokens.", f"{found} tokens")

    def vocabulary_files(self, folder: Path) -> list[Path]:
        """Where the vocabularies are kept."""
        names = ["tokenizer.json"] if self.config.target_vocabulary is None else ["source.json", "target.json"]
        return [folder / name for name in names]
