"""The Transformer (Vaswani et al., "Attention Is All You Need", arXiv:1706.03762), normalised before each part.

    attention(q, k, v) = softmax(q kᵀ / √D) v

Every layer adds to the stream: looks at the sentence itself, in the decoder looks at the source, and a feed-forward part.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .model import PAD, Config, State, Translation


class Attention(nn.Module):
    """Looks in several heads; the keys and values may have been made before.

    Args:
        width: Of the stream.
        heads: How many share it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.pair = nn.Linear(width, 2 * width)

    def look_at(self, x: Float[Tensor, "b s w"]) -> Float[Tensor, "b two h s d"]:
        """Keys and values of what is looked at."""
        return self.pair(x).unflatten(2, (2, self.heads, -1)).permute(0, 2, 3, 1, 4)

    def forward(
        self, x: Float[Tensor, "b t w"], seen: Float[Tensor, "b two h s d"], mask: Bool[Tensor, "any_b any_t s"] | None
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t s"]]:
        """The mixture of the values, and its weights in the mean over the heads."""
        q = self.query(x).unflatten(2, (self.heads, -1)).transpose(1, 2)  # (B, H, T, D)
        scores = q @ seen[:, 0].transpose(2, 3) / math.sqrt(q.shape[3])  # (B, H, T, S)
        scores = scores if mask is None else scores.masked_fill(~mask[:, None], -torch.inf)
        weights = scores.softmax(3)
        return self.out((weights @ seen[:, 1]).transpose(1, 2).flatten(2)), weights.mean(1)


class Layer(nn.Module):
    """A layer of the encoder: every token looks at all of its sentence, then changes by itself."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        w = config.width
        self.own_norm, self.own = nn.LayerNorm(w), Attention(w, config.heads)
        self.wide_norm = nn.LayerNorm(w)
        self.wide, self.narrow = nn.Linear(w, config.feed_forward), nn.Linear(config.feed_forward, w)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b s w"], mask: Bool[Tensor, "b s"]) -> Float[Tensor, "b s w"]:
        y = self.own_norm(x)
        x = x + self.dropout(self.own(y, self.own.look_at(y), mask[:, None])[0])
        return self.by_itself(x)

    def by_itself(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b t w"]:
        """The feed-forward part."""
        return x + self.dropout(self.narrow(self.dropout(F.relu(self.wide(self.wide_norm(x))))))


class DecoderLayer(Layer):
    """A layer of the decoder: a token looks at itself and those before it, then at the source."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.cross_norm, self.cross = nn.LayerNorm(config.width), Attention(config.width, config.heads)

    def follow(self, x: Float[Tensor, "b t w"], state: State, number: int) -> tuple[Tensor, Float[Tensor, "b t s"]]:
        """New tokens, after those whose keys and values the state keeps; and how they looked at the source."""
        y, t, read = self.own_norm(x), x.shape[1], f"read{number}"
        seen = self.own.look_at(y)
        state[read] = seen = torch.cat([state[read], seen], 3) if state.length else seen
        mask = torch.ones(1, t, state.length + t, dtype=torch.bool, device=x.device).tril(state.length)
        x = x + self.dropout(self.own(y, seen, mask if t > 1 else None)[0])
        looked, weights = self.cross(self.cross_norm(x), state[f"memory{number}"], state.mask[:, None])
        return self.by_itself(x + self.dropout(looked)), weights


class Transformer(Translation):
    """The whole of it, with sinusoids for the positions."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        for parameter in self.parameters():
            nn.init.xavier_uniform_(parameter) if parameter.ndim > 1 else None
        for embedding in {self.source, self.target}:
            nn.init.normal_(embedding.weight, std=config.width**-0.5)

    def embed(self, table: nn.Module, tokens: Int[Tensor, "b t"], start: int) -> Float[Tensor, "b t w"]:
        """Tokens with their positions."""
        x = table(tokens) * math.sqrt(self.config.width)
        return self.dropout(x + positions(start, tokens.shape[1], x))

    def encode(self, source: Int[Tensor, "b s"]) -> State:
        mask = source != PAD
        x = self.embed(self.source, source, 0)
        for layer in self.encoder:
            x = layer(x, mask)
        x = self.encoder_norm(x)
        return State(mask, **{f"memory{n}": layer.cross.look_at(x) for n, layer in enumerate(self.layers)})

    def decode(
        self, tokens: Int[Tensor, "b t"], state: State
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t s"] | None]:
        x, weights = self.embed(self.target, tokens, state.length), None
        for number, layer in enumerate(self.layers):
            x, weights = layer.follow(x, state, number)
        state.length += tokens.shape[1]
        return self.decoder_norm(x), weights

    @property
    def layers(self) -> list[DecoderLayer]:
        """The decoder's layers."""
        return list(self.decoder)  # type: ignore[arg-type]


def positions(start: int, length: int, like: Tensor) -> Float[Tensor, "t w"]:
    """Sines and cosines of places at wavelengths from 2π to 10,000 · 2π (section 3.5)."""
    width = like.shape[-1]
    place = torch.arange(start, start + length, device=like.device, dtype=like.dtype)
    angles = place[:, None] * 10000.0 ** (-torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width)
    return torch.cat([angles.sin(), angles.cos()], 1)
