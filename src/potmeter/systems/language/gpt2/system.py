"""GPT-2 as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.conversion import refuse_path
from potmeter.core.progress import progress
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Table, Text
from potmeter.nn.muon import move_to_muon

from . import model
from .baselines import MAX_TEXT, kneser_ney_bits_per_byte, xz_bits_per_byte
from .checkpoints import is_foreign, is_tensorflow, read_foreign
from .compiled import CompiledStep, can_compile
from .continuation import continue_text
from .examples import examples
from .presets import PRESETS
from .results import Score
from .sampler import DecodeStep, Sampler
from .scoring import merge_partial_characters, token_bits
from .stateless import StatelessTransformer, example_inputs
from .surprisal_picture import draw_surprisal
from .texts import CHUNK_SIZE, load_texts
from .tokenizer import Tokenizer
from .tokens import Windows, map_tokens

GPT2_VOCABULARY = 50257
"""Tokens of OpenAI's vocabulary."""
TOKENIZER_MEGABYTES = 32
"""Of the training text, at most, from which a vocabulary is learnt."""
VALIDATION_PIECES = 64
"""Pieces of the validation text that are measured during training."""
MAX_SCORED = 100_000
"""Characters of a text that ``score`` takes."""
MIN_COMPILED = 20_000_000
"""Parameters from which on the decoding step is compiled: that takes ten seconds, once on a machine."""


