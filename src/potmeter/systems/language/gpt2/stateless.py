"""GPT-2 as a pure function for ``export``: past keys and values go in, those of past and present come out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .model import Config, KeyValueCache, Transformer


class GrowingCache(KeyValueCache):
    """The cache of a pure function: nothing is written in place, what is returned is longer by what was read.

    Args:
        past: Keys and values of each layer in turn, (B, H, P, D) each.
    """

    def __init__(self, past: tuple[Tensor, ...]) -> None:
        self.tensors = list(past)
        self.length = past[0].shape[2]

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        for place, new in ((2 * layer, k), (2 * layer + 1, v)):
            self.tensors[place] = torch.cat([self.tensors[place], new], 2)
        return self.tensors[2 * layer], self.tensors[2 * layer + 1]

    def mask(self, num_tokens: int, device: torch.device) -> Tensor:
        positions = torch.arange(self.length + num_tokens, device=device)
        return positions <= positions[self.length :, None]  # (T, P + T), by one graph for every P and T


class StatelessTransformer(nn.Module):
    """The logits of the next token at each of ``input_ids``, and the keys and values of all tokens so far.

    Text is decoded by giving ``present`` back as ``past_key_values`` with the next token; at first these are of length
    0. Inputs and outputs are named as Optimum names them. The tokenizer is in the file's metadata, as ``tokenizer.json``.

    Args:
        input_ids: (batch, tokens), int64; at most context_length with the past
        past_key_values: of each layer keys and values, (batch, heads, past, embedding_dim / heads)
    """

    SIZES = (
        {"batch": 1, "tokens": 5, "past": 0},
        {"batch": 5, "tokens": 1, "past": 6},
        {"batch": 2, "tokens": 3, "past": 4},
    )
    """Those that are compared: a prompt, one token more, several more."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model
        slots = [f"{layer}.{kind}" for layer in range(model.config.num_layers) for kind in ("key", "value")]
        self.input_names = ["input_ids", *(f"past_key_values.{slot}" for slot in slots)]
        self.output_names = ["logits", *(f"present.{slot}" for slot in slots)]
        self.dimensions = ({0: "batch", 1: "tokens"}, *[{0: "batch", 2: "past"}] * len(slots))

    def forward(self, input_ids: Tensor, *past_key_values: Tensor) -> tuple[Tensor, ...]:
        cache = GrowingCache(past_key_values)
        logits = self.model.logits(self.model(input_ids, cache))  # (B, T, V)
        return logits, *cache.tensors


def example_inputs(config: Config) -> tuple[Tensor, ...]:
    """Two texts of three tokens, after two others."""
    ids = torch.tensor([[0, 1, config.vocab_size - 1]] * 2)
    past = torch.rand(2, config.num_heads, 2, config.embedding_dim // config.num_heads)
    return ids, *[past] * (2 * config.num_layers)
