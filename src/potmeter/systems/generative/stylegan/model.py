"""The style-based generator: noise becomes a style, and the style says, at each resolution, how features are to look.

Karras, Laine and Aila 2018, "A Style-Based Generator Architecture for GANs" (arXiv:1812.04948). A mapping network turns
z into w; from a learned constant, each layer adds noise, bends, normalises every feature map of a picture, and scales
and shifts it by a learned linear function of w (equation 1). Inside, pixels lie in [−1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.errors import reject

from .layers import EqualConv2d, EqualLinear, blur, normalised


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Sizes of the networks and how they grow; the defaults are the paper's, for faces of 1024 × 1024 pixels."""

    dataset: str = "own data"
    """What it is trained on where no --data is given: faces, orl, or another built-in set."""
    height: int = 1024
    """Height of the pictures in pixels."""
    width: int = 1024
    """Width of the pictures in pixels."""
    channels: int = 3
    """Colours of a pixel: 1 is grey, 3 is RGB."""
    latent: int = 512
    """Numbers in z and in w."""
    mapping_layers: int = 8
    """Dense layers from z to w."""
    mapping_rate: float = 0.01
    """Learning rate of the mapping network as a share of lr."""
    filters: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    """Channels at each resolution, coarsest first; each has twice the height and width of the one before."""
    first_level: int = 1
    """Resolution that training starts with, counted from 0; it grows from there."""
    stable_kimg: float = 600.0
    """Thousands of real pictures shown at a resolution before the next one fades in."""
    fade_kimg: float = 600.0
    """Thousands of real pictures over which it fades in."""
    noise: float = 1.0
    """Strength of the noise in pictures that are drawn after training, as a share of that in training."""
    mixing: float = 0.9
    """Share of the pictures made with two styles: one up to a random layer, the other from there."""
    average_beta: float = 0.995
    """Decay, per step, of the mean of w that truncation draws towards."""
    r1: float = 10.0
    """Weight γ of R1, the squared gradient of the verdict at real pictures."""
    r1_every: int = 1
    """Steps between penalties, each then so many times as heavy."""
    haze: float = 0.0
    """Deviation of the noise through which the discriminator sees pictures: it hides how flat a drawn surface is."""
    group: int = 4
    """Pictures whose spread the discriminator is told, so that it notices when they are all alike."""
    judge: str = "classifier.imagenet"
    """The network in whose features pictures are compared: a system with the capability Embedder."""
    judge_size: int = 224
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("height", "width", "latent", "mapping_layers", "r1_every", "group", "judge_size"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.channels in (1, 3) or reject("channels is 1 or 3.", self.channels)
        (self.filters and min(self.filters) >= 1) or reject("filters must be positive and not empty.", self.filters)
        parts = 2 ** (len(self.filters) - 1)
        for name in ("height", "width"):
            side = getattr(self, name)
            side % parts == 0 or reject(f"{name} must be divisible by {parts}, for {len(self.filters)} filters.", side)
        math.prod(self.size(0)) > 1 or reject(
            "At the coarsest resolution a picture has more than one pixel: give fewer filters.", len(self.filters)
        )
        0 <= self.first_level < len(self.filters) or reject(
            f"first_level must lie between 0 and {len(self.filters) - 1}.", self.first_level
        )
        for name in ("stable_kimg", "fade_kimg", "r1", "haze", "noise"):
            getattr(self, name) >= 0 or reject(f"{name} must not be negative.", getattr(self, name))
        self.mapping_rate > 0 or reject("mapping_rate must be positive.", self.mapping_rate)
        0 <= self.mixing <= 1 or reject("mixing is a share, 0 to 1.", self.mixing)
        0 <= self.average_beta < 1 or reject("average_beta must be at least 0 and below 1.", self.average_beta)

    def size(self, level: int) -> tuple[int, int]:
        """Height and width at a resolution."""
        factor = 2 ** (len(self.filters) - 1 - level)
        return self.height // factor, self.width // factor

    @property
    def last(self) -> int:
        """The finest resolution."""
        return len(self.filters) - 1

    @property
    def layers(self) -> int:
        """Places where a style enters: two at each resolution."""
        return 2 * len(self.filters)


class Mapping(nn.Sequential):
    """z (B, latent) to w (B, latent): the length taken off, then dense layers."""

    def __init__(self, config: Config) -> None:
        c = config
        super().__init__(*(EqualLinear(c.latent, c.latent) for _ in range(c.mapping_layers)))

    def forward(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
        w = normalised(z)
        for layer in self:
            w = F.leaky_relu(layer(w), 0.2, inplace=True)
        return w


class Style(nn.Module):
    """What follows each convolution: noise, bias, leaky ReLU, and adaptive instance normalisation (equation 1).

    Args:
        filters: Feature maps.
        latent: Numbers in w.
    """

    def __init__(self, filters: int, latent: int) -> None:
        super().__init__()
        self.noise = nn.Parameter(torch.zeros(filters))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.affine = EqualLinear(latent, 2 * filters, gain=1.0)

    def forward(
        self, x: Float[Tensor, "b c h w"], w: Float[Tensor, "b latent"], noise: Float[Tensor, "n 1 h w"] | None
    ) -> Float[Tensor, "b c h w"]:
        batch, filters, height, width = x.shape
        added = self.bias.view(1, -1, 1, 1)
        x = x + (added if noise is None else torch.addcmul(added, self.noise.view(1, -1, 1, 1), noise))
        x = F.leaky_relu(x, 0.2, inplace=True)
        scale, shift = self.affine(w).chunk(2, 1)  # (B, C) each
        # a map of a picture is a channel of one large picture: normalised, scaled and shifted in one pass
        x = x.reshape(1, batch * filters, height, width)
        x = F.batch_norm(x, None, None, (scale + 1).flatten(), shift.flatten(), training=True, eps=1e-8)
        return x.view(batch, filters, height, width)


class Level(nn.Module):
    """One resolution: the picture doubled and convolved (or, at the coarsest, the learned constant), then convolved again."""

    def __init__(self, before: int | None, filters: int, latent: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.ones(1, filters, *size)) if before is None else None
        self.up = EqualConv2d(before, filters, resize="up") if before is not None else None
        self.first = Style(filters, latent)
        self.convolution = EqualConv2d(filters, filters)
        self.second = Style(filters, latent)

    def forward(self, x: Tensor | None, w: Float[Tensor, "b 2 latent"], noise: Sequence[Tensor | None]) -> Tensor:
        if self.constant is not None:
            x = self.constant.expand(len(w), -1, -1, -1)
        elif self.up is not None:
            x = blur(self.up(x))
        x = self.first(x, w[:, 0], noise[0])
        return self.second(self.convolution(x), w[:, 1], noise[1])


class Synthesis(nn.Module):
    """Styles to pictures, at any of the resolutions."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        coarser = (None, *c.filters)
        self.levels = nn.ModuleList(
            Level(coarser[level], filters, c.latent, c.size(level)) for level, filters in enumerate(c.filters)
        )
        self.colours = nn.ModuleList(EqualConv2d(filters, c.channels, 1, gain=1.0) for filters in c.filters)
        self.colour_biases = nn.ParameterList(nn.Parameter(torch.zeros(c.channels)) for _ in c.filters)
        rng = torch.Generator().manual_seed(0)
        for layer in range(
            c.layers
        ):  # the same for every picture, where no other noise is given; not trained, not saved
            fixed = torch.randn(1, 1, *c.size(layer // 2), generator=rng)
            self.register_buffer(f"noise{layer}", fixed, persistent=False)

    def forward(
        self,
        styles: Float[Tensor, "b layers latent"],
        noise: Sequence[Tensor | None] | None = None,
        level: int | None = None,
        share: float = 1.0,
    ) -> Float[Tensor, "b c h w"]:
        """Pictures in about [−1, 1].

        Args:
            styles: w for each layer, two at each resolution.
            noise: For each layer (B or 1, 1, H, W), or None for none; default: the fixed one.
            level: The resolution, from 0; default: the finest.
            share: How far that resolution has faded in, 0 to 1, beside the doubled picture of the one before.
        """
        level = self.config.last if level is None else level
        noise = [getattr(self, f"noise{layer}") for layer in range(2 * level + 2)] if noise is None else noise
        x, before = None, None
        for i in range(level + 1):
            before = x
            x = self.levels[i](x, styles[:, 2 * i : 2 * i + 2], noise[2 * i : 2 * i + 2])
        pictures = self.colour(x, level)
        if before is not None and share < 1:
            pictures = torch.lerp(doubled(self.colour(before, level - 1)), pictures, share)
        return pictures

    def colour(self, x: Tensor | None, level: int) -> Tensor:
        """Feature maps as pixels."""
        pixels: Tensor = self.colours[level](x, self.colour_biases[level])
        return pixels


class Generator(nn.Module):
    """Mapping and synthesis: z (B, latent) to pictures (B, C, H, W) in about [−1, 1].

    Example:
        >>> config = Config(height=8, width=16, latent=4, filters=(8, 4), first_level=0)
        >>> Generator(config)(torch.randn(2, 4)).shape
        torch.Size([2, 3, 8, 16])
    """

    average: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)
        self.register_buffer("average", torch.zeros(config.latent))

    def forward(self, z: Float[Tensor, "b latent"], psi: float = 1.0) -> Float[Tensor, "b c h w"]:
        pictures: Tensor = self.synthesis(self.truncated(self.mapping(z), psi))
        return pictures

    def fixed_noise(self, strength: float) -> list[Tensor | None]:
        """The fixed noise for each layer, so strong; none for 0."""
        layers = range(self.config.layers)
        return [strength * getattr(self.synthesis, f"noise{layer}") if strength else None for layer in layers]

    def truncated(
        self, w: Float[Tensor, "b latent"], psi: float = 1.0, layers: int = 8
    ) -> Float[Tensor, "b layers latent"]:
        """w for each layer, in the first ``layers`` drawn towards the mean: w̄ + ψ (w − w̄) (appendix B)."""
        every = w[:, None].expand(-1, self.config.layers, -1)
        if psi == 1:
            return every
        near = (torch.arange(self.config.layers, device=w.device) < layers)[None, :, None]
        return torch.where(near, self.average.lerp(every, psi), every)


def doubled(images: Tensor) -> Tensor:
    """Every pixel repeated 2 × 2."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


def mixed(a: Tensor, b: Tensor, cut: Tensor, layers: int) -> Tensor:
    """Styles (B, layers, latent): ``a`` (B, latent) in the layers before ``cut`` (B,), ``b`` from there on."""
    first = torch.arange(layers, device=a.device)[None] < cut[:, None]  # (B, layers)
    return torch.where(first[..., None], a[:, None], b[:, None])
