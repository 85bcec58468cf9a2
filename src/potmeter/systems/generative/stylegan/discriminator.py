"""The discriminator that StyleGAN shares with progressive growing: convolutions and downsampling to one logit.

Karras et al. 2017, "Progressive Growing of GANs" (arXiv:1710.10196), table 2.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.nn.gan_losses import minibatch_stddev

from .layers import EqualConv2d, EqualLinear, blur
from .model import Config


class DiscriminatorBlock(nn.Module):
    """One resolution: a convolution, then a blur and a convolution that halves height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0, self.bias0 = EqualConv2d(inputs, inputs), nn.Parameter(torch.zeros(inputs))
        self.conv1, self.bias1 = EqualConv2d(inputs, outputs, resample="down"), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.conv0(x, self.bias0), 0.2, inplace=True)
        return F.leaky_relu(self.conv1(blur(x), self.bias1), 0.2, inplace=True)


class Discriminator(nn.Module):
    """Pictures (B, C, H, W) in [−1, 1], of any of the resolutions, to one logit each (B,), high for real ones.

    Example:
        >>> config = Config(height=8, width=16, latent_dim=4, filters=(4, 8), first_level=0)
        >>> Discriminator(config)(torch.zeros(4, 3, 8, 16)).shape
        torch.Size([4])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        coarsest = c.filters[-1]
        self.from_rgb = nn.ModuleList(EqualConv2d(c.channels, filters, 1) for filters in c.level_filters)
        self.from_rgb_biases = nn.ParameterList(nn.Parameter(torch.zeros(filters)) for filters in c.level_filters)
        self.blocks = nn.ModuleList(DiscriminatorBlock(fine, coarse) for coarse, fine in pairwise(c.level_filters))
        self.conv, self.bias = EqualConv2d(coarsest + 1, coarsest), nn.Parameter(torch.zeros(coarsest))
        height, width = c.size(0)
        self.hidden = EqualLinear(coarsest * height * width, coarsest)
        self.to_logit = EqualLinear(coarsest, 1, gain=1.0)

    def forward(
        self, images: Float[Tensor, "b c h w"], level: int | None = None, alpha: float = 1.0
    ) -> Float[Tensor, " b"]:
        """Logits of pictures of the resolution ``level`` (default: the finest), faded in as far as ``alpha``."""
        level = self.config.last_level if level is None else level
        x = self.features(images, level)
        for i in range(level, 0, -1):
            x = self.blocks[i - 1](x)
            if i == level and alpha < 1:
                x = torch.lerp(self.features(F.avg_pool2d(images, 2), level - 1), x, alpha)
        x = torch.cat([x, minibatch_stddev(x, self.config.minibatch_std_group)], 1)
        x = F.leaky_relu(self.conv(x, self.bias), 0.2, inplace=True)
        x = F.leaky_relu(self.hidden(x.flatten(1)), 0.2, inplace=True)
        logits: Tensor = self.to_logit(x)[:, 0]
        return logits

    def features(self, images: Tensor, level: int) -> Tensor:
        """Pixels (B, C, H, W) of a resolution as feature maps (B, F, H, W)."""
        return F.leaky_relu(self.from_rgb[level](images, self.from_rgb_biases[level]), 0.2, inplace=True)
