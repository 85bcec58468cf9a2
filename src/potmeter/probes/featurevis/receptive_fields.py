"""Receptive fields: how large a part of the picture a unit can see, followed through a forward pass.

Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019): through a layer
with kernel k, dilation d and stride s, r ← r + (k − 1) · d · j and j ← j · s, where j is the distance in the picture
between neighbouring units.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

ReceptiveField = tuple[float, float]
"""(r, j) in pixels: side of what a unit sees, infinite where that is the whole picture, and distance of neighbouring units."""

CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d, torch.conv2d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
POOLINGS = (F.max_pool1d, F.max_pool2d, F.max_pool3d, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, torch.max_pool2d)
GLOBAL = (
    F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_max_pool1d, F.adaptive_max_pool2d,
    F.scaled_dot_product_attention, torch.mean, Tensor.mean, torch.sum, Tensor.sum, torch.amax, Tensor.amax,
    torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm, torch.einsum, F.multi_head_attention_forward,
)  # fmt: skip
"""Functions that may join any places with any others."""


class ReceptiveFields(TorchFunctionMode):
    """Within this context every tensor that comes from the marked picture carries its receptive field (``receptive_field_of``).

    Normalisation counts as seeing nothing more, though some kinds take the mean over the whole picture.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        fields = [f for x in iterate_tensors((args, kwargs)) if (f := receptive_field_of(x))]
        out = func(*args, **kwargs)
        if fields:
            field = propagate_field(func, args, kwargs, (max(r for r, _ in fields), max(j for _, j in fields)))
            for x in iterate_tensors(out):
                x._receptive_field = field  # type: ignore[attr-defined]
        return out


def mark_input(picture: Tensor) -> Tensor:
    """The picture itself: each unit sees one pixel."""
    picture._receptive_field = (1.0, 1.0)  # type: ignore[attr-defined]
    return picture


def receptive_field_of(x: Tensor) -> ReceptiveField | None:
    """A tensor's receptive field; None where it does not come from the picture."""
    field: ReceptiveField | None = getattr(x, "_receptive_field", None)
    return field


def iterate_tensors(value: Any) -> list[Tensor]:
    """The tensors in nested arguments."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [x for part in parts for x in iterate_tensors(part)]


def propagate_field(func: Any, args: Any, kwargs: Any, field: ReceptiveField) -> ReceptiveField:
    """The receptive field of a function's output, given that of its input."""
    r, j = field
    if func in CONVOLUTIONS:
        given = dict(zip(("input", "weight", "bias", "stride", "padding", "dilation"), args, strict=False)) | kwargs
        kernel = max(given["weight"].shape[2:])
        return r + (kernel - 1) * max_of(given.get("dilation", 1)) * j, j * max_of(given.get("stride", 1))
    if func in TRANSPOSED:
        given = dict(zip(("input", "weight", "bias", "stride"), args, strict=False)) | kwargs
        stride = max_of(given.get("stride", 1))
        return r + (math.ceil(max(given["weight"].shape[2:]) / stride) - 1) * j, j / stride
    if func in POOLINGS:
        given = dict(zip(("input", "kernel_size", "stride"), args, strict=False)) | kwargs
        kernel = max_of(given["kernel_size"])
        return r + (kernel - 1) * j, j * (max_of(given.get("stride")) or kernel)
    if func is F.interpolate:
        return r + j, j  # a neighbour more, at most
    flat = func is F.linear and args[0].ndim == 2
    return (math.inf, j) if func in GLOBAL or flat else field


def max_of(value: Any) -> int:
    """The largest of a number or several; 0 for None and none."""
    return max(value, default=0) if isinstance(value, (tuple, list)) else int(value or 0)
