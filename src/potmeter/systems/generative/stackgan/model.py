"""StackGAN's networks: a generator and a discriminator of stage I, small pictures, and of stage II, large ones.

Zhang et al. 2016 (arXiv:1612.03242). Stage I's generator takes a condition ĉ, which is sampled for a sentence, and noise z;
stage II's takes stage I's picture and a condition of its own. Pixels lie in [−1, 1].
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from .config import Config

Gaussian = tuple[Tensor, Tensor]
"""Mean and log σ² (B, D) of a normal distribution with independent components."""
LIMIT = 1.05
"""How far from 0 the sum of stage I's picture and stage II's correction may lie: beyond 1, so that white has a gradient."""


def upsampling_block(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the height and width, by the nearest pixel and a 3×3 convolution."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def downsampling_block(inputs: int, outputs: int, *, norm: bool = True, slope: float = 0.2) -> nn.Sequential:
    """Half the height and width, by a 4×4 convolution of stride 2."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not norm),
        nn.BatchNorm2d(outputs) if norm else nn.Identity(),
        nn.LeakyReLU(slope),
    )


def downsampling_layers(widths: tuple[int, ...]) -> nn.Sequential:
    """A discriminator's blocks: from pictures (B, 3, H, W) to feature maps of ever half the size, the first without a norm."""
    pairs = enumerate(pairwise((3, *widths)))
    return nn.Sequential(*(downsampling_block(inputs, outputs, norm=level > 0) for level, (inputs, outputs) in pairs))


def concatenate_replicated(maps: Float[Tensor, "b c h w"], vector: Float[Tensor, "b d"]) -> Float[Tensor, "b e h w"]:
    """Feature maps and, as more of them, a vector that is spatially replicated: (B, C + D, H, W)."""
    return torch.cat([maps, vector[:, :, None, None].expand(-1, -1, *maps.shape[2:]).to(maps.dtype)], 1)


def kl_divergence(gaussian: Gaussian) -> Float[Tensor, " b"]:
    """Kullback–Leibler divergence (B,) of normal distributions from the standard one, in nats, over the number of components.

    The second term of the paper's equation 4, averaged as its authors' code does.
    """
    mean, log_variance = gaussian
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean(1)


def sample_gaussian(gaussian: Gaussian, noise: Tensor) -> Tensor:
    """A sample μ + σ ε of normal distributions, from standard normal noise ε (B, D): the reparameterisation trick."""
    mean, log_variance = gaussian
    return mean + (0.5 * log_variance).exp() * noise


class ConditioningAugmentation(nn.Linear):
    """From the text embedding φ (B, T) to a normal distribution of conditions ĉ (section 3.2)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.text_dim, 2 * config.condition_dim)
        self.relu = config.augmentation_relu

    def forward(self, text: Tensor) -> Gaussian:  # type: ignore[override]
        x = super().forward(text).float()
        mean, log_variance = (x.relu() if self.relu else x).chunk(2, 1)
        return mean, log_variance


class FirstGenerator(nn.Module):
    """Stage I: a condition ĉ (B, C) and noise z (B, Z) to small pictures (B, 3, H, W) in [−1, 1].

    Example:
        >>> config = Config()
        >>> FirstGenerator(config)(torch.zeros(2, 64), torch.randn(2, 64)).shape
        torch.Size([2, 3, 64, 64])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = config.first_generator_widths
        self.augmentation = ConditioningAugmentation(config)
        self.projection = nn.Sequential(
            nn.Linear(config.condition_dim + config.latent_dim, 16 * widths[0], bias=False),
            nn.BatchNorm1d(16 * widths[0]),
            nn.ReLU(),
        )
        self.upsampling = nn.Sequential(*(upsampling_block(a, b) for a, b in pairwise(widths)))
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1, bias=False)

    def forward(self, condition: Float[Tensor, "b c"], z: Float[Tensor, "b z"]) -> Float[Tensor, "b 3 h w"]:
        x = self.projection(torch.cat([condition, z], 1)).unflatten(1, (-1, 4, 4))
        x = x.contiguous(memory_format=torch.channels_last)
        return self.to_rgb(self.upsampling(x)).float().tanh()  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions whose result is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.layers(x))


