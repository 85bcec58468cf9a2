"""A variational autoencoder: a picture's code is a cloud instead of a point, so that any point drawn decodes to a picture.

Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114); β: Higgins et al., "beta-VAE" (2017); the
importance-weighted likelihood: Burda, Grosse and Salakhutdinov (arXiv:1509.00519), eq. 8.

    p(z) = N(0, 1)      q(z|x) = N(mean(x), std(x)²)      p(x|z) = Bernoulli or Gaussian in each pixel
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.core.random import Stream
from potmeter.errors import reject
from potmeter.nn.convolutional import ConvDecoder, ConvEncoder


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """A variational autoencoder's sizes; the defaults are those of the paper's decoder with one more hidden layer."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion, digits or faces."""
    image_size: int = 28
    """Height and width of the pictures in pixels."""
    channels: int = 1
    """Colours of a pixel: 1 is grey, 3 is RGB."""
    latent: int = 32
    """Numbers in the code; with 2 the whole latent space fits on a page."""
    filters: tuple[int, ...] = ()
    """Channels after each convolution that halves the picture, finest first; none = dense layers only."""
    blocks: tuple[int, ...] = ()
    """Residual blocks at each of these resolutions."""
    widths: tuple[int, ...] = (512, 512)
    """Units of the encoder's dense hidden layers; the decoder has them in reverse."""
    norm: Literal["none", "batch"] = "none"
    """Normalisation of the hidden layers."""
    shortcut: bool = False
    """A linear map beside the encoder's layers, and one beside the decoder's: pictures that are aligned gain by it."""
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """p(x|z): bernoulli for black-or-white pixels, gaussian (one learned deviation for all) for grey and colour."""
    beta: float = 1.0
    """Weight of the KL term: 1 is the evidence lower bound; more gives tidier codes and blurrier pictures."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "channels", "latent"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.channels in (1, 3) or reject("channels is 1 or 3.", self.channels)
        (self.widths and min(self.widths) >= 1) or reject("widths must be positive and not empty.", self.widths)
        min(self.filters, default=1) >= 1 or reject("filters must be positive.", self.filters)
        len(self.blocks) == len(self.filters) or reject("blocks needs a number for each of filters.", self.blocks)
        min(self.blocks, default=0) >= 0 or reject("blocks must not be negative.", self.blocks)
        parts = 2 ** len(self.filters)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)
        self.beta >= 0 or reject("beta must not be negative.", self.beta)


class VariationalAutoencoder(nn.Module):
    """Encoder, decoder and the bound that trains them."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        shape = (c.channels, c.image_size, c.image_size)
        self.encoder = ConvEncoder(shape, c.filters, c.blocks, c.widths, c.norm)
        self.posterior = nn.Linear(c.widths[-1], 2 * c.latent)
        self.decoder = ConvDecoder(c.latent, shape, c.filters, c.blocks, c.widths, c.norm)
        if c.shortcut:
            self.linear_code = nn.Linear(math.prod(shape), c.latent, bias=False)
            self.linear_picture = nn.Linear(c.latent, math.prod(shape), bias=False)
        if c.likelihood == "gaussian":
            self.log_std = nn.Parameter(torch.tensor(-2.0))

    def encode(self, images: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b latent"], Float[Tensor, "b latent"]]:
        """Mean and log-variance of q(z|x) for pictures in [0, 1]."""
        mean, log_variance = self.posterior(self.encoder(images)).chunk(2, dim=1)
        if self.config.shortcut:
            mean = mean + self.linear_code(2 * images.flatten(1) - 1)
        return mean, log_variance.clamp(-12, 6)

    def logits(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h w"]:
        """The expected picture of each code, before the sigmoid."""
        pixels: Tensor = self.decoder(z)
        return pixels + self.linear_picture(z).view_as(pixels) if self.config.shortcut else pixels

    def decode(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h w"]:
        """The expected picture of each code, in [0, 1]."""
        return self.logits(z).sigmoid()

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.decode(self.encode(images)[0])

    def log_likelihood(self, images: Float[Tensor, "b c h w"], z: Float[Tensor, "b latent"]) -> Float[Tensor, " b"]:
        """log p(x|z) in nats, summed over the pixels."""
        pixels = self.logits(z)
        if self.config.likelihood == "bernoulli":
            log_p = -F.binary_cross_entropy_with_logits(pixels, images, reduction="none")
        else:
            distance = (images - pixels.sigmoid()) / self.log_std.exp()
            log_p = -0.5 * distance.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        return log_p.flatten(1).sum(1)

    def elbo(
        self, images: Float[Tensor, "b c h w"], noise: Float[Tensor, "b latent"], beta: float = 1.0
    ) -> dict[str, Float[Tensor, " b"]]:
        """The evidence lower bound with one draw of the code (Kingma and Welling, eq. 10), in nats.

        Args:
            images: Pictures in [0, 1]; binary ones for a Bernoulli likelihood.
            noise: Standard normal numbers.
            beta: Weight of the KL term.

        Returns:
            ``elbo`` = ``log_likelihood`` − beta · ``kl``, of each picture; the KL term is analytic.
        """
        mean, log_variance = self.encode(images)
        z = mean + noise * (0.5 * log_variance).exp()
        log_likelihood = self.log_likelihood(images, z)
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
        return {"elbo": log_likelihood - beta * kl, "log_likelihood": log_likelihood, "kl": kl}

    def importance_weighted_nll(
        self, images: Float[Tensor, "b c h w"], samples: int, rng: Stream, chunk: int = 500
    ) -> Float[Tensor, " b"]:
        """−log p(x) in nats by importance sampling: an upper bound, in expectation, that tightens with ``samples``.

        −log (1/K) Σ_k p(x|z_k) p(z_k) / q(z_k|x) with z_k from q(z|x) (Burda et al., eq. 8).

        Args:
            images: Pictures in [0, 1].
            samples: Codes drawn for each picture, K.
            rng: Where they are drawn from.
            chunk: Codes decoded at once, few enough for the cache. Another number draws others, for the same estimate.
        """
        mean, log_variance = self.encode(images)
        log_weights = []
        draws = max(1, chunk // len(images))
        for k in (min(draws, samples - start) for start in range(0, samples, draws)):
            noise = rng.normal(k, *mean.shape)  # (K, B, latent)
            z = mean + noise * (0.5 * log_variance).exp()
            log_ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(2)  # log p(z) − log q(z|x): (K, B)
            repeated = images.expand(k, *images.shape).flatten(0, 1)  # (K·B, C, H, W)
            log_p = self.log_likelihood(repeated, z.flatten(0, 1)).unflatten(0, (k, -1))  # (K, B)
            log_weights.append(log_p + log_ratio)
        return math.log(samples) - torch.cat(log_weights).logsumexp(0)


def binarised(images: Float[Tensor, "b c h w"], uniform: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Black-or-white pictures: each pixel is 1 with its grey value as probability (never thresholded)."""
    return (uniform < images).float()
