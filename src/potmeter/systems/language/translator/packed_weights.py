"""A Transformer's weights packed for the compiled search: in the order in which its matrix products read them."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from potmeter.nn.compiled import PackedLinear, pack_linear

from .transformer import MultiHeadAttention, Transformer


class PackedNorm(NamedTuple):
    """Layer normalisations of equal size."""

    weight: np.ndarray
    """float32 (layers, C)."""
    bias: np.ndarray


class PackedEncoder(NamedTuple):
    """The weights of the encoder's layers."""

    self_attention_norm: PackedNorm
    qkv: PackedLinear
    attention_output: PackedLinear
    feed_forward_norm: PackedNorm
    linear1: PackedLinear
    linear2: PackedLinear
    norm: PackedNorm


class PackedDecoder(NamedTuple):
    """The weights of the decoder's layers."""

    self_attention_norm: PackedNorm
    qkv: PackedLinear
    attention_output: PackedLinear
    cross_attention_norm: PackedNorm
    cross_query: PackedLinear
    cross_key_value: PackedLinear
    cross_output: PackedLinear
    feed_forward_norm: PackedNorm
    linear1: PackedLinear
    linear2: PackedLinear
    norm: PackedNorm
    logits: PackedLinear


def pack_encoder(model: Transformer) -> PackedEncoder:
    """The weights of the encoder."""
    layers = model.encoder
    return PackedEncoder(
        self_attention_norm=pack_norms(layers, "self_attention_norm"),
        qkv=pack_qkv(layers),
        attention_output=pack_linears(layers, "self_attention.output"),
        feed_forward_norm=pack_norms(layers, "feed_forward_norm"),
        linear1=pack_linears(layers, "feed_forward.linear1"),
        linear2=pack_linears(layers, "feed_forward.linear2"),
        norm=pack_norms([model], "encoder_norm"),
    )


def pack_decoder(model: Transformer) -> PackedDecoder:
    """The weights of the decoder, and of the output projection."""
    layers = model.decoder
    queries = [layer.cross_attention.query for layer in model.decoder_layers]
    scale = attention_scale(model.decoder_layers[0].cross_attention)
    output = model.target_embedding if model.output_projection is None else model.output_projection
    return PackedDecoder(
        self_attention_norm=pack_norms(layers, "self_attention_norm"),
        qkv=pack_qkv(layers),
        attention_output=pack_linears(layers, "self_attention.output"),
        cross_attention_norm=pack_norms(layers, "cross_attention_norm"),
        cross_query=pack_linear([each.weight * scale for each in queries], [each.bias * scale for each in queries]),
        cross_key_value=pack_linears(layers, "cross_attention.key_value"),
        cross_output=pack_linears(layers, "cross_attention.output"),
        feed_forward_norm=pack_norms(layers, "feed_forward_norm"),
        linear1=pack_linears(layers, "feed_forward.linear1"),
        linear2=pack_linears(layers, "feed_forward.linear2"),
        norm=pack_norms([model], "decoder_norm"),
        logits=pack_linear([output.weight]),
    )


def pack_qkv(layers: Iterable[nn.Module]) -> PackedLinear:
    """Query, key and value of self-attention as one linear layer; the scores' 1 / √D is in the query's weights."""
    attentions: list[MultiHeadAttention] = [*map(attrgetter("self_attention"), layers)]
    scale = attention_scale(attentions[0])
    weights = [torch.cat([each.query.weight * scale, each.key_value.weight]) for each in attentions]
    return pack_linear(weights, [torch.cat([each.query.bias * scale, each.key_value.bias]) for each in attentions])


def attention_scale(attention: MultiHeadAttention) -> float:
    """1 / √D."""
    return float((attention.query.out_features / attention.num_heads) ** -0.5)


def pack_linears(layers: Iterable[nn.Module], path: str) -> PackedLinear:
    """One linear layer of each layer."""
    linears = [*map(attrgetter(path), layers)]
    return pack_linear([each.weight for each in linears], [each.bias for each in linears])


def pack_norms(layers: Iterable[nn.Module], path: str) -> PackedNorm:
    """One layer normalisation of each layer."""
    norms = [*map(attrgetter(path), layers)]
    weights, biases = (torch.stack([getattr(each, name) for each in norms]) for name in ("weight", "bias"))
    return PackedNorm(weights.detach().numpy(), biases.detach().numpy())
