"""StackGAN: a generator of small pictures from a sentence, a second one that makes them large, and a judge of each.

Zhang et al. 2016 (arXiv:1612.03242). Stage I draws from a condition ĉ and noise z; stage II reads its picture, meets the
sentence again, and corrects and enlarges it. Inside, pixels lie in [−1, 1].
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


def upsample(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the height and width, by the nearest pixel and a 3×3 convolution."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def downsample(inputs: int, outputs: int, *, norm: bool = True, slope: float = 0.2) -> nn.Sequential:
    """Half the height and width, by a 4×4 convolution of stride 2."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not norm),
        nn.BatchNorm2d(outputs) if norm else nn.Identity(),
        nn.LeakyReLU(slope),
    )


def downsampling(widths: tuple[int, ...]) -> nn.Sequential:
    """A discriminator's convolutions: pictures (B, 3, H, W) to feature maps of ever half the size, the first without norm."""
    pairs = enumerate(pairwise((3, *widths)))
    return nn.Sequential(*(downsample(inputs, outputs, norm=level > 0) for level, (inputs, outputs) in pairs))


def spread(vector: Float[Tensor, "b d"], maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b e h w"]:
    """Feature maps, and behind them a vector at every place: (B, C + D, H, W)."""
    return torch.cat([maps, vector[:, :, None, None].expand(-1, -1, *maps.shape[2:]).to(maps.dtype)], 1)


def kl_divergence(gaussian: Gaussian) -> Float[Tensor, " b"]:
    """Kullback–Leibler divergence (B,) of normal distributions from the standard one, in nats, over the number of components.

    Equation 4 of the paper, as its code averages it.
    """
    mean, log_variance = gaussian
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean(1)


def draw(gaussian: Gaussian, noise: Tensor) -> Tensor:
    """μ + σ ε: numbers of a normal distribution, made of standard normal ones ε (B, D)."""
    mean, log_variance = gaussian
    return mean + (0.5 * log_variance).exp() * noise


class ConditioningAugmentation(nn.Linear):
    """From the text embedding φ (B, T) to a normal distribution of conditions ĉ (section 3.2)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.text_dim, 2 * config.condition_dim)

    def forward(self, text: Tensor) -> Gaussian:  # type: ignore[override]
        mean, log_variance = super().forward(text).float().chunk(2, 1)
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
        widths = config.generator_widths
        self.augmentation = ConditioningAugmentation(config)
        self.projection = nn.Sequential(
            nn.Linear(config.condition_dim + config.latent_dim, 16 * widths[0], bias=False),
            nn.BatchNorm1d(16 * widths[0]),
            nn.ReLU(),
        )
        self.upsampling = nn.Sequential(*(upsample(a, b) for a, b in pairwise(widths)))
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
        down, up = config.refiner_widths, config.upsampling_widths
        self.augmentation, self.skip = ConditioningAugmentation(config), config.skip
        self.entry = nn.Sequential(nn.Conv2d(3, down[0], 3, padding=1, bias=False), nn.ReLU())
        self.downsampling = nn.Sequential(*(downsample(a, b, slope=0.0) for a, b in pairwise(down)))
        self.joint = nn.Sequential(
            nn.Conv2d(down[-1] + config.condition_dim, down[-1], 3, padding=1, bias=False),
            nn.BatchNorm2d(down[-1]),
            nn.ReLU(),
        )
        self.residual = nn.Sequential(*(ResidualBlock(down[-1]) for _ in range(config.residual_blocks)))
        self.met = len(down) - 1  # so many doublings until the maps are as large as stage I's picture
        inputs = [down[-1], *up[:-1]]
        inputs[self.met] += down[0] if config.skip else 0
        self.upsampling = nn.ModuleList(upsample(a, b) for a, b in zip(inputs, up, strict=True))
        self.to_rgb = nn.Conv2d(up[-1], 3, 3, padding=1, bias=False)
        if config.skip:
            nn.init.zeros_(self.to_rgb.weight)  # stage II begins as an enlargement

    def forward(self, small: Float[Tensor, "b 3 h w"], condition: Float[Tensor, "b c"]) -> Float[Tensor, "b 3 s s"]:
        entered = self.entry(small.contiguous(memory_format=torch.channels_last))
        x = self.residual(self.joint(spread(condition, self.downsampling(entered))))
        for level, layer in enumerate(self.upsampling):
            x = layer(torch.cat([x, entered], 1) if self.skip and level == self.met else x)
        change: Tensor = self.to_rgb(x).float()
        if not self.skip:
            return change.tanh()
        return (enlarge(small, 4) + change).clamp(-1.05, 1.05)


def enlarge(images: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c s s"]:
    """Pictures of so many times the size, smoothly."""
    return F.interpolate(images, scale_factor=factor, mode="bilinear", align_corners=False)


class Discriminator(nn.Module):
    """Tells whether a picture is real and fits a sentence: a logit (B,) (section 3.3).

    Args:
        config: Sizes.
        widths: Feature maps, each of half the height and width, down to 4×4.
    """

    def __init__(self, config: Config, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.downsampling = downsampling(widths)
        self.compression = nn.Linear(config.text_dim, config.condition_dim)
        self.joint = nn.Sequential(
            nn.Conv2d(widths[-1] + config.condition_dim, widths[-1], 1, bias=False),
            nn.BatchNorm2d(widths[-1]),
            nn.LeakyReLU(0.2),
        )
        self.to_logit = nn.Conv2d(widths[-1], 1, 4)

    def features(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c 4 4"]:
        """What it sees in pictures in [−1, 1], whatever is said of them."""
        return self.downsampling(images.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]

    def judge(self, features: Float[Tensor, "b c 4 4"], text: Float[Tensor, "b t"]) -> Float[Tensor, " b"]:
        """Logits of pictures, by their features, beside sentences' embeddings φ."""
        return self.to_logit(self.joint(spread(self.compression(text), features))).float().flatten()  # type: ignore[no-any-return]

    def forward(self, images: Float[Tensor, "b 3 h w"], text: Float[Tensor, "b t"]) -> Float[Tensor, " b"]:
        return self.judge(self.features(images), text)


class LatentEncoder(nn.Module):
    """From a training picture (B, 3, H, W) and its sentence's embedding to a normal distribution of the noise z in it.

    Kingma and Welling 2013 (arXiv:1312.6114), with a condition; beside a discriminator, Larsen et al. 2015 (arXiv:1512.09300).
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = config.latent_widths
        self.downsampling = downsampling(widths)
        features = widths[-1] * (config.small_size // 2 ** len(widths)) ** 2 + config.text_dim
        self.to_gaussian = nn.Linear(features, 2 * config.latent_dim)

    def forward(self, images: Float[Tensor, "b 3 h w"], text: Float[Tensor, "b t"]) -> Gaussian:
        x = self.downsampling(images.contiguous(memory_format=torch.channels_last)).flatten(1)
        mean, log_variance = self.to_gaussian(torch.cat([x, text.to(x.dtype)], 1)).float().chunk(2, 1)
        return mean, log_variance.clamp(-8, 4)
