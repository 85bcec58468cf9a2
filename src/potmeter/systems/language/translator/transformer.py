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
    """One layer of the encoder, or, with ``cross``, of the decoder."""

    def __init__(self, config: Config, cross: bool) -> None:
        super().__init__()
        w = config.width
        self.own_norm, self.own = nn.LayerNorm(w), Attention(w, config.heads)
        self.cross_norm, self.cross = (nn.LayerNorm(w), Attention(w, config.heads)) if cross else (None, None)
        self.wide_norm = nn.LayerNorm(w)
        self.wide, self.narrow = nn.Linear(w, config.feed_forward), nn.Linear(config.feed_forward, w)
        self.dropout = nn.Dropout(config.dropout)

    def feed_forward(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b t w"]:
        """Every token by itself."""
        return x + self.dropout(self.narrow(self.dropout(F.relu(self.wide(self.wide_norm(x))))))


class Transformer(Translation):
    """The whole of it, with sinusoids for the positions."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = nn.ModuleList(Layer(config, cross=False) for _ in range(config.layers))
        self.decoder = nn.ModuleList(Layer(config, cross=True) for _ in range(config.decoder_layers))
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
            y = layer.own_norm(x)  # type: ignore[operator]
            x = x + layer.dropout(layer.own(y, layer.own.look_at(y), mask[:, None])[0])  # type: ignore[operator, union-attr]
            x = layer.feed_forward(x)  # type: ignore[operator]
        x = self.encoder_norm(x)
        return State(mask, **{f"memory{n}": layer.cross.look_at(x) for n, layer in enumerate(self.decoder)})  # type: ignore[operator, union-attr, misc]

    def decode(
        self, tokens: Int[Tensor, "b t"], state: State
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t s"] | None]:
        x = self.embed(self.target, tokens, state.length)
        length = tokens.shape[1]
        causal = torch.ones(length, state.length + length, dtype=torch.bool, device=x.device).tril(state.length)
        weights = None
        for number, layer in enumerate(self.decoder):
            y = layer.own_norm(x)  # type: ignore[operator]
            seen = layer.own.look_at(y)  # type: ignore[operator, union-attr]
            if state.length:
                seen = torch.cat([state[f"read{number}"], seen], 3)
            state[f"read{number}"] = seen
            x = x + layer.dropout(layer.own(y, seen, causal[None] if length > 1 else None)[0])  # type: ignore[operator]
            looked, weights = layer.cross(layer.cross_norm(x), state[f"memory{number}"], state.mask[:, None])  # type: ignore[operator]
            x = layer.feed_forward(x + layer.dropout(looked))  # type: ignore[operator]
        state.length += length
        return self.decoder_norm(x), weights


def positions(start: int, length: int, like: Tensor) -> Float[Tensor, "t w"]:
    """Sines and cosines of places at wavelengths from 2π to 10,000 · 2π (section 3.5)."""
    width = like.shape[-1]
    place = torch.arange(start, start + length, device=like.device, dtype=like.dtype)
    angles = place[:, None] * 10000.0 ** (-torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width)
    return torch.cat([angles.sin(), angles.cos()], 1)
