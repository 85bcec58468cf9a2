"""Layers of image transformation networks: convolutions padded by reflection, instance normalisation, residual blocks.

Johnson et al. 2016 (arXiv:1603.08155) for style transfer, Zhu et al. 2017 (arXiv:1703.10593) for unpaired translation;
instance normalisation: Ulyanov et al. 2016 (arXiv:1607.08022).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvLayer(nn.Module):
    """A convolution whose input is padded: (B, inputs, H, W) → (B, outputs, ⌈H / stride⌉, ⌈W / stride⌉).

    Args:
        inputs, outputs: Channels.
        kernel: Side of the filters, odd.
        stride: Pixels from one place to the next.
        padding: By reflection at the edges, or by zeros (``constant``).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: Literal["reflect", "constant"] = "reflect",
    ) -> None:
        super().__init__()
        self.padding, self.padding_mode = kernel // 2, padding
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        p = self.padding
        y: Tensor = self.conv2d(F.pad(x, (p, p, p, p), mode=self.padding_mode))
        return y


class UpsampleConvLayer(ConvLayer):
    """Every pixel repeated twice in both directions, then a convolution: no checkerboards (Odena et al. 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2, mode="nearest"))


class TransposedConvLayer(nn.Module):
    """A transposed convolution of 3×3 filters that doubles height and width: (B, inputs, H, W) → (B, outputs, 2 H, 2 W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv2d = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv2d(x)
        return y


class InstanceNorm(nn.InstanceNorm2d):
    """Every channel of every picture brought to mean 0 and variance 1, then, if affine, scaled and moved by learned amounts.

    Of one picture it is a batch normalisation, which torch does ten times as fast on a CPU and without leaving
    channels_last.
    """

    def __init__(self, channels: int, affine: bool = True) -> None:
        super().__init__(channels, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        parts = [F.batch_norm(one, None, None, self.weight, self.bias, True, 0.0, self.eps) for one in x.split(1)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]


class ResidualBlock(nn.Module):
    """Two convolutions added to the input, without a ReLU after the sum (Gross and Wilber 2016)."""

    def __init__(self, channels: int, affine: bool = True) -> None:
        super().__init__()
        self.conv1 = ConvLayer(channels, channels, 3)
        self.in1 = InstanceNorm(channels, affine)
        self.conv2 = ConvLayer(channels, channels, 3)
        self.in2 = InstanceNorm(channels, affine)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.in1(self.conv1(x)).relu()
        y = self.in2(self.conv2(y))
        return x + y
