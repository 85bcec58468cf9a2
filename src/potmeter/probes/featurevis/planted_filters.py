"""Filters that are put into a network on purpose, so that it is known what a visualisation should show."""

from __future__ import annotations

import math
from statistics import mean
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.random import RandomStream

from .objectives import neuron
from .parametrisation import FourierImage, ImageParametrisation, PixelImage
from .render import render
from .transforms import NONE, Transforms

SIDE, KERNEL, FILTERS = 64, 31, 8
"""Pixels of a picture and of a filter, and how many filters are planted."""


def gabor_filters(count: int, rng: RandomStream) -> Float[Tensor, "n 3 k k"]:
    """Gabor filters, coloured waves under a Gaussian, of random direction, wavelength, phase and colour; mean 0, norm 1."""
    axis = torch.arange(KERNEL) - KERNEL // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle, wavelength, phase = rng.uniform(3, count) * torch.tensor([[math.pi], [8.0], [2 * math.pi]])
    along = x * angle.cos()[:, None, None] + y * angle.sin()[:, None, None]  # (N, K, K)
    wave = (2 * math.pi * along / (10 + wavelength)[:, None, None] + phase[:, None, None]).cos()
    bell = (-(x**2 + y**2) / (2 * (KERNEL / 4) ** 2)).exp()
    filters = rng.normal(count, 3)[:, :, None, None] * (wave * bell)[:, None]  # (N, 3, K, K)
    return F.normalize((filters - filters.mean((1, 2, 3), keepdim=True)).flatten(1), dim=1).view_as(filters)


class PlantedFilters(nn.Module):
    """A convolution of stride 4 divided by the contrast below it, and a ReLU; noise of equal energy lies on each filter.

    The noise stands for what makes the gradients of trained networks rough: directions to which they answer as
    strongly, and which no photo contains. The division makes the shape of a pattern count, not its contrast; without it
    every pixel would end black or white.
    """

    input_shape = (3, SIDE, SIDE)

    def __init__(self, filters: Float[Tensor, "n 3 k k"], rng: RandomStream) -> None:
        super().__init__()
        noise = F.normalize(rng.normal(*filters.shape).flatten(1), dim=1).view_as(filters)
        self.convolution = nn.Conv2d(3, len(filters), KERNEL, stride=4, padding=KERNEL // 2, bias=False)
        self.convolution.weight = nn.Parameter(filters + noise)
        self.activation = nn.ReLU()

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n p q"]:
        x = images - 0.5
        energy = F.avg_pool2d(x.square().sum(1, keepdim=True), KERNEL, 4, KERNEL // 2) * KERNEL**2
        activations: Tensor = self.activation(self.convolution(x) / (energy + 0.01).sqrt())
        return activations


def recovery_cosine(method: Literal["fourier", "pixels", "random"], steps: int = 512, seed: int = 0) -> float:
    """The mean over the planted filters of the cosine between a filter and the picture made for it, where it fits best.

    Args:
        method: Fourier coefficients with movements, pixels without any, or pictures as they were before the first step.
        steps: Of gradient ascent.
        seed: Of filters, noise and pictures.
    """
    rng = RandomStream(seed)
    filters = gabor_filters(FILTERS, rng)
    network, shape = PlantedFilters(filters, rng), (FILTERS, 3, SIDE, SIDE)
    parametrisation: ImageParametrisation = (
        PixelImage(shape, rng=rng) if method == "pixels" else FourierImage(shape, rng=rng)
    )
    transforms = NONE if method == "pixels" else Transforms().rescale(SIDE / 128)
    images = parametrisation().detach()
    if method != "random":
        objective = neuron("activation", list(range(FILTERS)))
        grey = torch.full((3, 1, 1), 0.5)
        images = render(
            network, objective, parametrisation, steps=steps, transforms=transforms, rng=rng, background=grey
        )
    return mean(best_cosine(image, planted) for image, planted in zip(images, filters, strict=True))


def best_cosine(image: Float[Tensor, "3 h w"], planted: Float[Tensor, "3 k k"]) -> float:
    """The largest cosine between a filter and any part of a picture, each without its mean."""
    parts = F.unfold(image[None], KERNEL)[0]  # (3·K·K, P)
    parts = F.normalize(parts - parts.mean(0), dim=0)
    return float((planted.flatten() @ parts).max())
