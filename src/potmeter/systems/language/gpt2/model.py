"""GPT-2: a transformer that reads a text from left to right and says, at each token, how likely every next one is.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019); attention: Vaswani et al., "Attention Is
All You Need" (arXiv:1706.03762), eq. 1. Every block adds two things to the stream that runs through all of them:

    h = x + attention(norm(x))      y = h + mlp(norm(h))

Shapes: B texts, T tokens, P tokens read before, H heads, D = width / H, V tokens in the vocabulary.
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


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """The size of a GPT-2; the defaults are the smallest of the four that OpenAI published."""

    dataset: str = "austen"
    """What it is trained on where no --data is given: austen (novels) or walks (generated sentences)."""
    tokenizer: Literal["own", "gpt2"] = "own"
    """How a text is cut: by a vocabulary learnt from the training text, or by GPT-2's own."""
    vocabulary: int = 50257
    """Number of different tokens."""
    context: int = 1024
    """Most tokens it sees at once."""
    layers: int = 12
    """Blocks, one after the other."""
    heads: int = 12
    """Attention heads in each block; they share the width."""
    width: int = 768
    """Numbers that stand for a token inside."""
    dropout: float = 0.1
    """Share of numbers that is dropped in training, after the embedding and before each sum."""
    attention_dropout: float = 0.1
    """Share of looks at other tokens that is dropped in training; without any, attention is much faster on a CPU."""
    muon_lr: float = 0.0
    """Learning rate of Muon for the matrices of the blocks, which learn sooner by it; 0 = AdamW for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("context", "layers", "heads", "width"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.vocabulary >= 257 or reject("vocabulary must be at least 257: all bytes, and the end.", self.vocabulary)
        self.width % self.heads == 0 or reject(f"width must be divisible by the {self.heads} heads.", self.width)
        self.muon_lr >= 0 or reject("muon_lr must not be negative.", self.muon_lr)
        for name in ("dropout", "attention_dropout"):
            0 <= getattr(self, name) < 1 or reject(f"{name} must be at least 0 and below 1.", getattr(self, name))


class Cache:
    """Keys and values of the tokens read so far, so that reading one more costs one step. Made once, then filled.

    Args:
        config: Of the model.
        batch: Texts side by side.
        like: A parameter of the model, for type and device.
    """

    def __init__(self, config: Config, batch: int, like: Tensor) -> None:
        shape = (config.layers, batch, config.heads, config.context, config.width // config.heads)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)
        self.length = 0

    def put(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add what a layer has of the new tokens, (B, H, T, D), and return all that it has, (B, H, P + T, D)."""
        end = self.length + k.shape[2]
        self.keys[layer, :, :, self.length : end], self.values[layer, :, :, self.length : end] = k, v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Attention(nn.Module):
    """Every token looks at itself and at those before it, in several heads: softmax(q kᵀ / √D) v."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.heads, self.dropout, self.layer = config.heads, config.attention_dropout, layer
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Float[Tensor, "b t w"], cache: Cache | None) -> Float[Tensor, "b t w"]:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        T, P = x.shape[1], cache.length if cache else 0
        if cache:
            k, v = cache.put(self.layer, k, v)  # (B, H, P + T, D)
        mask = torch.ones(T, P + T, dtype=torch.bool, device=x.device).tril(P) if P and T > 1 else None
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=not P and T > 1)  # (B, H, T, D)
        return self.out(y.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Every token by itself, through four times the width; GELU in the approximation by tanh, as GPT-2 has it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.wide = nn.Linear(config.width, 4 * config.width)
        self.out = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b t w"]:
        return self.out(F.gelu(self.wide(x), approximate="tanh"))


class Block(nn.Module):
    """Attention, then the MLP; each sees the normalised stream and adds to it."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config, layer)
        self.mlp_norm = nn.LayerNorm(config.width)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b t w"], cache: Cache | None = None) -> Float[Tensor, "b t w"]:
        x = x + self.dropout(self.attention(self.attention_norm(x), cache))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Transformer(nn.Module):
    """The whole of it: tokens and positions in, blocks, and one score for each possible next token out."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)  # also the output layer: scores are x tokensᵀ
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [Block(config, layer) for layer in range(config.layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(config.width)
        self.apply(self.initialise)
        for block in blocks:  # as many sums as there are layers must not let the stream grow
            for last in (block.attention.out, block.mlp.out):
                nn.init.normal_(last.weight, std=0.02 / (2 * config.layers) ** 0.5)

    @staticmethod
    def initialise(module: nn.Module) -> None:
        """GPT-2's start: all matrices N(0, 0.02²), biases 0."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(self, ids: Int[Tensor, "b t"], cache: Cache | None = None) -> Float[Tensor, "b t w"]:
        """The stream after the last block and norm, from which ``scores`` are made.

        Args:
            ids: Tokens. With a cache, those that follow the ones in it, at most ``context`` in all.
            cache: Filled with what is read; None where nothing will follow.
        """
        start = cache.length if cache else 0
        place = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = self.dropout(self.tokens(ids) + self.positions(place))  # (B, T, width)
        for block in self.blocks:
            x = block(x, cache)
        if cache:
            cache.length += ids.shape[1]
        return self.norm(x)

    def scores(self, x: Float[Tensor, "... w"]) -> Float[Tensor, "... v"]:
        """Unnormalised log-probabilities of the token that follows."""
        return F.linear(x, self.tokens.weight)
