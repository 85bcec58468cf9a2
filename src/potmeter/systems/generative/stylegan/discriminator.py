"""The discriminator that StyleGAN shares with progressive growing: convolutions that halve the picture down to a verdict."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.nn.gan_losses import minibatch_stddev

from .layers import EqualConv2d, EqualLinear, blur
from .model import Config


class Halving(nn.Module):
    """Convolve, blur, convolve and halve."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution, self.bias = EqualConv2d(inputs, inputs), nn.Parameter(torch.zeros(inputs))
        self.down, self.down_bias = EqualConv2d(inputs, outputs, resize="down"), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.convolution(x, self.bias), 0.2, inplace=True)
        return F.leaky_relu(self.down(blur(x), self.down_bias), 0.2, inplace=True)


class Discriminator(nn.Module):
    """Pictures (B, C, H, W) in [−1, 1], of any of the resolutions, to one verdict each (B,), high for real ones.

    Example:
        >>> config = Config(height=8, width=16, latent=4, filters=(8, 4), first_level=0)
        >>> Discriminator(config)(torch.zeros(4, 3, 8, 16)).shape
        torch.Size([4])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        coarsest = c.filters[0]
        self.colours = nn.ModuleList(EqualConv2d(c.channels, filters, 1) for filters in c.filters)
        self.colour_biases = nn.ParameterList(nn.Parameter(torch.zeros(filters)) for filters in c.filters)
        self.halvings = nn.ModuleList(Halving(fine, coarse) for coarse, fine in pairwise(c.filters))
        self.convolution, self.bias = EqualConv2d(coarsest + 1, coarsest), nn.Parameter(torch.zeros(coarsest))
        height, width = c.size(0)
        self.hidden = EqualLinear(coarsest * height * width, coarsest)
        self.verdict = EqualLinear(coarsest, 1, gain=1.0)

    def forward(
        self, images: Float[Tensor, "b c h w"], level: int | None = None, share: float = 1.0
    ) -> Float[Tensor, " b"]:
        """Verdicts on pictures of the resolution ``level`` (default: the finest), faded in as far as ``share``."""
        level = self.config.last if level is None else level
        x = self.seen(images, level)
        for i in range(level, 0, -1):
            x = self.halvings[i - 1](x)
            if i == level and share < 1:
                x = torch.lerp(self.seen(F.avg_pool2d(images, 2), level - 1), x, share)
        x = torch.cat([x, minibatch_stddev(x, self.config.group)], 1)
        x = F.leaky_relu(self.convolution(x, self.bias), 0.2, inplace=True)
        x = F.leaky_relu(self.hidden(x.flatten(1)), 0.2, inplace=True)
        verdict: Tensor = self.verdict(x)[:, 0]
        return verdict

    def seen(self, images: Tensor, level: int) -> Tensor:
        """Pixels as feature maps."""
        return F.leaky_relu(self.colours[level](images, self.colour_biases[level]), 0.2, inplace=True)
