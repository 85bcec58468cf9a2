"""Weights in 8 bits: a quarter of the bytes to read for each token, which is what a single text's speed depends on.

Every row of a matrix is divided by its largest number and rounded to −127 … 127 (LLM.int8(), arXiv:2208.07339, section
2, but for the weights only): what they are multiplied by is rounded to bfloat16.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .model import Transformer


class Int8Linear(nn.Module):
    """A linear layer for a few inputs at once, with weights in 8 bits and a scale for each output.

    Args:
        weight: (out, in).
        bias: (out,), or none.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        scale = weight.detach().abs().amax(1).clamp_min(1e-12) / 127  # (out,)
        self.register_buffer("weight", (weight.detach() / scale[:, None]).round().to(torch.int8))
        self.register_buffer("scale", scale.bfloat16())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).bfloat16()  # torch's kernel is slow, on a CPU, for any other type
        y = torch.ops.aten._weight_int8pack_mm(rows, self.weight, self.scale).to(x.dtype)
        y = y if self.bias is None else y + self.bias
        return y.view(*x.shape[:-1], -1)


class Int8Transformer(Transformer):
    """A Transformer whose matrices are in 8 bits; made by ``in_int8``."""

    output: Int8Linear

    def scores(self, x: Tensor) -> Tensor:
        scores: Tensor = self.output(x)
        return scores


def in_int8(model: Transformer) -> Int8Transformer:
    """A copy of a model, for reading one text, with its matrices in 8 bits; embeddings are only looked up, and stay."""
    small = copy.deepcopy(model)
    small.__class__ = Int8Transformer
    assert isinstance(small, Int8Transformer)
    for module in list(small.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, Int8Linear(child.weight, child.bias))
    small.output = Int8Linear(small.tokens.weight, None)
    return small
