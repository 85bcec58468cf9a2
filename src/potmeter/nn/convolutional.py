"""Convolutional encoder and decoder: from a picture to a vector, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["none", "batch"]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a skip connection, pre-activation (He et al., arXiv:1603.05027); starts as the identity."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(filters, filters, 3, padding=1)
        self.second = nn.Conv2d(filters, filters, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


def dense_layers(widths: Sequence[int], norm: Norm) -> nn.Sequential:
    """Fully connected hidden layers, from each width to the next: linear map, normalisation, SiLU."""
    layers = []
    for before, after in pairwise(widths):
        normal = nn.BatchNorm1d(after) if norm == "batch" else nn.Identity()
        layers.append(nn.Sequential(nn.Linear(before, after), normal, nn.SiLU()))
    return nn.Sequential(*layers)


class ConvEncoder(nn.Module):
    """A picture (B, C, H, W) in [0, 1] as a vector (B, widths[-1]).

    Args:
        shape: (C, H, W).
        filters: Channels after each strided convolution, which halves height and width; empty for dense layers only.
        blocks: Residual blocks at each of these resolutions.
        widths: Units of the dense hidden layers.
        norm: Their normalisation, and that of the convolutions.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        filters: Sequence[int],
        blocks: Sequence[int],
        widths: Sequence[int],
        norm: Norm,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, count in zip((shape[0], *filters), filters, blocks, strict=False):
            layers += [nn.Conv2d(before, after, 4, stride=2, padding=1)]
            layers += [nn.BatchNorm2d(after)] if norm == "batch" else []
            layers += [*(ResidualBlock(after) for _ in range(count)), nn.SiLU()]
        self.downsampling = nn.Sequential(*layers)
        self.hidden = dense_layers((math.prod(coarsest_shape(shape, filters)), *widths), norm)

    def forward(self, images: Tensor) -> Tensor:
        x: Tensor = self.downsampling(2 * images - 1)  # (B, filters[-1], H / 2^n, W / 2^n)
        x = self.hidden(x.flatten(1))  # (B, widths[-1])
        return x


class ConvDecoder(nn.Module):
    """A vector (B, inputs) as logits of a picture (B, C, H, W), unbounded; ``ConvEncoder`` in reverse, with its arguments."""

    def __init__(
        self,
        inputs: int,
        shape: tuple[int, int, int],
        filters: Sequence[int],
        blocks: Sequence[int],
        widths: Sequence[int],
        norm: Norm,
    ) -> None:
        super().__init__()
        self.shape = coarsest_shape(shape, filters)
        self.hidden = dense_layers((inputs, *reversed(widths)), norm)
        self.projection = nn.Linear(widths[0], math.prod(self.shape))
        layers: list[nn.Module] = []
        for before, after, count in reversed(list(zip(filters, (shape[0], *filters), blocks, strict=False))):
            layers += [nn.BatchNorm2d(before)] if norm == "batch" else []
            layers += [*(ResidualBlock(before) for _ in range(count)), nn.SiLU()]
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        self.upsampling = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.projection(self.hidden(z)).unflatten(1, self.shape)  # (B, filters[-1], H / 2^n, W / 2^n)
        x = self.upsampling(x)  # (B, C, H, W)
        return x


def coarsest_shape(shape: tuple[int, int, int], filters: Sequence[int]) -> tuple[int, int, int]:
    """(C, H, W) of the feature maps between convolutions and dense layers."""
    factor = 2 ** len(filters)
    return (filters[-1] if filters else shape[0], shape[1] // factor, shape[2] // factor)
