"""A generator and a discriminator of convolutions, each halving or doubling the picture: DCGAN, with classes if wanted.

Radford, Metz and Chintala 2015 (arXiv:1511.06434). Classes enter the generator beside the noise, and the discriminator
as a projection (Miyato and Koyama 2018, arXiv:1802.05637, equation 3). Inside, pixels lie in [−1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from potmeter.core.config import Recipe
from potmeter.errors import reject
from potmeter.nn.gan_losses import Objective, minibatch_stddev

Norm = Literal["none", "batch", "spectral"]


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Sizes of the two networks, and the rules of their game."""

    dataset: str = "mnist"
    """What it is trained on where no --data is given: mnist, fashion, digits, cifar10 or another built-in set."""
    image_size: int = 28
    """Height and width of the pictures in pixels."""
    channels: int = 1
    """Colours of a pixel: 1 is grey, 3 is RGB."""
    classes: tuple[str, ...] = ()
    """Names of the data's classes, in the order of their labels; filled from the data."""
    conditional: bool = True
    """Whether a class can be asked for; a folder must then have a subfolder for each."""
    latent: int = 64
    """Numbers in the noise that a picture is made from."""
    filters: tuple[int, ...] = (64, 128)
    """Channels at each resolution, finest first; each but the picture itself has half the side of the one before."""
    norm: Norm = "none"
    """Normalisation in the discriminator; the generator's is by batch. batch spoils what R1 and wgan-gp penalise."""
    group: int = 4
    """Pictures, of one class if possible, whose spread the discriminator is told, so that it notices when they are alike."""
    objective: Objective = "non-saturating"
    """What the two play for: non-saturating, hinge or wgan-gp."""
    r1: float = 0.2
    """Weight γ of R1, the squared gradient of the verdict at real pictures; 0 = none."""
    r1_every: int = 16
    """Steps between penalties, each then so many times as heavy."""
    penalty: float = 10.0
    """wgan-gp: weight of the gradient penalty."""
    critic_steps: int = 1
    """Steps of the discriminator for each of the generator."""
    beta1: float = 0.0
    """Adam's decay of the mean gradient."""
    beta2: float = 0.99
    """Adam's decay of the mean squared gradient."""
    judge: str = "classifier.digits"
    """The network in whose features pictures are compared: a system with the capability Embedder."""
    judge_size: int = 28
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "latent", "group", "r1_every", "critic_steps", "judge_size"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        self.channels in (1, 3) or reject("channels is 1 or 3.", self.channels)
        (self.filters and min(self.filters) >= 1) or reject("filters must be positive and not empty.", self.filters)
        parts = 2 ** len(self.filters)
        self.image_size % parts == 0 or reject(f"image_size must be divisible by {parts}.", self.image_size)
        self.r1 >= 0 or reject("r1 must not be negative.", self.r1)
        self.penalty >= 0 or reject("penalty must not be negative.", self.penalty)
        for name in ("beta1", "beta2"):
            0 <= getattr(self, name) < 1 or reject(f"{name} must be at least 0 and below 1.", getattr(self, name))
        slopes = self.r1 > 0 or self.objective == "wgan-gp"
        if self.norm == "batch" and slopes:
            reject("Batch normalisation mixes the pictures whose slopes R1 and wgan-gp penalise: --r1 0.", self.norm)

    @property
    def kinds(self) -> int:
        """Classes that can be asked for; 0 where none can."""
        return len(self.classes) if self.conditional else 0


class Generator(nn.Module):
    """Noise (B, latent), and classes, to pictures (B, C, H, W) in [−1, 1].

    Example:
        >>> import torch
        >>> Generator(Config(conditional=False))(torch.randn(2, 64)).shape
        torch.Size([2, 1, 28, 28])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, coarsest = config, config.filters[-1]
        self.side = c.image_size // 2 ** len(c.filters)
        self.classes = nn.Linear(c.kinds, c.latent, bias=False) if c.kinds else None
        inputs = 2 * c.latent if c.kinds else c.latent
        self.project = nn.Linear(inputs, coarsest * self.side**2, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(coarsest), nn.ReLU()]
        for before, after in pairwise(reversed(c.filters)):
            up = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
            layers += [up, nn.BatchNorm2d(after), nn.ReLU()]
        self.doublings = nn.Sequential(*layers, nn.ConvTranspose2d(c.filters[0], c.channels, 4, stride=2, padding=1))
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d) or module is self.project:
                nn.init.normal_(module.weight, std=0.02)  # type: ignore[arg-type]
        if self.classes is not None:
            nn.init.normal_(self.classes.weight)  # as large as the noise beside it

    def forward(
        self, z: Float[Tensor, "b latent"], weights: Float[Tensor, "b classes"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        """Pictures of noise; ``weights`` of the classes are one-hot, or anything between for what is between them."""
        if self.classes is not None and weights is not None:
            z = torch.cat([z, self.classes(weights)], 1)  # (B, 2 latent)
        x: Tensor = self.project(z).unflatten(1, (-1, self.side, self.side))  # (B, filters[-1], side, side)
        x = self.doublings(x).tanh()  # (B, C, H, W)
        return x


class Discriminator(nn.Module):
    """Pictures (B, C, H, W) in [−1, 1], and their classes, to one verdict each (B,), high for real ones.

    Example:
        >>> import torch
        >>> Discriminator(Config(conditional=False))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config
        layers: list[nn.Module] = []
        for level, (before, after) in enumerate(pairwise((c.channels, *c.filters))):
            batch = c.norm == "batch" and level > 0
            layers.append(bounded(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not batch), c.norm))
            layers += [*([nn.BatchNorm2d(after)] if batch else []), nn.LeakyReLU(0.2)]
        self.halvings, self.group = nn.Sequential(*layers), c.group
        features = (c.filters[-1] + (c.group > 1)) * (c.image_size // 2 ** len(c.filters)) ** 2
        self.verdict = bounded(nn.Linear(features, 1), c.norm)
        self.classes = bounded(nn.Linear(features, c.kinds, bias=False), c.norm) if c.kinds else None

    def forward(
        self, images: Float[Tensor, "b c h w"], weights: Float[Tensor, "b classes"] | None = None
    ) -> Float[Tensor, " b"]:
        x = self.halvings(images)  # (B, filters[-1], side, side)
        x = torch.cat([x, minibatch_stddev(x, self.group)], 1) if self.group > 1 else x
        x = x.flatten(1)
        verdict: Tensor = self.verdict(x)[:, 0]  # (B,)
        if self.classes is not None and weights is not None:
            verdict = verdict + (self.classes(x) * weights).sum(1)
        return verdict


def bounded(layer: nn.Module, norm: Norm) -> nn.Module:
    """A layer of the discriminator, its largest singular value held at 1 where the norm is spectral."""
    if norm == "batch" and isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, a=0.2)
    return spectral_norm(layer) if norm == "spectral" else layer
