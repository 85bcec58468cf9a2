"""GPT-2 as a system: data, loss, training, use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.progress import progress
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System, TrainingLoop
from potmeter.core.weights import locate_weights
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Image, Table, Text
from potmeter.nn.muon import Muon

from . import model
from .baselines import MAX_TEXT, kneser_ney_bits_per_byte, xz_bits_per_byte
from .checkpoints import is_foreign, read_foreign
from .compiled import Step, can_step
from .examples import examples
from .pictures import readable, surprise_picture
from .presets import PRESETS
from .sampler import Read, Sampler, generate
from .scoring import token_bits
from .texts import CHUNK, texts
from .tokenizer import Tokenizer
from .tokens import Windows, token_file

VALIDATED = 64
"""Pieces of the validation text that are measured during training."""
LEARNT_FROM = 32
"""Megabytes of text, at most, from which a vocabulary is learnt."""
LONGEST = 100
"""Characters of a prompt that are read for each token of the context: more are never seen."""
MAX_SCORED = 100_000
"""Characters of a text that ``score`` takes."""
COMPILED = 20_000_000
"""Parameters from which on reading token by token is compiled: that takes ten seconds, once on a machine."""
GPT2_SIZE = 50257


@dataclass(frozen=True)
class Scored:
    """What ``score`` finds."""

    summary: Text
    surprisal: Image
    tokens: Table


class GPT2(System):
    """Goes on with a text, one token at a time, as the texts that it has read would."""

    name = "gpt2"
    Config = model.Config
    presets = PRESETS
    goal = Goal("bits_per_byte", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.Transformer(config)
        self.tokenizer: Tokenizer | None = None

    # 1. Text; every token's answer is the one after it

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Text to train on, and text that is held out.

        Args:
            source: austen, walks, a text file or a folder of text files; default: the Config's dataset
        """
        return texts(source or config.dataset)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        vocabulary = GPT2_SIZE if config.tokenizer == "gpt2" else config.vocabulary
        return replace(config, vocabulary=vocabulary)

    def fit_assets(self, splits: Splits) -> None:
        """Learn a vocabulary, or take GPT-2's; one that came with the weights stays."""
        if self.tokenizer is None and self.config.tokenizer == "gpt2":
            self.tokenizer = Tokenizer.gpt2()
        elif self.tokenizer is None:
            chunks = islice(splits.train.chunks(), LEARNT_FROM * 2**20 // CHUNK)
            self.tokenizer = Tokenizer.train(chunks, self.config.vocabulary)

    # 3. The loss: cross-entropy

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Mean −log p of each token given those before it, in nats."""
        ids = batch["ids"]  # (B, T + 1)
        scores = self.model.scores(self.model(ids[:, :-1]))  # (B, T, V)
        return {"loss": F.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten())}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW with a shorter memory for the size of gradients, as GPT-2's followers have it; with ``muon_lr``, Muon for
        the blocks' matrices."""
        chosen, c = super().optimizers(), self.config
        hidden = [p for p in self.model.blocks.parameters() if p.ndim == 2] if c.muon_lr else []
        for group in chosen["model"].param_groups:
            group["betas"] = (0.9, 0.99)
            group["params"] = [p for p in group["params"] if not any(p is weight for weight in hidden)]
        if hidden:
            chosen["hidden"] = Muon(hidden, lr=c.muon_lr, weight_decay=c.weight_decay)
        return chosen

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Windows of the text, which stays on disk."""
        c = self.config
        tokens = token_file(splits.train, self.known)
        return Windows(tokens, c.context, c.batch_size, seed=trainer.seed, device=trainer.device)

    def shard_units(self) -> list[nn.Module]:
        return list(self.model.blocks)

    def validate(self, data: Any) -> dict[str, Tensor]:
        """As ``evaluate``, on some pieces of the text, spread evenly."""
        return self.evaluate(take_evenly(data, VALIDATED))

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Bits for each byte of a text that was not trained on, as a compressor would need that knew the model.

        Every token is predicted from those before it, at least half a context of them. A value for each piece of the
        text, over the mean number of bytes in a piece: their mean is all bits over all bytes.
        """
        pieces = self.known.encode_all(data.pieces)
        bits = self.token_bits([i for ids in pieces for i in ids])
        sums = torch.stack([part.sum() for part in bits.split([len(ids) for ids in pieces])])
        return {"bits_per_byte": sums * len(data) / len(data.text.encode())}

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Compressors that have read the same text: xz, and counts of n-grams."""
        train, test = splits.train.head(MAX_TEXT), splits.test.text
        return {
            "xz_bits_per_byte": xz_bits_per_byte(train, test),
            "kneser_ney_bits_per_byte": kneser_ney_bits_per_byte(train, splits.valid.text, test),
        }

    # 5. Use

    @torch.no_grad()
    def run(
        self,
        prompt: str = "It was a truth",
        *,
        tokens: Annotated[int, Range(1, 10_000)] = 64,
        temperature: Annotated[float, Range(0, 10)] = 0.8,
        top_k: Annotated[int, Range(1, 10**6)] | None = 40,
        top_p: Annotated[float, Range(0, 1)] | None = None,
        top_p_rule: Literal["huggingface", "openai"] = "huggingface",
        stop: str | None = None,
        int8: bool = False,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Iterator[Text]:
        """Go on with a text.

        Args:
            prompt: its beginning; empty: the model begins by itself. Of a long one it sees the end
            tokens: how many tokens to add, a word or a part of one each
            temperature: 0 always takes the likeliest token; below 1 tamer, above 1 wilder
            top_k: draw from so many of the likeliest tokens
            top_p: draw from the likeliest tokens that have this probability together
            top_p_rule: whether the token that reaches top_p is one of them (huggingface) or not (openai)
            stop: end before this text
            int8: round the weights to 8 bits: faster where the model is large, and nearly as good
            seed: start of the random numbers; the same seed gives the same text
        """
        rng = torch.Generator(self.device).manual_seed(int(torch.randint(2**31, ())) if seed is None else seed)
        sampler = Sampler(temperature, top_k, top_p, top_p_rule, rng)
        return self.continued(prompt, tokens, sampler, stop, self.reader(int8))

    @torch.no_grad()
    def continued(
        self, prompt: str, tokens: int, sampler: Sampler, stop: str | None, read: Read | None
    ) -> Iterator[Text]:
        """The text so far, after each token."""
        added: list[int] = []
        ids = self.known.encode(prompt[-LONGEST * self.config.context :]) or [self.known.end]
        for token in islice(generate(self.model, ids, sampler, len(self.known), read), tokens):
            if token == self.known.end:
                break
            added.append(token)
            text = self.known.decode(added)
            if stop and stop in text:
                yield Text(prompt + text.partition(stop)[0])
                return
            yield Text(prompt + text[: len(text) - begun(text, stop or "")])
        yield Text(prompt + self.known.decode(added))

    @task
    def batch(
        self,
        prompts: Text,
        *,
        tokens: Annotated[int, Range(1, 10_000)] = 64,
        temperature: Annotated[float, Range(0, 10)] = 0.8,
        top_k: Annotated[int, Range(1, 10**6)] | None = 40,
        top_p: Annotated[float, Range(0, 1)] | None = None,
        top_p_rule: Literal["huggingface", "openai"] = "huggingface",
        stop: str | None = None,
        int8: bool = False,
        seed: Annotated[int, Range(0, 2**31 - 10**6)] = 0,
    ) -> Table:
        """Go on with many texts: the same for each as ``run`` with a seed of its own, the first one's being ``seed``.

        Args:
            prompts: their beginnings, one a line
            tokens: how many tokens to add to each
            temperature: 0 always takes the likeliest token
            top_k: draw from so many of the likeliest tokens
            top_p: draw from the likeliest tokens that have this probability together
            top_p_rule: whether the token that reaches top_p is one of them (huggingface) or not (openai)
            stop: end each before this text
            int8: round the weights to 8 bits: faster where the model is large, and nearly as good
            seed: start of the random numbers
        """
        rows, read = [], self.reader(int8)
        lines = [line for line in prompts.lines if line.strip()]
        for number, prompt in enumerate(progress(lines, "prompts")):
            rng = torch.Generator(self.device).manual_seed(seed + number)
            sampler = Sampler(temperature, top_k, top_p, top_p_rule, rng)
            (*_, whole) = self.continued(prompt, tokens, sampler, stop, read)
            rows.append((prompt, whole.text[len(prompt) :]))
        return Table(("prompt", "continuation"), rows)

    @task
    def score(self, text: Text) -> Scored:
        """How likely a text is, and which of its words nobody could expect.

        Args:
            text: any text, or a file
        """
        text.text or reject("There is no text to score.", text.text)
        if len(text.text) > MAX_SCORED:
            reject(f"score takes {MAX_SCORED:,} characters at most; eval --data measures files.", f"{len(text.text):,}")
        tokens, bits = self.tokenize(text.text), self.surprisal(text.text)
        size = len(text.text.encode())
        summary = f"{float(bits.sum()) / size:.3f} bits per byte: {float(bits.sum()):.0f} bits for {size:,} bytes"
        parts = readable(tokens, bits.tolist())
        rows = [(word, value, 2.0**-value) for word, value in parts]
        return Scored(Text(summary), surprise_picture(parts), Table(("token", "bits", "probability"), rows))

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def vocabulary(self) -> Sequence[bytes]:
        """What every token stands for."""
        return self.known.table

    def tokenize(self, text: str) -> list[bytes]:
        """The text, cut into tokens."""
        return [self.known.bytes_of(i) for i in self.known.encode(text)]

    @torch.no_grad()
    def surprisal(self, text: str) -> Tensor:
        """−log₂ p (N,) of each token of the text given those before it."""
        return self.token_bits(self.known.encode(text))

    @torch.no_grad()
    def next_token_probs(self, text: str) -> Tensor:
        """Probability (V,) of every token to come after a text from its beginning; ``run`` takes it for any passage."""
        ids = [self.known.end, *self.known.encode(text)][-self.config.context :]
        scores = self.model.scores(self.model(torch.tensor([ids], device=self.device))[0, -1])
        return scores.softmax(0)[: len(self.known)]

    def reader(self, int8: bool) -> Read | None:
        """The compiled way to read a token, where it pays; None: the model's own."""
        possible = can_step(self.model)
        possible or not int8 or reject("int8 works on a CPU, with weights in float32.", str(self.device))
        large = sum(p.numel() for p in self.model.parameters()) >= COMPILED
        return Step(self.model, int8) if possible and (int8 or large) else None

    # Saving and loading

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for every system; also from a folder or hub id of ``transformers``, and from OpenAI's TensorFlow checkpoint."""
        folder = Path(where) if where is not None and os.path.isdir(where) else None
        if where is not None and folder is None and "/" in str(where):
            folder = locate_weights(cls.name, where)
        if folder is None or not is_foreign(folder):
            return super().from_pretrained(folder or where)
        config, state, tokenizer = read_foreign(folder)
        system = cls(config)
        system.model.load_state_dict(state)
        system.tokenizer = tokenizer
        return system.eval()

    def save_assets(self, folder: Path) -> None:
        self.known.save(folder)

    def load_assets(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.load(folder / "tokenizer.json")
        size = len(self.tokenizer)
        size <= self.config.vocabulary or reject(
            f"{folder} does not fit: the weights are for {self.config.vocabulary} tokens.", f"{size} tokens"
        )

    @property
    def known(self) -> Tokenizer:
        """The vocabulary."""
        return self.tokenizer or reject("The system has no vocabulary yet: train it, or load weights.", self.name)

    def token_bits(self, ids: list[int]) -> Tensor:
        """−log₂ p (N,) of each token of a text given those before it."""
        return token_bits(self.model, torch.tensor([self.known.end, *ids], device=self.device))


def begun(text: str, stop: str) -> int:
    """How many characters at the end of a text may be the beginning of ``stop``."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
