"""Layers whose weights are all of one size, scaled when used, so that one learning rate suits them all; and a blur.

Karras et al. 2017, "Progressive Growing of GANs" (arXiv:1710.10196), section 4.1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

RELU = 2**0.5
"""Gain of a layer that a leaky ReLU follows."""


class EqualLinear(nn.Module):
    """y = x · (weight · gain / √inputs)ᵀ + bias.

    Example:
        >>> EqualLinear(8, 4)(torch.ones(2, 8)).shape
        torch.Size([2, 4])
    """

    def __init__(self, inputs: int, outputs: int, *, gain: float = RELU) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / inputs**0.5

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias)


class EqualConv2d(nn.Module):
    """A convolution that keeps the size, or as one step halves or doubles it; its bias is added by whoever comes next.

    * ``up``: every pixel is repeated 2 × 2 before a 3 × 3 convolution. The sum of four shifted kernels, as a transposed
      convolution of stride 2, is the same, at less than half the work.
    * ``down``: 2 × 2 pixels are averaged after it. The mean of four shifted kernels with stride 2 is the same.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, gain: float = RELU, resize: str = "none") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale, self.padding, self.resize = gain / (inputs * kernel**2) ** 0.5, kernel // 2, resize

    def forward(self, x: Float[Tensor, "b c h w"], bias: Tensor | None = None) -> Float[Tensor, "b d e f"]:
        weight = self.weight * self.scale
        if self.resize == "up":
            turned = (
                shifted(weight).flip(2, 3).transpose(0, 1)
            )  # a transposed convolution takes its kernel the other way
            return F.conv_transpose2d(x, turned, bias, stride=2, padding=1)
        if self.resize == "down":
            return F.conv2d(x, shifted(weight) / 4, bias, stride=2, padding=1)
        return F.conv2d(x, weight, bias, padding=self.padding)


def shifted(weight: Float[Tensor, "o i 3 3"]) -> Float[Tensor, "o i 4 4"]:
    """The sum of a 3 × 3 kernel at the four places that it has in a 4 × 4 one."""
    whole = F.pad(weight, (1, 1, 1, 1))  # (O, I, 5, 5)
    return whole[:, :, 1:, 1:] + whole[:, :, 1:, :-1] + whole[:, :, :-1, 1:] + whole[:, :, :-1, :-1]


def blur(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Each channel smoothed by [1, 2, 1] / 4 down and across, with zeros around it."""
    line = x.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def normalised(z: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
    """Vectors of mean square 1 ("pixel norm")."""
    return z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