class GPT2(System):
    """Continues a text, one token at a time, as the texts that it was trained on would."""

    name = "gpt2"
    Config = model.Config
    presets = PRESETS
    goal = Goal("bits_per_byte", "lower")

    _tokenizer: Tokenizer | None = None

    # 1. Text; the target at every token is the next one

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Text to train on, and text that is held out.

        Args:
            source: austen, walks, a text file or a folder of text files, which eval measures whole where they were not
                trained on; default: the Config's dataset
        """
        return load_texts(source or config.dataset)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        vocab_size = GPT2_VOCABULARY if config.tokenizer == "gpt2" else config.vocab_size
        return replace(config, vocab_size=vocab_size)

    def fit_assets(self, splits: Splits) -> None:
        """Learn a vocabulary, or take GPT-2's; a tokenizer that came with the weights stays."""
        if self._tokenizer is None and self.config.tokenizer == "gpt2":
            self._tokenizer = Tokenizer.gpt2()
        elif self._tokenizer is None:
            chunks = islice(splits.train.chunks(), TOKENIZER_MEGABYTES * 2**20 // CHUNK_SIZE)
            self._tokenizer = Tokenizer.train(chunks, self.config.vocab_size)

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.Transformer(config)

    def forward(self, ids: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        """The logits of the next token, at each token."""
        return self.model.logits(self.model(ids))

    # 3. The loss: cross-entropy

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Mean −log p of each token given those before it, in nats."""
        ids = batch["ids"]  # (B, T + 1)
        logits = self.model.logits(self.model(ids[:, :-1]))  # (B, T, V)
        return {"loss": F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW with β₂ = .99, as nanoGPT has it; with ``muon_lr``, Muon for the weight matrices of the blocks."""
        optimizers, c = super().optimizers(), self.config
        for group in optimizers["model"].param_groups:
            group["betas"] = (0.9, 0.99)
        if c.muon_lr:
            matrices = [p for p in self.model.blocks.parameters() if p.ndim == 2]
            optimizers["hidden"] = move_to_muon(matrices, optimizers["model"], c.muon_lr, c.weight_decay)
        return optimizers

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Windows of the text, which stays on disk."""
        tokens, c = map_tokens(splits.train, self.tokenizer), self.config
        return Windows(tokens, c.context_length, c.batch_size, seed=trainer.seed, device=trainer.device)

    def shard_units(self) -> list[nn.Module]:
        return list(self.model.blocks)

    def validate(self, data: Any) -> dict[str, Tensor]:
        """As ``evaluate``, on some pieces of the text, spread evenly."""
        return self.evaluate(take_evenly(data, VALIDATION_PIECES))

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Bits per byte of a text that was not trained on, as a compressor would need that knew the model.

        Every token is predicted from those before it, at least half a context of them. A value for each piece of the
        text, over the mean number of bytes in a piece: their mean is all bits over all bytes.
        """
        pieces = self.tokenizer.encode_batch(data.pieces)
        bits = self.token_bits([token for ids in pieces for token in ids])
        sums = torch.stack([part.sum() for part in bits.split([len(ids) for ids in pieces])])
        return {"bits_per_byte": sums * len(data) / len(data.text.encode())}

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Compressors that are given the same text: xz, and an n-gram model."""
        train, test = splits.train.head(MAX_TEXT), splits.test.text
        return {
            "xz_bits_per_byte": xz_bits_per_byte(train, test),
            "kneser_ney_bits_per_byte": kneser_ney_bits_per_byte(train, splits.valid.text, test),
        }

    # 5. Use

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
        stream: bool = False,
    ) -> Text | Iterator[Text]:
        """Continue a text.

        Args:
            prompt: its beginning; empty: the model begins by itself. Of a long one it sees the end
            tokens: how many tokens to add, a word or a part of one each
            temperature: 0 is greedy, always the likeliest token; below 1 tamer, above 1 wilder
            top_k: sample from so many of the likeliest tokens
            top_p: sample from the likeliest tokens that have this probability together
            top_p_rule: whether the token that reaches top_p is one of them (huggingface) or not (openai)
            stop: end before this text
            int8: quantise the weights to 8 bits: faster where the model is large, and nearly as good
            seed: of the random numbers; the same seed gives the same text
            stream: return an iterator of the text as it grows
        """
        sampler = self.sampler(temperature, top_k, top_p, top_p_rule, seed)
        texts = self.continuations(refuse_path("prompt", prompt), tokens, sampler, stop, self.decode_step(int8))
        return texts if stream else list(texts)[-1]

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
        """Continue many texts: each as ``run`` does with a seed of its own, the first one's being ``seed``.

        Args:
            prompts: their beginnings, one a line
            tokens: how many tokens to add to each
            temperature: 0 is greedy, always the likeliest token
            top_k: sample from so many of the likeliest tokens
            top_p: sample from the likeliest tokens that have this probability together
            top_p_rule: whether the token that reaches top_p is one of them (huggingface) or not (openai)
            stop: end each before this text
            int8: quantise the weights to 8 bits: faster where the model is large, and nearly as good
            seed: of the random numbers
        """
        rows, decode_step = [], self.decode_step(int8)
        lines = [line for line in prompts.lines if line.strip()]
        for number, prompt in enumerate(progress(lines, "prompts")):
            sampler = self.sampler(temperature, top_k, top_p, top_p_rule, seed + number)
            (*_, whole) = self.continuations(prompt, tokens, sampler, stop, decode_step)
            rows.append((prompt, whole.text[len(prompt) :]))
        return Table(("prompt", "continuation"), rows)

    @task
    def score(self, text: Text) -> Score:
        """How likely a text is, and which of its words nobody could expect.

        Args:
            text: any text, or a file
        """
        text.text or reject("There is no text to score.", text.text)
        if len(text.text) > MAX_SCORED:
            reject(f"score takes {MAX_SCORED:,} characters at most; eval --data measures files.", f"{len(text.text):,}")
        bits, size = self.surprisal(text.text), len(text.text.encode())
        total = float(bits.sum())
        spans = merge_partial_characters(self.tokenize(text.text), bits.tolist())
        rows = [(token, value, 2.0**-value) for token, value in spans]
        return Score(
            Text(f"{total / size:.3f} bits per byte: {total:.0f} bits for {size:,} bytes"),
            draw_surprisal(spans),
            Table(("token", "bits", "probability"), rows),
        )

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    def continuations(
        self, prompt: str, tokens: int, sampler: Sampler, stop: str | None, decode_step: DecodeStep | None
    ) -> Iterator[Text]:
        """The text so far, after each token."""
        return map(Text, continue_text(self.model, self.tokenizer, prompt, tokens, sampler, stop, decode_step))

    def sampler(
        self, temperature: float, top_k: int | None, top_p: float | None, rule: Any, seed: int | None
    ) -> Sampler:
        """A sampler with random numbers of its own; without a seed they begin wherever torch's are."""
        rng = torch.Generator(self.device).manual_seed(int(torch.randint(2**31, ())) if seed is None else seed)
        return Sampler(temperature, top_k, top_p, rule, rng)

    def decode_step(self, int8: bool) -> DecodeStep | None:
        """The compiled decoding step, where it pays; None: the model's own forward."""
        possible = can_compile(self.model)
        possible or not int8 or reject("int8 works on a CPU, with weights in float32.", str(self.device))
        large = sum(p.numel() for p in self.model.parameters()) >= MIN_COMPILED
        return CompiledStep(self.model, int8) if possible and (int8 or large) else None

    # What probes and other systems use (core.capabilities)

    @property
    def vocabulary(self) -> Sequence[bytes]:
        """What every token stands for."""
        return self.tokenizer.token_bytes

    def tokenize(self, text: str) -> list[bytes]:
        """The text, cut into tokens."""
        return [self.tokenizer.bytes_of(token) for token in self.tokenizer.encode(text)]

    @torch.no_grad()
    def surprisal(self, text: str) -> Float[Tensor, " n"]:
        """−log₂ p of each token of the text given those before it."""
        return self.token_bits(self.tokenizer.encode(text))

    @torch.no_grad()
    def next_token_probs(self, text: str) -> Float[Tensor, " v"]:
        """The probability of every token after a text from its beginning; ``run`` takes it for any passage."""
        ids = [self.tokenizer.end, *self.tokenizer.encode(text)][-self.config.context_length :]
        logits = self.model.logits(self.model(torch.tensor([ids], device=self.device))[0, -1])
        return logits.softmax(0)[: len(self.tokenizer)]

    def token_bits(self, ids: list[int]) -> Float[Tensor, " n"]:
        """−log₂ p of each token of a text given those before it."""
        return token_bits(self.model, torch.tensor([self.tokenizer.end, *ids], device=self.device))

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        return {"model": (StatelessTransformer(self.model), example_inputs(self.config))}

    # Saving and loading

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for every system; also from a folder or hub id of ``transformers``, and from OpenAI's TensorFlow checkpoint."""
        return cls.from_folder(Path(where)) if where and is_tensorflow(where) else super().from_pretrained(where)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        if not is_foreign(folder):
            return super().from_folder(folder)
        config, state, tokenizer = read_foreign(folder)
        system = cls(config)
        system.model.load_state_dict(state)
        system.tokenizer = tokenizer
        return system.eval()

    def save_assets(self, folder: Path) -> None:
        self.tokenizer.save(folder)

    def load_assets(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.load(folder / "tokenizer.json")
        size = len(self.tokenizer)
        size <= self.config.vocab_size or reject(
            f"{folder} does not fit: the weights are for {self.config.vocab_size} tokens.", f"{size} tokens"
        )

    @property
    def tokenizer(self) -> Tokenizer:
        """Encodes text as tokens. Raises UserError as long as there is none."""
        return self._tokenizer or reject("The system has no tokenizer yet: train it, or load weights.", self.name)

    @tokenizer.setter
    def tokenizer(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
