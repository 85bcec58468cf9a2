"""What every translator has: its size, the embedding of tokens, and the state in which a sentence is being translated.

An encoder reads the source sentence; a decoder says, token after token, how likely every next token of the translation
is. There are two kinds: ``recurrent.py`` (Luong et al., arXiv:1508.04025; Wu et al., arXiv:1609.08144) and
``transformer.py`` (Vaswani et al., arXiv:1706.03762).

Shapes: B sentences, S source tokens, T target tokens, W width, V tokens in the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.errors import reject

PAD, START, END, COPY = range(4)
"""Tokens of every vocabulary: padding, the beginning, the end, and a word to be copied from the source."""


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """The kind and size of a translator."""

    dataset: str = "english-hungarian"
    """What it is trained on where no --data is given: english-hungarian, or reverse (turn a row of digits round)."""
    languages: tuple[str, ...] = ("en", "hu")
    """Names of the two languages; own data set them by the endings of the files."""
    both: bool = True
    """Translate in both directions, the target's name being the first token that is read (Johnson et al., 1611.04558)."""
    architecture: Literal["luong", "gnmt", "none", "transformer"] = "luong"
    """LSTMs with attention from the top layer (luong) or from the bottom one (gnmt), or without any; or a Transformer."""
    attention: Literal["multiplicative", "additive"] = "multiplicative"
    """How LSTMs compare: by a scaled product (Luong), or a normalised sum (Bahdanau et al., 1409.0473)."""
    vocabulary: int = 5000
    """Number of different tokens; of the source's where there is a target_vocabulary."""
    target_vocabulary: int | None = None
    """Tokens of the target language; None = one vocabulary, and one embedding, for both and for the output."""
    width: int = 256
    """Numbers that stand for a token inside."""
    layers: int = 2
    """Layers of the encoder; of a luong one half as many, each in two directions."""
    decoder_layers: int = 2
    """Layers of the decoder."""
    heads: int = 4
    """Attention heads of a Transformer; they share the width."""
    feed_forward: int = 512
    """Width inside a Transformer's layers."""
    uniform: float | None = None
    """Bound of the random numbers an LSTM starts with, 0.1 in tensorflow/nmt; None = Glorot and Bengio's, by its size."""
    dropout: float = 0.2
    """Share of numbers that is dropped in training."""
    label_smoothing: float = 0.1
    """Share of the answer that is spread over all tokens in training."""
    longest: int = 60
    """Most tokens of a sentence: longer pairs are not trained on."""
    copied: float = 0.2
    """Share of the pairs whose common words are hidden, all of them, in training, so that copying is learnt."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or plain gradient descent as in tensorflow/nmt."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "layers", "decoder_layers", "heads", "feed_forward"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.longest >= 4 or reject("longest must be at least 4.", self.longest)
        for name in ("vocabulary", "target_vocabulary"):
            (size := getattr(self, name)) is None or size >= 16 or reject(f"{name} must be at least 16.", size)
        for name in ("dropout", "label_smoothing", "copied"):
            0 <= getattr(self, name) < 1 or reject(f"{name} must be at least 0 and below 1.", getattr(self, name))
        self.uniform is None or self.uniform > 0 or reject("uniform must be positive.", self.uniform)
        len(self.languages) == 2 or reject("languages must be two names.", self.languages)
        if self.both and self.target_vocabulary is not None:
            reject("Both directions need one vocabulary: leave target_vocabulary out.", self.target_vocabulary)
        if self.architecture == "transformer":
            self.width % (2 * self.heads) == 0 or reject(
                f"width must be divisible by twice the {self.heads} heads.", self.width
            )
        elif self.layers != self.decoder_layers:
            reject("Recurrent translators have as many layers in the decoder as in the encoder.", self.decoder_layers)
        if self.architecture in ("luong", "none") and self.layers % 2:
            reject("layers must be even: every layer of the encoder has two directions.", self.layers)


class State:
    """All that is known while sentences are being translated: tensors whose first dimension is the sentence.

    Args:
        mask: (B, S), True where the source has a token.
        tensors: The encoder's output, and whatever the decoder remembers.
    """

    def __init__(self, mask: Tensor, **tensors: Tensor) -> None:
        self.mask, self.tensors, self.length = mask, tensors, 0

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __setitem__(self, name: str, value: Tensor) -> None:
        self.tensors[name] = value

    def select(self, rows: Int[Tensor, " n"]) -> State:
        """The state of these sentences, in this order; one may come several times."""
        chosen = State(self.mask[rows], **{name: tensor[rows] for name, tensor in self.tensors.items()})
        chosen.length = self.length
        return chosen


class Translation(nn.Module):
    """Base of both kinds: embeddings, and scores of the next token.

    A subclass writes ``encode`` and ``decode``; ``decode`` reads any number of target tokens, so that the same lines
    serve training, where all are known, and translating, one after the other.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.source = nn.Embedding(config.vocabulary, config.width)
        shared = config.target_vocabulary is None
        self.target = self.source if shared else nn.Embedding(config.target_vocabulary or 0, config.width)
        self.output = None if shared else nn.Linear(config.width, config.target_vocabulary or 0, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, source: Int[Tensor, "b s"]) -> State:
        """Read source sentences, filled up with ``PAD``."""
        raise NotImplementedError

    def decode(
        self, tokens: Int[Tensor, "b t"], state: State
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t s"] | None]:
        """Read target tokens that follow those read before, and take the state along.

        Returns:
            What ``scores`` are made of, and how much each token looked at each source token (None = it cannot).
        """
        raise NotImplementedError

    def scores(self, x: Float[Tensor, "... w"]) -> Float[Tensor, "... v"]:
        """Unnormalised log-probabilities of the token that follows."""
        return F.linear(x, self.target.weight if self.output is None else self.output.weight)

    def forward(self, source: Int[Tensor, "b s"], target: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        """Scores of each token after those of ``target``, which begins with ``START``."""
        return self.scores(self.decode(target, self.encode(source))[0])

    def translation_loss(
        self, source: Int[Tensor, "b s"], target: Int[Tensor, "b t"], smoothing: float = 0.0
    ) -> Float[Tensor, " n"]:
        """−log p of every target token after the first, without padding: shape (N,)."""
        x = self.decode(target[:, :-1], self.encode(source))[0]
        wanted = target[:, 1:]
        real = wanted != PAD
        return F.cross_entropy(self.scores(x[real]), wanted[real], label_smoothing=smoothing, reduction="none")


def filled(rows: list[list[int]], device: torch.device | str = "cpu") -> Int[Tensor, "b s"]:
    """Rows of tokens as one tensor, filled up with ``PAD`` at their ends."""
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows], device=device)
