"""DCGAN: a generator of transposed convolutions and a discriminator of strided ones, with classes if wanted.

Radford, Metz and Chintala 2015 (arXiv:1511.06434). Classes enter the generator beside the noise, and the discriminator
as a projection (Miyato and Koyama 2018, arXiv:1802.05637, equation 3). Inside, pixels lie in [−1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.gan_losses import Objective, minibatch_stddev

Norm = Literal["none", "batch", "spectral"]


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Sizes of the two networks, and the objective."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion, digits, cifar10 or another built-in set."""
    image_size: Annotated[int, Range(1)] = 28
    """Height and width of the pictures in pixels."""
    channels: Literal[1, 3] = 1
    """Colour channels: 1 is grey, 3 is RGB."""
    classes: tuple[str, ...] = ()
    """Names of the data's classes, in the order of their labels; filled from the data."""
    conditional: bool = True
    """Whether a class can be asked for; a folder must then have a subfolder for each."""
    latent_dim: Annotated[int, Range(1)] = 64
    """Dimension of the noise vector z that a picture is generated from."""
    filters: Annotated[tuple[int, ...], Range(1)] = (64, 128)
    """Feature maps at each resolution, finest first; each has half the height and width of the one before."""
    norm: Norm = "none"
    """Normalisation of the discriminator (the generator has batch norm); batch does not go with R1 or wgan-gp, which penalise
    the gradient at single pictures."""
    minibatch_std_group: Annotated[int, Range(1)] = 4
    """Pictures, of one class if possible, over which the discriminator is given the standard deviation; 1 = none."""
    objective: Objective = "non-saturating"
    """Adversarial loss: non-saturating, hinge or wgan-gp."""
    r1: Annotated[float, Range(0)] = 0.2
    """Weight γ of the R1 penalty, the squared gradient of the discriminator's logit at real pictures; 0 = none."""
    r1_interval: Annotated[int, Range(1)] = 16
    """Steps between R1 penalties, each then so many times as heavy (lazy regularisation)."""
    gradient_penalty: Annotated[float, Range(0)] = 10.0
    """wgan-gp: weight λ of the gradient penalty."""
    critic_steps: Annotated[int, Range(1)] = 1
    """Steps of the discriminator for each of the generator."""
    beta1: Annotated[float, Range(0, 1, open="high")] = 0.0
    """Adam's decay of the mean gradient."""
    beta2: Annotated[float, Range(0, 1, open="high")] = 0.99
    """Adam's decay of the mean squared gradient."""
    feature_extractor: str = "classifier.digits"
    """The network in whose features pictures are compared: a system with the capability Embedder."""
    feature_extractor_size: Annotated[int, Range(1)] = 28
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters or reject("filters must not be empty.", self.filters)
        parts = 2 ** len(self.filters)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)
        penalised = self.r1 > 0 or self.objective == "wgan-gp"
        if self.norm == "batch" and penalised:
            reject("Batch norm mixes the pictures whose single gradients R1 and wgan-gp penalise: --r1 0.", self.norm)

    @property
    def num_classes(self) -> int:
        """Classes that a picture can be asked of; 0 where none can."""
        return len(self.classes) if self.conditional else 0


class Generator(nn.Module):
    """Noise z (B, latent), and classes, to pictures (B, C, H, W) in [−1, 1].

    Example:
        >>> import torch
        >>> Generator(Config(conditional=False))(torch.randn(2, 64)).shape
        torch.Size([2, 1, 28, 28])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, coarsest = config, config.filters[-1]
        self.side = c.image_size // 2 ** len(c.filters)
        self.class_embedding = nn.Linear(c.num_classes, c.latent_dim, bias=False) if c.num_classes else None
        inputs = 2 * c.latent_dim if c.num_classes else c.latent_dim
        self.projection = nn.Linear(inputs, coarsest * self.side**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(coarsest), nn.ReLU()]
        for inputs, outputs in pairwise(reversed(c.filters)):
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        self.upsampling = nn.Sequential(*layers, nn.ConvTranspose2d(c.filters[0], c.channels, 4, stride=2, padding=1))
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d) or module is self.projection:
                nn.init.normal_(module.weight, std=0.02)  # type: ignore[arg-type]
        if self.class_embedding is not None:
            nn.init.normal_(self.class_embedding.weight)  # as large as the noise beside it

    def forward(
        self, z: Float[Tensor, "b latent"], labels: Float[Tensor, "b classes"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        """Pictures of noise and of labels, which are one-hot, or soft for what lies between classes."""
        if self.class_embedding is not None and labels is not None:
            z = torch.cat([z, self.class_embedding(labels)], 1)  # (B, 2 latent)
        x: Tensor = self.projection(z).unflatten(1, (-1, self.side, self.side))  # (B, filters[-1], side, side)
        x = self.upsampling(x).tanh()  # (B, C, H, W)
        return x


class Discriminator(nn.Module):
    """Pictures (B, C, H, W) in [−1, 1], and their classes, to one logit each (B,), high for real ones.

    Example:
        >>> import torch
        >>> Discriminator(Config(conditional=False))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config
        layers: list[nn.Module] = []
        for level, (inputs, outputs) in enumerate(pairwise((c.channels, *c.filters))):
            batch_norm = c.norm == "batch" and level > 0
            conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=not batch_norm)
            layers.append(constrain(initialise(conv, c.norm), c.norm))
            layers += [*([nn.BatchNorm2d(outputs)] if batch_norm else []), nn.LeakyReLU(0.2)]
        self.downsampling, self.group = nn.Sequential(*layers), c.minibatch_std_group
        features = (c.filters[-1] + (self.group > 1)) * (c.image_size // 2 ** len(c.filters)) ** 2
        self.to_logit = constrain(nn.Linear(features, 1), c.norm)
        self.class_embedding = None
        if c.num_classes:
            self.class_embedding = constrain(nn.Linear(features, c.num_classes, bias=False), c.norm)

    def forward(
        self, images: Float[Tensor, "b c h w"], labels: Float[Tensor, "b classes"] | None = None
    ) -> Float[Tensor, " b"]:
        x = self.downsampling(images)  # (B, filters[-1], side, side)
        x = torch.cat([x, minibatch_stddev(x, self.group)], 1) if self.group > 1 else x
        x = x.flatten(1)
        logits: Tensor = self.to_logit(x)[:, 0]  # (B,)
        if self.class_embedding is not None and labels is not None:
            logits = logits + (self.class_embedding(x) * labels).sum(1)  # the class as a projection
        return logits


def initialise(conv: nn.Conv2d, norm: Norm) -> nn.Conv2d:
    """A convolution with DCGAN's small weights where a batch norm follows, else with He's."""
    if norm == "batch":
        nn.init.normal_(conv.weight, std=0.02)
    else:
        nn.init.kaiming_normal_(conv.weight, a=0.2)
    return conv


def constrain(layer: nn.Module, norm: Norm) -> nn.Module:
    """A layer whose largest singular value is held at 1 where the norm is spectral."""
    return spectral_norm(layer) if norm == "spectral" else layer
