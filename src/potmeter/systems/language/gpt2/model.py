"""GPT-2: a decoder-only transformer, which reads a text from left to right and gives at each token the logits of the next.

Radford et al., "Language Models are Unsupervised Multitask Learners" (2019); attention: Vaswani et al., "Attention Is
All You Need" (arXiv:1706.03762), eq. 1. Each pre-norm block adds two things to the residual stream x:

    x = x + attention(norm(x))      x = x + mlp(norm(x))

Shapes: B texts, T tokens, P tokens in the cache, C embedding_dim, H heads, D = C / H, V tokens in the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The size of a GPT-2; the defaults are the smallest of the four that OpenAI published."""

    dataset: str = "austen"
    """What it is trained on where no --data is given: austen (novels) or walks (generated sentences)."""
    tokenizer: Literal["own", "gpt2"] = "own"
    """Whose byte-pair vocabulary cuts the text: its own, learnt from the training text, or GPT-2's."""
    vocab_size: Annotated[int, Range(257)] = 50257
    """Number of different tokens: all bytes, the end of a text, and what is merged of bytes."""
    context_length: Annotated[int, Range(1)] = 1024
    """Most tokens it attends to at once; each position has an embedding of its own."""
    num_layers: Annotated[int, Range(1)] = 12
    """Transformer blocks."""
    num_heads: Annotated[int, Range(1)] = 12
    """Attention heads in each block, of embedding_dim / num_heads dimensions each."""
    embedding_dim: Annotated[int, Range(1)] = 768
    """Dimensions of a token's embedding, and of the residual stream."""
    dropout: Annotated[float, Range(0, 1, open="high")] = 0.1
    """Dropout probability after the embedding, and of what each attention and MLP adds."""
    attention_dropout: Annotated[float, Range(0, 1, open="high")] = 0.1
    """Dropout probability of the attention weights; at 0 attention is much faster on a CPU."""
    muon_lr: Annotated[float, Range(0)] = 0.0
    """Learning rate of Muon for the blocks' weight matrices, which learn sooner by it; 0 = AdamW for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.embedding_dim % self.num_heads == 0 or reject("num_heads must divide embedding_dim.", self.num_heads)


class KeyValueCache:
    """Keys and values of the tokens read so far, so that one more token costs one step. Allocated once, then filled.

    Args:
        config: Of the model.
        batch_size: Texts side by side.
        like: A parameter of the model, for dtype and device.
    """

    def __init__(self, config: Config, batch_size: int, like: Tensor) -> None:
        head_dim = config.embedding_dim // config.num_heads
        shape = (config.num_layers, batch_size, config.num_heads, config.context_length, head_dim)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)
        self.length = 0

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store a layer's k and v of the new tokens, (B, H, T, D), and return those of all tokens, (B, H, P + T, D)."""
        end = self.length + k.shape[2]
        self.keys[layer, :, :, self.length : end], self.values[layer, :, :, self.length : end] = k, v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def mask(self, num_tokens: int, device: torch.device) -> Tensor | None:
        """Which of all tokens each new one attends to, (T, P + T); None where causality alone says it."""
        new, total = num_tokens, self.length + num_tokens
        causal = self.length == 0 or new == 1
        return None if causal else torch.ones(new, total, dtype=torch.bool, device=device).tril(self.length)


class Attention(nn.Module):
    """Causal multi-head self-attention: each token attends to itself and those before, softmax(q kᵀ / √D) v."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.num_heads, self.dropout, self.layer = config.num_heads, config.attention_dropout, layer
        self.qkv_proj = nn.Linear(config.embedding_dim, 3 * config.embedding_dim)
        self.out_proj = nn.Linear(config.embedding_dim, config.embedding_dim)

    def forward(self, x: Float[Tensor, "b t c"], cache: KeyValueCache | None) -> Float[Tensor, "b t c"]:
        q, k, v = self.qkv_proj(x).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        mask = None
        if cache:
            k, v = cache.append(self.layer, k, v)  # (B, H, P + T, D)
            mask = cache.mask(x.shape[1], x.device)
        dropout = self.dropout if self.training else 0.0
        causal = mask is None and x.shape[1] > 1
        y = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=causal)  # (B, H, T, D)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """The position-wise feed-forward network, four times as wide inside; GELU in its tanh approximation, as in GPT-2."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.in_proj = nn.Linear(config.embedding_dim, 4 * config.embedding_dim)
        self.out_proj = nn.Linear(4 * config.embedding_dim, config.embedding_dim)

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t c"]:
        return self.out_proj(F.gelu(self.in_proj(x), approximate="tanh"))


class Block(nn.Module):
    """Attention, then the MLP; each reads the normalised residual stream and adds to it."""

    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.embedding_dim)
        self.attention = Attention(config, layer)
        self.mlp_norm = nn.LayerNorm(config.embedding_dim)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b t c"], cache: KeyValueCache | None = None) -> Float[Tensor, "b t c"]:
        x = x + self.dropout(self.attention(self.attention_norm(x), cache))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class Transformer(nn.Module):
    """Token and position embeddings, the blocks, a final norm, and an output layer tied to the token embedding."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.embedding_dim)
        self.position_embedding = nn.Embedding(config.context_length, config.embedding_dim)
        self.dropout = nn.Dropout(config.dropout)
        blocks = [Block(config, layer) for layer in range(config.num_layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(config.embedding_dim)
        self.apply(self.init_weights)
        for block in blocks:  # the more residuals are added up, the smaller each
            for last in (block.attention.out_proj, block.mlp.out_proj):
                nn.init.normal_(last.weight, std=0.02 / (2 * config.num_layers) ** 0.5)

    @staticmethod
    def init_weights(module: nn.Module) -> None:
        """GPT-2's initialisation: weights N(0, 0.02²), biases 0."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)

    def forward(self, ids: Int[Tensor, "b t"], cache: KeyValueCache | None = None) -> Float[Tensor, "b t c"]:
        """The hidden states after the last block and norm, from which ``logits`` are computed where they are needed.

        Args:
            ids: Tokens. With a cache, those that follow the ones in it, at most ``context_length`` in all.
            cache: Filled with the keys and values of what is read; None where nothing will follow.
        """
        start = cache.length if cache else 0
        positions = torch.arange(start, start + ids.shape[1], device=ids.device)
        x = self.dropout(self.token_embedding(ids) + self.position_embedding(positions))  # (B, T, C)
        for block in self.blocks:
            x = block(x, cache)
        if cache:
            cache.length += ids.shape[1]
        return self.norm(x)

    def logits(self, x: Float[Tensor, "... c"]) -> Float[Tensor, "... v"]:
        """Unnormalised log-probabilities of the next token, from its predecessor's hidden state."""
        return F.linear(x, self.token_embedding.weight)
