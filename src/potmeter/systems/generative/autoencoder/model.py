"""The autoencoder: an encoder maps a picture to a code of a few numbers, a decoder maps the code to the picture again.

Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks" (Science, 2006). Nothing but the
reconstruction is asked for; that the code means something is what the bottleneck forces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.core.training import processes
from potmeter.errors import reject
from potmeter.nn.convolutional import ConvDecoder, ConvEncoder

EXTRA_WIDTH = 128
"""Units of each of the ``extra_layers``."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Autoencoders of one shape with bottlenecks of several widths, trained side by side."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion or digits."""
    image_size: Annotated[int, Range(1)] = 28
    """Height and width of the pictures in pixels."""
    channels: Literal[1, 3] = 1
    """Colour channels: 1 is grey, 3 is RGB."""
    latent_dims: Annotated[tuple[int, ...], Range(1)] = (2, 8, 32)
    """Dimension of each autoencoder's code; PCA with as many components is the one to beat."""
    filters: Annotated[tuple[int, ...], Range(1)] = ()
    """Channels after each strided convolution, which halves height and width, finest first; none = dense layers only."""
    blocks: Annotated[tuple[int, ...], Range(0)] = ()
    """Residual blocks at each of these resolutions."""
    widths: Annotated[tuple[int, ...], Range(1)] = (512, 256)
    """Units of the encoder's dense hidden layers; the decoder has them in reverse."""
    extra_layers: Annotated[tuple[int, ...], Range(0)] = (0, 0, 0)
    """Further hidden layers, of 128 units, before each of latent_dims: narrow codes gain by depth, wide ones lose."""
    muon_lr: Annotated[float, Range(0)] = 0.0
    """Learning rate of Muon for the matrices between hidden layers, so that deep layers learn sooner; 0 = AdamW for all."""
    norm: Literal["none", "batch"] = "batch"
    """Normalisation of the hidden layers."""
    elastic: Annotated[float, Range(0)] = 0.0
    """Elastic deformation of half of the training pictures: standard deviation in pixels; 0 = none."""
    noise: Annotated[float, Range(0)] = 0.0
    """Standard deviation of the noise on the encoder's input in training, which makes it a denoising autoencoder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("latent_dims", "widths"):
            getattr(self, name) or reject(f"{name} must not be empty.", getattr(self, name))
        len(set(self.latent_dims)) == len(self.latent_dims) or reject("latent_dims must differ.", self.latent_dims)
        len(self.extra_layers) == len(self.latent_dims) or reject(
            "extra_layers needs a number for each of latent_dims.", self.extra_layers
        )
        len(self.blocks) == len(self.filters) or reject("blocks needs a number for each of filters.", self.blocks)
        parts = 2 ** len(self.filters)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)


class BottleneckAutoencoder(nn.Module):
    """One autoencoder, with a bottleneck of one width; ``Autoencoder`` trains several side by side.

    Args:
        config: Its sizes.
        latent_dim: Dimension of its code.
        extra_layers: Further hidden layers before the code.
    """

    code_mean: Tensor
    code_std: Tensor

    def __init__(self, config: Config, latent_dim: int, extra_layers: int) -> None:
        super().__init__()
        c = config
        shape, widths = (c.channels, c.image_size, c.image_size), (*c.widths, *(EXTRA_WIDTH,) * extra_layers)
        self.encoder = ConvEncoder(shape, c.filters, c.blocks, widths, c.norm)
        self.to_code = nn.Linear(widths[-1], latent_dim)
        self.decoder = ConvDecoder(latent_dim, shape, c.filters, c.blocks, widths, c.norm)
        self.register_buffer("code_mean", torch.zeros(latent_dim))
        self.register_buffer("code_std", torch.ones(latent_dim))

    @torch.no_grad()
    def update_statistics(self, code: Float[Tensor, "b latent"], weight: float = 0.01) -> None:
        """Update the running mean and standard deviation of the codes: where in their space the pictures lie."""
        self.code_mean.lerp_(processes.all_reduce_mean(code.mean(0)), weight)
        deviation = 1.2533 * processes.all_reduce_mean(
            (code - self.code_mean).abs().mean(0)
        )  # a normal's, from its mean |x|
        self.code_std.lerp_(deviation, weight)

    def encode(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b latent"]:
        """Codes of pictures in [0, 1]."""
        code: Tensor = self.to_code(self.encoder(images))
        return code

    def decode(self, code: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h w"]:
        """Pictures in [0, 1]."""
        picture: Tensor = self.decoder(code)
        return picture.sigmoid()

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.decode(self.encode(images))
