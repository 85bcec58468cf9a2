"""Two generators that translate between two styles of pictures, as CycleGAN (arXiv:1703.10593) or UNIT (arXiv:1703.00848).

A picture goes through the encoder of its own style to a feature map at a quarter of the resolution, and from there through
the decoder of the other style. In CycleGAN that is all: the encoder of one style and the decoder of the other are one
generator. In UNIT both encoders end, and both decoders begin, in residual blocks that the styles share, so that the feature
map between them is a shared latent space, z; decoded in its own style it gives the picture itself, as in a VAE.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.data.vgg_weights import LossNetwork
from potmeter.errors import reject
from potmeter.nn.image_transformation import (
    ConvLayer,
    InstanceNorm,
    ResidualBlock,
    TransposedConvLayer,
    UpsampleConvLayer,
)


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The architecture, the sizes of generators and discriminators, and the weights of the losses."""

    dataset: str = "emoji"
    """The pictures in two styles that it is trained on where no --data is given: emoji, or, without
    network, two-brushes."""
    styles: tuple[str, ...] = ("first", "second")
    """What the two styles are called; filled from the data."""
    architecture: Literal["unit", "cyclegan"] = "unit"
    """UNIT, with a latent space that both styles share, or CycleGAN."""
    one_way: bool = False
    """Whether only the generator from the first style to the second is there, as in a public checkpoint of CycleGAN."""
    load_size: Annotated[int, Range(16, 4096)] = 64
    """Height and width in pixels to which pictures are brought."""
    image_size: Annotated[int, Range(16, 4096)] = 64
    """Height and width in pixels of the pieces of them that are trained on."""
    width: Annotated[int, Range(1, 1024)] = 64
    """Feature channels of a generator at full resolution; twice as many at half, four times at a quarter."""
    residual_blocks: Annotated[int, Range(0, 100)] = 9
    """Residual blocks of a generator, at a quarter of the resolution; one half in the encoder."""
    shared_blocks: Annotated[int, Range(0, 100)] = 2
    """UNIT: how many of them both styles share, one half at the end of the encoders, one at the beginning of the decoders."""
    details: bool = False
    """UNIT: whether a translation is the picture itself and the difference of what its z is in both styles, so that it has
    the details that no decoder draws, in the losses too; else what z is in the other style, as in the paper."""
    instance_norm: Literal["everywhere", "in blocks"] = "everywhere"
    """Where generators normalise features: after all convolutions but the last, as in the papers, or in the residual blocks
    only. Of even areas, as drawings have them, the former leaves no more than which side of a mean their colour is on."""
    upsampling: Literal["transposed", "nearest"] = "transposed"
    """Transposed convolutions, as in the papers, or nearest neighbours and a convolution, which leaves no checkerboards."""
    discriminator_width: Annotated[int, Range(1, 1024)] = 64
    """Feature channels of a discriminator's first convolution; each has twice as many as the one before, up to eight times."""
    discriminator_layers: Annotated[int, Range(1, 6)] = 3
    """Strided convolutions of a discriminator: with 3 each of its logits sees 70 pixels, with 2 it sees 34."""
    cycle_weight: Annotated[float, Range(0)] = 10.0
    """Weight λ of the cycle's error: the mean absolute difference after there and back."""
    identity_weight: Annotated[float, Range(0)] = 0.5
    """CycleGAN: weight of the identity's error, as a share of λ: a picture that is in the style already stays as it is."""
    reconstruction_weight: Annotated[float, Range(0)] = 10.0
    """UNIT: weight of the reconstruction's error, of pictures encoded and decoded in their own style."""
    kl_weight: Annotated[float, Range(0)] = 0.01
    """UNIT: weight of the Kullback–Leibler divergence of z from a standard normal distribution, per dimension."""
    autoencoder_steps: Annotated[int, Range(0)] = 0
    """Steps at the beginning in which one autoencoder of the pictures of both styles is trained: with its weights, which leave
    a picture as it is, both generators then begin. 0 = they begin with random weights, as in the papers."""
    pool_size: Annotated[int, Range(0, 10_000)] = 50
    """Translated pictures of the past that a discriminator is also shown; 0 = none."""
    diff_augment: bool = False
    """Differentiable augmentation (color, translation, cutout) of what discriminators see, so that they memorise a small
    training set later (DiffAugment, arXiv:2006.10738); not in the papers."""
    discriminator_lr: Annotated[float, Range(0)] = 0.0
    """Learning rate of the discriminators, where it is not the generators' (two time scales, arXiv:1706.08500); 0: the same."""
    beta1: Annotated[float, Range(0, 1, open="high")] = 0.5
    """Adam's decay of the mean gradient."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""
    loss_network: LossNetwork = "vgg16"
    """What pairs are compared through: VGG16 as a package carries it; with torchvision's own weights, from its hub; or,
    without network, a narrow one with random filters."""
    feature_extractor: str = "classifier.imagenet"
    """The network in whose features sets of pictures are compared: a system with the capability Embedder."""
    feature_extractor_size: Annotated[int, Range(1)] = 128
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(set(self.styles)) == 2 or reject("The two styles have two names.", ", ".join(self.styles))
        self.image_size <= self.load_size or reject("image_size is at most load_size.", self.image_size)
        self.image_size % 4 == 0 or reject("image_size must be divisible by 4.", self.image_size)
        least = 2 ** (self.discriminator_layers + 2)
        self.image_size >= least or reject(
            f"With {self.discriminator_layers} discriminator_layers, image_size is at least {least}.", self.image_size
        )
        if self.architecture == "unit" and not 0 < self.shared_blocks <= self.residual_blocks:
            reject(
                f"UNIT shares at least one of its {self.residual_blocks} residual blocks, at most all.",
                self.shared_blocks,
            )

    @property
    def latent_channels(self) -> int:
        """Channels of z, which has a quarter of a picture's height and width."""
        return 4 * self.width


