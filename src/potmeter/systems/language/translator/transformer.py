"""The Transformer (Vaswani et al., "Attention Is All You Need", arXiv:1706.03762), pre-norm.

    attention(Q, K, V) = softmax(Q Kᵀ / √D) V

Every layer adds to the residual stream: self-attention, in the decoder cross-attention to the source, and a feed-forward
part. Normalising before each part instead of after it needs no long warm-up (Xiong et al., arXiv:2002.04745).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .model import PAD, Config, DecoderState, Seq2Seq


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention in several heads; the keys and values may have been projected before.

    Args:
        embedding_dim: C, of the residual stream.
        num_heads: H; each has D = C / H dimensions.
    """

    def __init__(self, embedding_dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(embedding_dim, embedding_dim)
        self.key_value = nn.Linear(embedding_dim, 2 * embedding_dim)
        self.output = nn.Linear(embedding_dim, embedding_dim)

    def project_key_value(self, memory: Float[Tensor, "b s c"]) -> Float[Tensor, "b two h s d"]:
        """Keys and values of what is attended to."""
        return self.key_value(memory).unflatten(2, (2, self.num_heads, -1)).permute(0, 2, 3, 1, 4)

    def forward(
        self, x: Float[Tensor, "b t c"], key_value: Float[Tensor, "b two h s d"],
        mask: Bool[Tensor, "any_b any_t s"] | None,
    ) -> tuple[Float[Tensor, "b t c"], Float[Tensor, "b t s"]]:  # fmt: skip
        """The context of each query, and the attention weights, averaged over the heads; where ``mask`` is False is none."""
        q = self.query(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)  # (B, H, T, D)
        scores = q @ key_value[:, 0].transpose(2, 3) / math.sqrt(q.shape[3])  # (B, H, T, S)
        scores = scores if mask is None else scores.masked_fill(~mask[:, None], -torch.inf)
        weights = scores.softmax(3)
        return self.output((weights @ key_value[:, 1]).transpose(1, 2).flatten(2)), weights.mean(1)


class FeedForward(nn.Module):
    """The position-wise feed-forward network (section 3.3): W₂ relu(W₁ x)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.linear1 = nn.Linear(config.embedding_dim, config.feed_forward_dim)
        self.dropout = nn.Dropout(config.dropout)
        self.linear2 = nn.Linear(config.feed_forward_dim, config.embedding_dim)

    def forward(self, x: Float[Tensor, "b t c"]) -> Float[Tensor, "b t c"]:
        return self.linear2(self.dropout(F.relu(self.linear1(x))))


class EncoderLayer(nn.Module):
    """Self-attention over the whole sentence, then the feed-forward network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.self_attention_norm = nn.LayerNorm(config.embedding_dim)
        self.self_attention = MultiHeadAttention(config.embedding_dim, config.num_heads)
        self.feed_forward_norm = nn.LayerNorm(config.embedding_dim)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b s c"], mask: Bool[Tensor, "b s"]) -> Float[Tensor, "b s c"]:
        y = self.self_attention_norm(x)
        y, _ = self.self_attention(y, self.self_attention.project_key_value(y), mask[:, None])
        x = x + self.dropout(y)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class DecoderLayer(nn.Module):
    """Causal self-attention, cross-attention to the source, the feed-forward network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.self_attention_norm = nn.LayerNorm(config.embedding_dim)
        self.self_attention = MultiHeadAttention(config.embedding_dim, config.num_heads)
        self.cross_attention_norm = nn.LayerNorm(config.embedding_dim)
        self.cross_attention = MultiHeadAttention(config.embedding_dim, config.num_heads)
        self.feed_forward_norm = nn.LayerNorm(config.embedding_dim)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Float[Tensor, "b t c"], state: DecoderState, number: int
    ) -> tuple[Float[Tensor, "b t c"], Float[Tensor, "b t s"]]:
        """New tokens, after those whose keys and values the state caches; and their cross-attention weights."""
        y, t, cache = self.self_attention_norm(x), x.shape[1], f"self_key_value{number}"
        key_value = self.self_attention.project_key_value(y)
        state[cache] = key_value = torch.cat([state[cache], key_value], 3) if state.length else key_value
        causal = torch.ones(1, t, state.length + t, dtype=torch.bool, device=x.device).tril(state.length)
        y, _ = self.self_attention(y, key_value, causal if t > 1 else None)
        x = x + self.dropout(y)
        y = self.cross_attention_norm(x)
        y, weights = self.cross_attention(y, state[f"cross_key_value{number}"], state.source_mask[:, None])
        x = x + self.dropout(y)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x))), weights


class Transformer(Seq2Seq):
    """Encoder and decoder, with sinusoids for the positions."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.encoder_norm = nn.LayerNorm(config.embedding_dim)
        self.decoder_norm = nn.LayerNorm(config.embedding_dim)
        for parameter in self.parameters():
            nn.init.xavier_uniform_(parameter) if parameter.ndim > 1 else None
        for embedding in {self.source_embedding, self.target_embedding}:
            nn.init.normal_(embedding.weight, std=config.embedding_dim**-0.5)

    def embed(self, embedding: nn.Module, tokens: Int[Tensor, "b t"], start: int) -> Float[Tensor, "b t c"]:
        """Tokens with their positions, the first of which is ``start``."""
        x = embedding(tokens) * math.sqrt(self.config.embedding_dim)
        return self.dropout(x + sinusoidal_positions(start, tokens.shape[1], x))

    def encode(self, source: Int[Tensor, "b s"]) -> DecoderState:
        mask = source != PAD
        x = self.embed(self.source_embedding, source, 0)
        for layer in self.encoder:
            x = layer(x, mask)
        memory = self.encoder_norm(x)
        attentions = [layer.cross_attention for layer in self.decoder_layers]
        key_values = [attention.project_key_value(memory) for attention in attentions]
        return DecoderState(mask, **{f"cross_key_value{n}": tensor for n, tensor in enumerate(key_values)})

    def decode(
        self, tokens: Int[Tensor, "b t"], state: DecoderState
    ) -> tuple[Float[Tensor, "b t c"], Float[Tensor, "b t s"] | None]:
        x, weights = self.embed(self.target_embedding, tokens, state.length), None
        for number, layer in enumerate(self.decoder_layers):
            x, weights = layer(x, state, number)
        state.length += tokens.shape[1]
        return self.decoder_norm(x), weights

    @property
    def decoder_layers(self) -> list[DecoderLayer]:
        """The decoder's layers."""
        return list(self.decoder)  # type: ignore[arg-type]


def sinusoidal_positions(start: int, length: int, like: Tensor) -> Float[Tensor, "t c"]:
    """Sines and cosines of positions at wavelengths from 2π to 10,000 · 2π (section 3.5)."""
    dim = like.shape[-1]
    position = torch.arange(start, start + length, device=like.device, dtype=like.dtype)
    frequencies = 10000.0 ** (-torch.arange(0, dim, 2, device=like.device, dtype=like.dtype) / dim)
    angles = position[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
