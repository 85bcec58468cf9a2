"""A variational autoencoder: the encoder gives a distribution of codes, so that codes drawn from a prior decode to pictures.

Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114); β: Higgins et al., "beta-VAE" (2017); the
importance-weighted likelihood: Burda, Grosse and Salakhutdinov (arXiv:1509.00519), eq. 8.

    p(z) = N(0, 1)      q(z|x) = N(mean(x), std(x)²)      p(x|z) = Bernoulli or Gaussian in each pixel

Where the prior is learned (``prior.py``), codes are drawn from it; the bound that trains encoder and decoder keeps N(0, 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.convolutional import ConvDecoder, ConvEncoder

from .prior import REPEATS, FlowPrior


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """A variational autoencoder's sizes; the defaults are those of the paper's decoder with one more hidden layer."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion, digits or faces."""
    image_size: Annotated[int, Range(1)] = 28
    """Height and width of the pictures in pixels."""
    channels: Literal[1, 3] = 1
    """Colour channels: 1 is grey, 3 is RGB."""
    latent_dim: Annotated[int, Range(1)] = 32
    """Dimension of the codes; with 2 the whole latent space fits on a page."""
    filters: Annotated[tuple[int, ...], Range(1)] = ()
    """Channels after each strided convolution, which halves height and width, finest first; none = dense layers only."""
    blocks: Annotated[tuple[int, ...], Range(0)] = ()
    """Residual blocks at each of these resolutions."""
    widths: Annotated[tuple[int, ...], Range(1)] = (512, 512)
    """Units of the encoder's dense hidden layers; the decoder has them in reverse."""
    norm: Literal["none", "batch"] = "none"
    """Normalisation of the hidden layers."""
    linear_skip: Literal[0, 1, 2] = 0
    """A linear map beside encoder and decoder, for aligned pictures: at full (1) or half (2) resolution; 0 = none."""
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """p(x|z): bernoulli for black-or-white pixels, gaussian (one learned deviation for all) for grey and colour."""
    beta: Annotated[float, Range(0)] = 1.0
    """Weight β of the KL term: 1 is the evidence lower bound; more gives tidier codes and blurrier pictures."""
    prior: Literal["normal", "flow"] = "normal"
    """Where codes are drawn from: normal, the N(0, 1) of the bound; flow, a second network that learns where codes lie."""
    prior_width: Annotated[int, Range(1)] = 256
    """flow: units of its hidden layers."""
    prior_blocks: Annotated[int, Range(1)] = 3
    """flow: its residual blocks."""
    prior_only: bool = False
    """flow: train it alone, on the codes of an encoder that stays as it is: the second of two stages, after --from."""
    feature_extractor: str = "classifier.digits"
    """The network in whose features drawn pictures are compared with real ones: a system with the capability Embedder."""
    feature_extractor_size: Annotated[int, Range(1)] = 28
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.widths or reject("widths must not be empty.", self.widths)
        len(self.blocks) == len(self.filters) or reject("blocks needs a number for each of filters.", self.blocks)
        self.prior == "flow" or not self.prior_only or reject("prior_only needs --prior flow.", self.prior)
        parts = 2 ** max(len(self.filters), self.linear_skip - 1)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)


class VariationalAutoencoder(nn.Module):
    """Encoder, decoder, the bound that trains them, and the prior that codes are drawn from."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = c = config
        shape = (c.channels, c.image_size, c.image_size)
        self.encoder = ConvEncoder(shape, c.filters, c.blocks, c.widths, c.norm)
        self.posterior = nn.Linear(c.widths[-1], 2 * c.latent_dim)
        self.decoder = ConvDecoder(c.latent_dim, shape, c.filters, c.blocks, c.widths, c.norm)
        if c.linear_skip:
            side = c.image_size // c.linear_skip
            coarse = (c.channels, side, side)
            self.linear_encoder = nn.Linear(math.prod(coarse), c.latent_dim, bias=False)
            self.linear_decoder = nn.Sequential(
                nn.Linear(c.latent_dim, math.prod(coarse), bias=False), nn.Unflatten(1, coarse),
                *([nn.Upsample(scale_factor=2, mode="bilinear")] if c.linear_skip == 2 else []),
            )  # fmt: skip
        if c.likelihood == "gaussian":
            self.log_std = nn.Parameter(torch.tensor(-2.0))
        self.prior = FlowPrior(c.latent_dim, c.prior_width, c.prior_blocks) if c.prior == "flow" else None

    def encode(self, images: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b latent"], Float[Tensor, "b latent"]]:
        """Mean and log-variance of q(z|x) for pictures in [0, 1]."""
        mean, log_variance = self.posterior(self.encoder(images)).chunk(2, dim=1)
        if self.config.linear_skip:
            mean = mean + self.linear_encoder(2 * F.avg_pool2d(images, self.config.linear_skip).flatten(1) - 1)
        return mean, log_variance.clamp(-12, 6)

    def logits(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h w"]:
        """The expected picture of each code, before the sigmoid."""
        logits: Tensor = self.decoder(z)
        return logits + self.linear_decoder(z) if self.config.linear_skip else logits

    def sample_prior(self, noise: Float[Tensor, "b latent"]) -> Float[Tensor, "b latent"]:
        """Codes distributed as the prior, from standard normal noise, which a normal prior leaves as it is."""
        z: Tensor = noise if self.prior is None else self.prior(noise)
        return z

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
            residual = (images - pixels.sigmoid()) / self.log_std.exp()
            log_p = -0.5 * residual.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        return log_p.flatten(1).sum(1)

    def elbo(
        self, images: Float[Tensor, "b c h w"], noise: Float[Tensor, "b latent"], beta: float = 1.0
    ) -> dict[str, Tensor]:
        """The evidence lower bound with one draw of the code (Kingma and Welling, eq. 10), in nats.

        Args:
            images: Pictures in [0, 1]; binary ones for a Bernoulli likelihood.
            noise: Standard normal numbers.
            beta: Weight of the KL term.

        Returns:
            ``elbo`` = ``log_likelihood`` − beta · ``kl``, of each picture, the KL term analytic; and the code ``z``.
        """
        mean, log_variance = self.encode(images)
        z = mean + noise * (0.5 * log_variance).exp()
        log_likelihood = self.log_likelihood(images, z)
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
        return {"elbo": log_likelihood - beta * kl, "log_likelihood": log_likelihood, "kl": kl, "z": z}

    def prior_loss(self, z: Float[Tensor, "b latent"], rng: RandomStream) -> Float[Tensor, ""]:
        """What the flow learns from codes, which learn nothing from it: its loss at several times and noises for each."""
        if self.prior is None:
            return z.new_zeros(())
        z = z.detach().repeat(REPEATS, 1)
        loss: Tensor = self.prior.loss(z, rng.normal(*z.shape), rng.uniform(len(z)))
        return loss.mean()

    def importance_weighted_nll(
        self, images: Float[Tensor, "b c h w"], samples: int, rng: RandomStream, chunk: int = 500
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


def binarize(images: Float[Tensor, "b c h w"], uniform: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Black-or-white pictures: each pixel is 1 with its grey value as probability (never thresholded)."""
    return (uniform < images).float()
