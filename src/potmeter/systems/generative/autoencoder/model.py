"""The autoencoder: a picture is squeezed through a few numbers, its code, and drawn again from them.

Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks" (Science, 2006). Nothing but the
reconstruction is asked for; that the code means something is what the bottleneck forces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.core.training import processes
from potmeter.errors import reject
from potmeter.nn.convolutional import ConvDecoder, ConvEncoder

DEEP = 128
"""Units of the further hidden layers."""


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Autoencoders of one shape with bottlenecks of several widths, trained side by side."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion or digits."""
    image_size: int = 28
    """Height and width of the pictures in pixels."""
    channels: int = 1
    """Colours of a pixel: 1 is grey, 3 is RGB."""
    latents: tuple[int, ...] = (2, 8, 32)
    """Numbers in the code, for each autoencoder; PCA with as many components is the one to beat."""
    filters: tuple[int, ...] = ()
    """Channels after each convolution that halves the picture, finest first; none = dense layers only."""
    blocks: tuple[int, ...] = ()
    """Residual blocks at each of these resolutions."""
    widths: tuple[int, ...] = (512, 256)
    """Units of the encoder's dense hidden layers; the decoder has them in reverse."""
    depths: tuple[int, ...] = (0, 0, 0)
    """Further hidden layers, of 128 units, before each code: narrow codes gain by depth, wide ones lose."""
    muon_lr: float = 0.0
    """Learning rate of Muon for the matrices between hidden layers, whose steps go as far in every direction, so that deep
    layers learn sooner; 0 = AdamW for these too."""
    norm: Literal["none", "batch"] = "batch"
    """Normalisation of the hidden layers."""
    elastic: float = 0.0
    """Pixels by which half of the training pictures are bent, each in its own way; 0 = none."""
    noise: float = 0.0
    """Deviation of noise that is added to what the encoder sees in training, which makes it a denoiser."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "channels"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.channels in (1, 3) or reject("channels is 1 or 3.", self.channels)
        for name in ("latents", "widths"):
            values = getattr(self, name)
            (values and min(values) >= 1) or reject(f"{name} must be positive and not empty.", values)
        len(set(self.latents)) == len(self.latents) or reject("latents must differ.", self.latents)
        len(self.depths) == len(self.latents) or reject("depths needs a number for each of latents.", self.depths)
        min(self.depths) >= 0 or reject("depths must not be negative.", self.depths)
        min(self.filters, default=1) >= 1 or reject("filters must be positive.", self.filters)
        len(self.blocks) == len(self.filters) or reject("blocks needs a number for each of filters.", self.blocks)
        min(self.blocks, default=0) >= 0 or reject("blocks must not be negative.", self.blocks)
        parts = 2 ** len(self.filters)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)
        self.muon_lr >= 0 or reject("muon_lr must not be negative.", self.muon_lr)
        self.elastic >= 0 or reject("elastic must not be negative.", self.elastic)
        self.noise >= 0 or reject("noise must not be negative.", self.noise)


class Bottleneck(nn.Module):
    """One autoencoder, with ``latent`` numbers in the middle."""

    centre: Tensor
    spread: Tensor

    def __init__(self, config: Config, latent: int, depth: int) -> None:
        super().__init__()
        c = config
        shape, widths = (c.channels, c.image_size, c.image_size), (*c.widths, *(DEEP,) * depth)
        self.encoder = ConvEncoder(shape, c.filters, c.blocks, widths, c.norm)
        self.code = nn.Linear(widths[-1], latent)
        self.decoder = ConvDecoder(latent, shape, c.filters, c.blocks, widths, c.norm)
        self.register_buffer("centre", torch.zeros(latent))
        self.register_buffer("spread", torch.ones(latent))

    @torch.no_grad()
    def observe(self, code: Float[Tensor, "b latent"], weight: float = 0.01) -> None:
        """Keep running means of the codes and of their deviation: where in its space the pictures live."""
        self.centre.lerp_(processes.all_reduce_mean(code.mean(0)), weight)
        deviation = 1.2533 * processes.all_reduce_mean(
            (code - self.centre).abs().mean(0)
        )  # a normal's, from its mean |x|
        self.spread.lerp_(deviation, weight)

    def encode(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b latent"]:
        """Codes of pictures in [0, 1]."""
        code: Tensor = self.code(self.encoder(images))
        return code

    def decode(self, code: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h w"]:
        """Pictures in [0, 1]."""
        picture: Tensor = self.decoder(code)
        return picture.sigmoid()

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.decode(self.encode(images))
