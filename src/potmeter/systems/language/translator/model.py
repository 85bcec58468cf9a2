"""Sequence to sequence: the Config, the base class of both architectures, and the state of a decoder.

An encoder reads the source sentence; a decoder gives, token after token, the logits of the next token of the translation.
There are two kinds: ``recurrent.py`` (Luong et al., arXiv:1508.04025; Wu et al., arXiv:1609.08144) and
``transformer.py`` (Vaswani et al., arXiv:1706.03762).

Shapes: B sentences, S source tokens, T target tokens, C embedding_dim, M dimensions of the encoder's output (the memory),
H heads, D = C / H, V tokens in the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject

PAD, START, END, COPY = range(4)
"""Tokens of every vocabulary: padding, the beginning, the end, and a word to be copied from the source."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The architecture and size of a translator."""

    dataset: str = "english-hungarian"
    """What it is trained on where no --data is given: english-hungarian, or reverse (turn a sequence of digits round)."""
    languages: tuple[str, ...] = ("en", "hu")
    """Names of the two languages; with files of your own, the endings of their names."""
    both_directions: bool = True
    """Translate in both directions, the target's name being the first source token (Johnson et al., arXiv:1611.04558)."""
    architecture: Literal["lstm", "luong", "gnmt", "transformer"] = "luong"
    """LSTMs without attention (lstm), with attention from the decoder's top (luong) or bottom layer (gnmt); a Transformer."""
    attention: Literal["multiplicative", "additive"] = "multiplicative"
    """Attention scores of luong and gnmt: a scaled product (Luong), or a normalised sum (Bahdanau et al., arXiv:1409.0473)."""
    vocab_size: Annotated[int, Range(16)] = 5000
    """Number of different tokens; of the source's where there is a target_vocab_size."""
    target_vocab_size: Annotated[int, Range(16)] | None = None
    """Tokens of the target language; None = one vocabulary, and one embedding, for both and for the output."""
    embedding_dim: Annotated[int, Range(1)] = 256
    """Dimensions of a token's embedding, and of the hidden states (d_model of a Transformer, units of an LSTM)."""
    encoder_layers: Annotated[int, Range(1)] = 2
    """Layers of the encoder; those of lstm and luong are bidirectional, and count twice."""
    decoder_layers: Annotated[int, Range(1)] = 2
    """Layers of the decoder."""
    num_heads: Annotated[int, Range(1)] = 4
    """Attention heads of a Transformer, of embedding_dim / num_heads dimensions each."""
    feed_forward_dim: Annotated[int, Range(1)] = 512
    """Hidden units of a Transformer's feed-forward parts."""
    init_range: Annotated[float, Range(0, open="low")] | None = None
    """LSTM weights start uniform in ± this, 0.1 in tensorflow/nmt; None = Glorot and Bengio's range, by their size."""
    dropout: Annotated[float, Range(0, 1, open="high")] = 0.2
    """Dropout probability."""
    label_smoothing: Annotated[float, Range(0, 1, open="high")] = 0.1
    """Probability that is spread over all tokens in the training target (Szegedy et al., arXiv:1512.00567)."""
    subword_dropout: Annotated[float, Range(0, 1, open="high")] = 0.0
    """Probability that a subword of a training sentence is split into the two it was merged from, and these again: as
    BPE dropout (Provilkov et al., arXiv:1910.13267), from above."""
    max_length: Annotated[int, Range(4)] = 60
    """Most tokens of a sentence: longer pairs are not trained on."""
    copy_probability: Annotated[float, Range(0, 1, open="high")] = 0.2
    """Share of the training pairs whose common words, all of them, become tokens to copy, so that copying is learnt."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or plain gradient descent as in tensorflow/nmt."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the matrix products in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(self.languages) == 2 or reject("languages must be two names.", self.languages)
        if self.both_directions and self.target_vocab_size is not None:
            reject("Both directions need one vocabulary: leave target_vocab_size out.", self.target_vocab_size)
        if self.architecture == "transformer":
            self.embedding_dim % (2 * self.num_heads) == 0 or reject(
                f"embedding_dim must be divisible by twice the {self.num_heads} heads.", self.embedding_dim
            )
        elif self.encoder_layers != self.decoder_layers:
            reject(
                "Recurrent translators have as many layers in the decoder as in the encoder.",
                f"encoder_layers {self.encoder_layers}, decoder_layers {self.decoder_layers}",
            )
        if self.architecture in ("lstm", "luong") and self.encoder_layers % 2:
            reject("encoder_layers must be even: every layer has two directions.", self.encoder_layers)


class DecoderState:
    """All that a decoder knows of the sentences it translates: tensors whose first dimension is the sentence.

    Args:
        source_mask: (B, S), True where the source has a token.
        tensors: The memory or its keys and values, and what the decoder has computed so far.
    """

    def __init__(self, source_mask: Bool[Tensor, "b s"], **tensors: Tensor) -> None:
        self.source_mask, self.tensors, self.length = source_mask, tensors, 0

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __setitem__(self, name: str, value: Tensor) -> None:
        self.tensors[name] = value

    def select(self, rows: Int[Tensor, " n"]) -> DecoderState:
        """The state of these sentences, in this order; one may come several times."""
        selected = DecoderState(self.source_mask[rows], **{name: tensor[rows] for name, tensor in self.tensors.items()})
        selected.length = self.length
        return selected


class Seq2Seq(nn.Module):
    """Base of both kinds: the embeddings, and the logits of the next token.

    A subclass writes ``encode`` and ``decode``; ``decode`` reads any number of target tokens, so that the same lines
    serve training (teacher forcing: all are known) and translating (one after the other).
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.source_embedding = nn.Embedding(config.vocab_size, config.embedding_dim)
        self.target_embedding, self.output_projection = self.source_embedding, None
        if config.target_vocab_size is not None:
            self.target_embedding = nn.Embedding(config.target_vocab_size, config.embedding_dim)
            self.output_projection = nn.Linear(config.embedding_dim, config.target_vocab_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, source: Int[Tensor, "b s"]) -> DecoderState:
        """The state in which the decoder begins, of source sentences padded with ``PAD``."""
        raise NotImplementedError

    def decode(
        self, tokens: Int[Tensor, "b t"], state: DecoderState
    ) -> tuple[Float[Tensor, "b t c"], Float[Tensor, "b t s"] | None]:
        """Read target tokens that follow those read before, and update the state.

        Returns:
            The decoder's output, of which ``logits`` are made, and the attention weights (None = there is no attention).
        """
        raise NotImplementedError

    def logits(self, output: Float[Tensor, "... c"]) -> Float[Tensor, "... v"]:
        """Logits of the token that follows; the output projection is tied to the embedding where there is one of both."""
        layer = self.target_embedding if self.output_projection is None else self.output_projection
        return F.linear(output, layer.weight)

    def forward(self, source: Int[Tensor, "b s"], target: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        """Logits of each token after those of ``target``, which begins with ``START``."""
        return self.logits(self.decode(target, self.encode(source))[0])

    def cross_entropy(
        self, source: Int[Tensor, "b s"], target: Int[Tensor, "b t"], label_smoothing: float = 0.0
    ) -> Float[Tensor, " n"]:
        """−log p of each of the N target tokens after the first, in nats, without padding."""
        output = self.decode(target[:, :-1], self.encode(source))[0]
        expected = target[:, 1:]
        real = expected != PAD
        return F.cross_entropy(
            self.logits(output[real]), expected[real], label_smoothing=label_smoothing, reduction="none"
        )


def pad(rows: list[list[int]], device: torch.device | str = "cpu") -> Int[Tensor, "b s"]:
    """Rows of tokens as one tensor, with ``PAD`` at the ends of the shorter ones."""
    length = max(map(len, rows))
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows], device=device)
