"""Sheets of pictures that show what styles do: truncation, mixing, noise."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.random import Stream
from potmeter.data.batches import in_batches
from potmeter.media import Image
from potmeter.media.image_grid import image_grid

from .game import noise as fresh_noise
from .model import Config, mixed

if TYPE_CHECKING:
    from .system import StyleGAN

PSI = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""How far from the mean, column by column."""
ROWS = 6
"""Sources B of a grid: two for each kind of style."""


def truncation(system: StyleGAN, w: Tensor) -> Image:
    """A row for each style, a column for each ψ, the same for all layers."""
    styles = [system.generator.truncated(w, psi, system.config.layers) for psi in PSI]
    pictures = torch.stack([system.painted(some) for some in styles], 1)  # (rows, columns, C, H, W)
    return image_grid(pictures.flatten(0, 1), columns=len(PSI))


def grid(system: StyleGAN, a: Tensor, b: Tensor) -> Image:
    """Source A above; below, each row a source B and, for each A, A with some of B's styles: coarse, middle, fine."""
    layers = system.config.layers
    bounds = bands(system.config)
    rows = [torch.cat([torch.ones_like(system.drawn(a[:1])), system.drawn(a)])]
    for number, source in enumerate(b):
        start, stop = bounds[number * len(bounds) // len(b)]
        inside = torch.arange(layers, device=a.device)
        inside = ((inside >= start) & (inside < stop))[None, :, None]
        styles = torch.where(inside, source[None, None], a[:, None].expand(-1, layers, -1))
        rows.append(torch.cat([system.drawn(source[None]), system.painted(styles)]))
    return image_grid(torch.cat(rows), columns=1 + len(a))


def bands(config: Config) -> list[tuple[int, int]]:
    """Layers of the coarse, the middle and the fine styles: a third of the resolutions each, the coarse ones first."""
    levels = len(config.filters)
    cuts = [0, max(1, round(levels / 3)), max(1, round(2 * levels / 3)), levels]
    return [(2 * start, 2 * stop) for start, stop in pairwise(cuts)]


def mixes(system: StyleGAN, images: Tensor, w: Tensor) -> Image:
    """Two given pictures; then the first one's find, the mixes with ever more of the second one's styles, the second's."""
    layers = system.config.layers
    cuts = torch.arange(layers, -1, -2, device=w.device)
    mixture = system.painted(mixed(w[:1].expand(len(cuts), -1), w[1:].expand(len(cuts), -1), cuts, layers))
    blank = torch.ones_like(mixture[: len(cuts) - 2])
    return image_grid(torch.cat([images[:1], blank, images[1:], mixture]), columns=len(cuts))


def noise(system: StyleGAN, w: Tensor, rng: Stream, draws: int = 16) -> Image:
    """A row for each style: no noise, one draw, another one, and the standard deviation over many (tenfold)."""
    level, _ = system.stage
    styles, rows = system.generator.truncated(w), []
    for style in styles.split(1):
        plain = system.painted(style, system.generator.fixed_noise(0.0))
        drawn = system.painted(style.expand(draws, -1, -1), fresh_noise(system.config, rng, draws, level))
        spread = (10 * drawn.std(0, keepdim=True).mean(1, keepdim=True)).expand_as(plain).clamp(0, 1)
        rows += [plain, drawn[:2], spread]
    return image_grid(torch.cat(rows), columns=4)


def nearest(system: StyleGAN, made: Tensor, train: Any) -> Image:
    """Made pictures (above) and, for each, the training picture whose pixels differ least (below)."""
    small = lambda images: F.adaptive_avg_pool2d(images, 16).flatten(1)
    least = torch.full((len(made),), float("inf"), device=made.device)
    found = torch.zeros_like(made)
    for batch in in_batches(train, 1000, made.device):
        distance, which = torch.cdist(small(made), small(batch["image"])).min(1)
        nearer = distance < least
        least[nearer], found[nearer] = distance[nearer], batch["image"][which[nearer]]
    return image_grid(torch.cat([made, found]), columns=len(made))