class Encoder(nn.Module):
    """From pictures to feature maps of a quarter of the height and width: what is a style's own of an encoder.

    Args:
        config: The sizes.
        blocks: Residual blocks at the end.
    """

    def __init__(self, config: Config, blocks: int) -> None:
        super().__init__()
        width = config.width
        self.conv1 = ConvLayer(3, width, 7)
        self.conv2 = ConvLayer(width, 2 * width, 3, stride=2, padding="constant")
        self.conv3 = ConvLayer(2 * width, 4 * width, 3, stride=2, padding="constant")
        self.norms = nn.ModuleList(norm(config, channels) for channels in (width, 2 * width, 4 * width))
        self.blocks = residual_blocks(config, blocks)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c y x"]:
        x = images
        for conv, norm in zip((self.conv1, self.conv2, self.conv3), self.norms, strict=True):
            x = norm(conv(x)).relu()  # (B, width, H, W), (B, 2 width, ⌈H / 2⌉, ⌈W / 2⌉), (B, 4 width, ⌈H / 4⌉, ⌈W / 4⌉)
        x = self.blocks(x)
        return x


class Decoder(nn.Module):
    """From feature maps to pictures in [−1, 1] of four times the height and width: what is a style's own of a decoder.

    Args:
        config: The sizes.
        blocks: Residual blocks at the beginning.
    """

    def __init__(self, config: Config, blocks: int) -> None:
        super().__init__()
        width = config.width
        self.blocks = residual_blocks(config, blocks)
        self.deconv1 = upsampling_layer(config, 4 * width, 2 * width)
        self.deconv2 = upsampling_layer(config, 2 * width, width)
        self.norms = nn.ModuleList(norm(config, channels) for channels in (2 * width, width))
        self.conv = ConvLayer(width, 3, 7)

    def forward(self, x: Float[Tensor, "b c y x"]) -> Float[Tensor, "b 3 h w"]:
        x = self.blocks(x)
        for deconv, norm in zip((self.deconv1, self.deconv2), self.norms, strict=True):
            x = norm(deconv(x)).relu()  # (B, 2 width, H / 2, W / 2), (B, width, H, W)
        x = self.conv(x).tanh()
        return x


def upsampling_layer(config: Config, inputs: int, outputs: int) -> ConvLayer | TransposedConvLayer:
    """The layer that doubles height and width."""
    return (
        TransposedConvLayer(inputs, outputs)
        if config.upsampling == "transposed"
        else UpsampleConvLayer(inputs, outputs, 3)
    )


def residual_blocks(config: Config, count: int) -> nn.Sequential:
    """So many residual blocks at a quarter of the resolution."""
    return nn.Sequential(*(ResidualBlock(config.latent_channels, affine=False) for _ in range(count)))