class SecondGenerator(nn.Module):
    """Stage II: a small picture and a condition ĉ to a picture of four times the size, in [−1, 1].

    Example:
        >>> config = Config()
        >>> SecondGenerator(config)(torch.zeros(1, 3, 64, 64), torch.zeros(1, 64)).shape
        torch.Size([1, 3, 256, 256])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        down, up = config.second_downsampling_widths, config.second_upsampling_widths
        self.augmentation, self.skip = ConditioningAugmentation(config), config.skip
        self.entry = nn.Sequential(nn.Conv2d(3, down[0], 3, padding=1, bias=False), nn.ReLU())
        self.downsampling = nn.Sequential(*(downsampling_block(a, b, slope=0.0) for a, b in pairwise(down)))
        self.joint = nn.Sequential(
            nn.Conv2d(down[-1] + config.condition_dim, down[-1], 3, padding=1, bias=False),
            nn.BatchNorm2d(down[-1]),
            nn.ReLU(),
        )
        self.residual = nn.Sequential(*(ResidualBlock(down[-1]) for _ in range(config.residual_blocks)))
        self.skip_level = len(down) - 1  # where the maps are as large as stage I's picture
        inputs = [down[-1], *up[:-1]]
        inputs[self.skip_level] += down[0] if config.skip else 0
        self.upsampling = nn.ModuleList(upsampling_block(a, b) for a, b in zip(inputs, up, strict=True))
        self.to_rgb = nn.Conv2d(up[-1], 3, 3, padding=1, bias=False)
        if config.skip:
            nn.init.zeros_(self.to_rgb.weight)  # stage II begins as an enlargement

    def forward(self, small: Float[Tensor, "b 3 h w"], condition: Float[Tensor, "b c"]) -> Float[Tensor, "b 3 s s"]:
        finest = self.entry(small.contiguous(memory_format=torch.channels_last))
        x = self.residual(self.joint(concatenate_replicated(self.downsampling(finest), condition)))
        for level, layer in enumerate(self.upsampling):
            x = layer(torch.cat([x, finest], 1) if self.skip and level == self.skip_level else x)
        x = self.to_rgb(x).float()
        if not self.skip:
            return x.tanh()
        return (enlarge(small, 4) + x).clamp(-LIMIT, LIMIT)


def enlarge(images: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c s s"]:
    """Pictures of ``factor`` times the height and width, by bilinear interpolation."""
    return F.interpolate(images, scale_factor=factor, mode="bilinear", align_corners=False)


class Discriminator(nn.Module):
    """Tells whether a picture is real and fits a sentence: a logit (B,) (sections 3.3 and 3.4).

    Args:
        config: Sizes.
        widths: Feature maps, each of half the height and width, down to 4×4.
    """

    def __init__(self, config: Config, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.downsampling = downsampling_layers(widths)
        self.compression = nn.Linear(config.text_dim, config.condition_dim)
        self.joint = nn.Sequential(
            nn.Conv2d(widths[-1] + config.condition_dim, widths[-1], 1, bias=False),
            nn.BatchNorm2d(widths[-1]),
            nn.LeakyReLU(0.2),
        )
        self.to_logit = nn.Conv2d(widths[-1], 1, 4)

    def features(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c 4 4"]:
        """Feature maps of pictures in [−1, 1], before the sentence comes in."""
        return self.downsampling(images.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]

    def logits(self, features: Float[Tensor, "b c 4 4"], text: Float[Tensor, "b t"]) -> Float[Tensor, " b"]:
        """Logits of feature maps beside sentences' embeddings φ."""
        return self.to_logit(self.joint(concatenate_replicated(features, self.compression(text)))).float().flatten()  # type: ignore[no-any-return]

    def forward(self, images: Float[Tensor, "b 3 h w"], text: Float[Tensor, "b t"]) -> Float[Tensor, " b"]:
        return self.logits(self.features(images), text)


class LatentEncoder(nn.Module):
    """From training pictures (B, 3, H, W) and their sentences' embeddings to normal distributions of their noise z.

    Kingma and Welling 2013 (arXiv:1312.6114), with a condition; beside a discriminator, Larsen et al. 2015 (arXiv:1512.09300).
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = config.latent_widths
        self.downsampling = downsampling_layers(widths)
        features = widths[-1] * (config.small_size // 2 ** len(widths)) ** 2 + config.text_dim
        self.to_gaussian = nn.Linear(features, 2 * config.latent_dim)

    def forward(self, images: Float[Tensor, "b 3 h w"], text: Float[Tensor, "b t"]) -> Gaussian:
        x = self.downsampling(images.contiguous(memory_format=torch.channels_last)).flatten(1)
        mean, log_variance = self.to_gaussian(torch.cat([x, text.to(x.dtype)], 1)).float().chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)
