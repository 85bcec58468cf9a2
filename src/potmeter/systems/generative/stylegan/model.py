"""The style-based generator: a mapping network makes a style of noise, and the style scales and shifts every feature map.

Karras, Laine and Aila 2018, "A Style-Based Generator Architecture for GANs" (arXiv:1812.04948). A mapping network turns
z into w; the synthesis network starts from a learned constant, and after each convolution come noise, bias, leaky ReLU and
adaptive instance normalisation (AdaIN, equation 1), whose scale and shift are an affine function of w. Pixels lie in [−1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject

from .layers import EqualConv2d, EqualLinear, blur, pixel_norm


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Sizes of the networks and how they grow; the defaults are the paper's, for faces of 1024 × 1024 pixels."""

    dataset: str = "own data"
    """What it is trained on where no --data is given: faces, orl, or another built-in set."""
    height: Annotated[int, Range(1)] = 1024
    """Height of the pictures in pixels."""
    width: Annotated[int, Range(1)] = 1024
    """Width of the pictures in pixels."""
    channels: Literal[1, 3] = 3
    """Colour channels: 1 is grey, 3 is RGB."""
    latent_dim: Annotated[int, Range(1)] = 512
    """Dimension of the latent vectors z and w."""
    mapping_layers: Annotated[int, Range(1)] = 8
    """Dense layers of the mapping network, from z to w."""
    mapping_lr_multiplier: Annotated[float, Range(0, open="low")] = 0.01
    """Learning rate of the mapping network as a share of lr."""
    filters: Annotated[tuple[int, ...], Range(1)] = (16, 32, 64, 128, 256, 512, 512, 512, 512)
    """Feature maps at each resolution, finest first; each has half the height and width of the one before."""
    first_level: Annotated[int, Range(0)] = 1
    """Resolution that training starts with, counted from 0, the coarsest; the networks grow from there."""
    stable_kimg: Annotated[float, Range(0)] = 600.0
    """Thousands of real pictures shown at a resolution before the next one fades in."""
    fade_kimg: Annotated[float, Range(0)] = 600.0
    """Thousands of real pictures over which it fades in."""
    noise_strength: Annotated[float, Range(0)] = 1.0
    """Strength of the per-pixel noise inputs after training, as a share of that in training."""
    style_mixing: Annotated[float, Range(0, 1)] = 0.9
    """Mixing regularisation: share of pictures generated in training with a second style from a random layer on."""
    w_avg_beta: Annotated[float, Range(0, 1, open="high")] = 0.995
    """Decay, per step, of the moving average of w that the truncation trick draws towards."""
    r1: Annotated[float, Range(0)] = 10.0
    """Weight γ of the R1 penalty, the squared gradient of the discriminator's logit at real pictures."""
    r1_interval: Annotated[int, Range(1)] = 1
    """Steps between R1 penalties, each then so many times as heavy (lazy regularisation)."""
    instance_noise: Annotated[float, Range(0)] = 0.0
    """Standard deviation of the Gaussian noise on every picture that the discriminator sees (arXiv:1610.04490)."""
    minibatch_std_group: Annotated[int, Range(1)] = 4
    """Pictures over which the discriminator is given the standard deviation, so that it notices when they are all alike."""
    feature_extractor: str = "classifier.imagenet"
    """The network in whose features pictures are compared: a system with the capability Embedder."""
    feature_extractor_size: Annotated[int, Range(1)] = 224
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters or reject("filters must not be empty.", self.filters)
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

    def size(self, level: int) -> tuple[int, int]:
        """Height and width at a resolution, 0 the coarsest."""
        factor = 2 ** (len(self.filters) - 1 - level)
        return self.height // factor, self.width // factor

    @property
    def level_filters(self) -> tuple[int, ...]:
        """Feature maps at each resolution by its number, from 0, the coarsest, on: ``filters`` in the order of growing."""
        return self.filters[::-1]

    @property
    def last_level(self) -> int:
        """The finest resolution."""
        return len(self.filters) - 1

    @property
    def layers(self) -> int:
        """Places where a style enters: two at each resolution."""
        return 2 * len(self.filters)