class Translator(nn.Module):
    """Encoders and decoders of both styles, and what of them is shared.

    Args:
        config: Which architecture, and its sizes. With CycleGAN's paper preset an encoder and a decoder together have
            11,378,179 parameters.

    Example:
        >>> translator = Translator(Config(width=4, residual_blocks=4))
        >>> translator(torch.rand(2, 3, 40, 52), source=0, target=1).shape
        torch.Size([2, 3, 40, 52])
    """

    SMALLEST = 5
    """Pixels of the smallest side that can be padded by reflection, at a quarter of the resolution too."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        shared = config.shared_blocks if config.architecture == "unit" else 0
        own, ends = config.residual_blocks - shared, shared // 2
        self.details = config.details and config.architecture == "unit"
        self.encoders = nn.ModuleList(Encoder(config, own - own // 2) for _ in range(2))
        self.shared_encoder = residual_blocks(config, shared - ends)
        self.shared_decoder = residual_blocks(config, ends)
        self.decoders = nn.ModuleList(Decoder(config, own // 2) for _ in range(2))
        self.apply(partial(initialise, config))

    def encode(self, images: Float[Tensor, "b 3 h w"], style: int) -> Float[Tensor, "b c y x"]:
        """The (mean) latent feature maps z of pictures in [0, 1] of a style, 0 or 1."""
        z: Tensor = self.shared_encoder(self.encoders[style](2 * images - 1))
        return z

    def decode(self, z: Float[Tensor, "b c y x"], *styles: int) -> tuple[Tensor, ...]:
        """Pictures (B, 3, H, W) in [0, 1] of each of these styles, four times as high and wide as z."""
        x = self.shared_decoder(z)
        return tuple((self.decoders[style](x) + 1) / 2 for style in styles)

    def forward(self, images: Float[Tensor, "b 3 h w"], source: int, target: int) -> Float[Tensor, "b 3 h w"]:
        """Pictures in [0, 1] of one style in the other. Sides of at least ``SMALLEST``; values may lie a little outside."""
        return self.translate(images, self.encode(images, source), source, target)

    def translate(
        self, images: Float[Tensor, "b 3 h w"], z: Float[Tensor, "b c y x"], source: int, target: int
    ) -> Float[Tensor, "b 3 h w"]:
        """The translation of images whose z is known."""
        height, width = images.shape[2:]
        if self.details:
            same, other = (x[:, :, :height, :width] for x in self.decode(z, source, target))
            return images + other - same
        (translated,) = self.decode(z, target)
        return translated[:, :, :height, :width]

    @torch.no_grad()
    def tie(self) -> None:
        """Give the second style's encoder and decoder the weights of the first's."""
        for parts in (self.encoders, self.decoders):
            parts[1].load_state_dict(parts[0].state_dict())


class Discriminator(nn.Module):
    """PatchGAN (Isola et al. 2016, arXiv:1611.07004): a logit for each of many overlapping patches, high for real ones.

    All convolutions but the first and the last are followed by instance normalisation, whatever the generators have.

    Args:
        config: The sizes. At a width of 64 with 3 layers patches have 70² pixels, and there are 2,764,737 parameters.

    Example:
        >>> Discriminator(Config(discriminator_width=4))(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 1, 6, 6])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, count = config.discriminator_width, config.discriminator_layers
        channels = [min(2**n, 8) * width for n in range(count + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for n in range(1, count + 1):
            conv = nn.Conv2d(channels[n - 1], channels[n], 4, stride=2 if n < count else 1, padding=1)
            layers += [conv, InstanceNorm(channels[n], affine=False), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, padding=1))
        self.apply(partial(initialise, config))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 y x"]:
        """The logits of pictures in [0, 1]."""
        logits: Tensor = self.model(2 * images - 1)
        return logits


def norm(config: Config, channels: int) -> nn.Module:
    """The normalisation after a convolution of a generator that is in no residual block."""
    return InstanceNorm(channels, affine=False) if config.instance_norm == "everywhere" else nn.Identity()


def initialise(config: Config, module: nn.Module) -> None:
    """Normal weights of standard deviation 0.02 (CycleGAN, section 7.1), or He's where what follows is not normalised."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        if config.instance_norm == "everywhere":
            nn.init.normal_(module.weight, std=0.02)
        else:
            nn.init.kaiming_normal_(module.weight, a=0.2)
        assert module.bias is not None  # as they are made here
        nn.init.zeros_(module.bias)
