"""Layers with an equalised learning rate, the blur that follows each resampling, and pixel normalisation.

Karras et al. 2017, "Progressive Growing of GANs" (arXiv:1710.10196), sections 4.1 and 4.2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

RELU_GAIN = 2**0.5
"""Gain of a layer that a leaky ReLU follows (He's initialisation)."""


class EqualLinear(nn.Module):
    """A dense layer with an equalised learning rate: y = x · (weight · gain / √inputs)ᵀ + bias, weights of variance 1.

    Example:
        >>> EqualLinear(8, 4)(torch.ones(2, 8)).shape
        torch.Size([2, 4])
    """

    def __init__(self, inputs: int, outputs: int, *, gain: float = RELU_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / inputs**0.5

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias)


class EqualConv2d(nn.Module):
    """A convolution with an equalised learning rate, fused with up- or downsampling if asked for; its bias is added elsewhere.

    * ``up``: nearest-neighbour upsampling before a 3 × 3 convolution. One transposed convolution of stride 2, with the sum
      of four shifted kernels, is the same at less than half the work.
    * ``down``: 2 × 2 average pooling after it. One convolution of stride 2, with the mean of four shifted kernels, is the same.

    Args:
        inputs, outputs: Feature maps.
        kernel: Its height and width.
        gain: Of the activation that follows.
        resample: ``none``, ``up`` or ``down``.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, *, gain: float = RELU_GAIN, resample: str = "none"
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.scale, self.padding, self.resample = gain / (inputs * kernel**2) ** 0.5, kernel // 2, resample

    def forward(self, x: Float[Tensor, "b c h w"], bias: Tensor | None = None) -> Float[Tensor, "b d e f"]:
        weight = self.weight * self.scale
        if self.resample == "up":  # a transposed convolution flips its kernel
            flipped = sum_shifted_kernels(weight).flip(2, 3).transpose(0, 1)
            return F.conv_transpose2d(x, flipped, bias, stride=2, padding=1)
        if self.resample == "down":
            return F.conv2d(x, sum_shifted_kernels(weight) / 4, bias, stride=2, padding=1)
        return F.conv2d(x, weight, bias, padding=self.padding)


def sum_shifted_kernels(weight: Float[Tensor, "o i 3 3"]) -> Float[Tensor, "o i 4 4"]:
    """The sum of a 3 × 3 kernel at the four places that it has in a 4 × 4 one."""
    padded = F.pad(weight, (1, 1, 1, 1))  # (O, I, 5, 5)
    return padded[:, :, 1:, 1:] + padded[:, :, 1:, :-1] + padded[:, :, :-1, 1:] + padded[:, :, :-1, :-1]


def blur(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Each feature map smoothed by the binomial filter [1, 2, 1] / 4 down and across, with zeros around it."""
    line = x.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def pixel_norm(z: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
    """Vectors scaled to mean square 1."""
    return z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