class Mapping(nn.Sequential):
    """The mapping network, z (B, latent) to w (B, latent): pixel normalisation, then dense layers with leaky ReLU."""

    def __init__(self, config: Config) -> None:
        c = config
        super().__init__(*(EqualLinear(c.latent_dim, c.latent_dim) for _ in range(c.mapping_layers)))

    def forward(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
        w = pixel_norm(z)
        for layer in self:
            w = F.leaky_relu(layer(w), 0.2, inplace=True)
        return w


class LayerEpilogue(nn.Module):
    """What follows each convolution: noise, bias, leaky ReLU, and adaptive instance normalisation (equation 1).

    Args:
        filters: Feature maps.
        latent_dim: Dimension of w.
    """

    def __init__(self, filters: int, latent_dim: int) -> None:
        super().__init__()
        self.noise_scale = nn.Parameter(torch.zeros(filters))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.affine = EqualLinear(latent_dim, 2 * filters, gain=1.0)

    def forward(
        self, x: Float[Tensor, "b c h w"], w: Float[Tensor, "b latent"], noise: Float[Tensor, "n 1 h w"] | None
    ) -> Float[Tensor, "b c h w"]:
        batch, filters, height, width = x.shape
        bias = self.bias.view(1, -1, 1, 1)
        x = x + (bias if noise is None else torch.addcmul(bias, self.noise_scale.view(1, -1, 1, 1), noise))
        x = F.leaky_relu(x, 0.2, inplace=True)
        scale, shift = self.affine(w).chunk(2, 1)  # (B, C) each
        # instance norm as a batch norm of one large picture with B · C channels: normalise, scale and shift in one pass
        x = x.reshape(1, batch * filters, height, width)
        x = F.batch_norm(x, None, None, (scale + 1).flatten(), shift.flatten(), training=True, eps=1e-8)
        return x.view(batch, filters, height, width)


class SynthesisBlock(nn.Module):
    """One resolution: upsampling convolution and blur (at the coarsest, the learned constant), then a second convolution."""

    def __init__(self, inputs: int | None, filters: int, latent_dim: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.ones(1, filters, *size)) if inputs is None else None
        self.conv0 = EqualConv2d(inputs, filters, resample="up") if inputs is not None else None
        self.epilogue0 = LayerEpilogue(filters, latent_dim)
        self.conv1 = EqualConv2d(filters, filters)
        self.epilogue1 = LayerEpilogue(filters, latent_dim)

    def forward(self, x: Tensor | None, w: Float[Tensor, "b 2 latent"], noise: Sequence[Tensor | None]) -> Tensor:
        if self.constant is not None:
            x = self.constant.expand(len(w), -1, -1, -1)
        elif self.conv0 is not None:
            x = blur(self.conv0(x))
        x = self.epilogue0(x, w[:, 0], noise[0])
        return self.epilogue1(self.conv1(x), w[:, 1], noise[1])


class Synthesis(nn.Module):
    """The synthesis network: styles to pictures, at any of the resolutions."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        inputs = (None, *c.level_filters)
        self.blocks = nn.ModuleList(
            SynthesisBlock(inputs[level], filters, c.latent_dim, c.size(level))
            for level, filters in enumerate(c.level_filters)
        )
        self.to_rgb = nn.ModuleList(EqualConv2d(filters, c.channels, 1, gain=1.0) for filters in c.level_filters)
        self.to_rgb_biases = nn.ParameterList(nn.Parameter(torch.zeros(c.channels)) for _ in c.filters)
        rng = torch.Generator().manual_seed(0)
        for layer in range(c.layers):  # constant noise for whoever gives no other; neither trained nor saved
            noise = torch.randn(1, 1, *c.size(layer // 2), generator=rng)
            self.register_buffer(f"noise{layer}", noise, persistent=False)

    def forward(
        self,
        styles: Float[Tensor, "b layers latent"],
        noise: Sequence[Tensor | None] | None = None,
        level: int | None = None,
        alpha: float = 1.0,
    ) -> Float[Tensor, "b c h w"]:
        """Pictures in about [−1, 1].

        Args:
            styles: w for each layer, two at each resolution.
            noise: For each layer (B or 1, 1, H, W), or None for none; default: the constant one.
            level: The resolution, from 0; default: the finest.
            alpha: How far that resolution has faded in, 0 to 1, beside the upsampled picture of the one before.
        """
        level = self.config.last_level if level is None else level
        noise = [getattr(self, f"noise{layer}") for layer in range(2 * level + 2)] if noise is None else noise
        x, coarser = None, None
        for i in range(level + 1):
            coarser = x
            x = self.blocks[i](x, styles[:, 2 * i : 2 * i + 2], noise[2 * i : 2 * i + 2])
        pictures = self.rgb(x, level)
        if coarser is not None and alpha < 1:
            pictures = torch.lerp(upsample(self.rgb(coarser, level - 1)), pictures, alpha)
        return pictures

    def rgb(self, x: Tensor | None, level: int) -> Tensor:
        """Feature maps (B, F, H, W) of a resolution as pixels (B, C, H, W)."""
        pixels: Tensor = self.to_rgb[level](x, self.to_rgb_biases[level])
        return pixels


class Generator(nn.Module):
    """Mapping and synthesis network: z (B, latent) to pictures (B, C, H, W) in about [−1, 1].

    Example:
        >>> config = Config(height=8, width=16, latent_dim=4, filters=(4, 8), first_level=0)
        >>> Generator(config)(torch.randn(2, 4)).shape
        torch.Size([2, 3, 8, 16])
    """

    w_avg: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)
        self.register_buffer("w_avg", torch.zeros(config.latent_dim))

    def forward(self, z: Float[Tensor, "b latent"], psi: float = 1.0) -> Float[Tensor, "b c h w"]:
        pictures: Tensor = self.synthesis(self.truncate(self.mapping(z), psi))
        return pictures

    def constant_noise(self, strength: float) -> list[Tensor | None]:
        """The constant noise for each layer, times ``strength``; none for 0."""
        layers = range(self.config.layers)
        return [strength * getattr(self.synthesis, f"noise{layer}") if strength else None for layer in layers]

    def truncate(
        self, w: Float[Tensor, "b latent"], psi: float = 1.0, layers: int = 8
    ) -> Float[Tensor, "b layers latent"]:
        """Styles by the truncation trick: in the first ``layers`` w̄ + ψ (w − w̄), in the others w (appendix B)."""
        styles = w[:, None].expand(-1, self.config.layers, -1)
        if psi == 1:
            return styles
        truncated = (torch.arange(self.config.layers, device=w.device) < layers)[None, :, None]
        return torch.where(truncated, self.w_avg.lerp(styles, psi), styles)


def upsample(images: Tensor) -> Tensor:
    """Pictures (B, C, 2 H, 2 W) of pictures (B, C, H, W), by nearest neighbours."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


def mix_styles(a: Tensor, b: Tensor, crossover: Tensor, layers: int) -> Tensor:
    """Styles (B, layers, latent): ``a`` (B, latent) in the layers before ``crossover`` (B,), ``b`` from there on."""
    before = torch.arange(layers, device=a.device)[None] < crossover[:, None]  # (B, layers)
    return torch.where(before[..., None], a[:, None], b[:, None])
