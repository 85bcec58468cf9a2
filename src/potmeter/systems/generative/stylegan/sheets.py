"""Sheets of pictures that show what styles do: truncation, style mixing, noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from potmeter.media import Image
from potmeter.media.image_grid import DISPLAY_SIDE, image_grid, resize_to_side
from potmeter.media.labelled_page import labelled_page

from .model import Config, Generator, mix_styles

Noise = list[Tensor | None]
"""For each layer (B or 1, 1, H, W), or None for none."""
Render = Callable[[Tensor], Tensor]
"""From styles (B, layers, latent) to pictures (B, C, H, W) in [0, 1], with the constant noise."""

PSI = (1.0, 0.7, 0.5, 0.0, -0.5, -1.0)
"""Truncation, column by column."""
ROWS = 6
"""Sources B of a grid: two for each kind of style."""
NOISES = 16
"""Draws of the noise over which the standard deviation is taken."""


def truncation_sheet(generator: Generator, render: Render, w: Tensor) -> Image:
    """A row for each w (N, latent), a column for each ψ, the same for all layers."""
    styles = [generator.truncate(w, psi, generator.config.layers) for psi in PSI]
    pictures = torch.stack([render(truncated) for truncated in styles], 1)  # (rows, columns, C, H, W)
    return image_grid(pictures.flatten(0, 1), columns=len(PSI))


def mixing_grid(generator: Generator, render: Render, a: Tensor, b: Tensor) -> Image:
    """Source A (M, latent) above; below, each row a source B (N, latent) and, for each A, A with some of B's styles."""
    layers, draw = generator.config.layers, lambda w: render(generator.truncate(w))
    bands = style_bands(generator.config)
    rows = [torch.cat([torch.ones_like(draw(a[:1])), draw(a)])]
    for row, source in enumerate(b):
        start, stop = bands[row * len(bands) // len(b)]
        layer = torch.arange(layers, device=a.device)
        from_b = ((layer >= start) & (layer < stop))[None, :, None]
        styles = torch.where(from_b, source[None, None], a[:, None].expand(-1, layers, -1))
        rows.append(torch.cat([draw(source[None]), render(styles)]))
    return image_grid(torch.cat(rows), columns=1 + len(a))


def style_bands(config: Config) -> list[tuple[int, int]]:
    """Layers of the coarse, the middle and the fine styles: a third of the resolutions each, the coarse ones first."""
    levels = len(config.filters)
    cuts = [0, max(1, round(levels / 3)), max(1, round(2 * levels / 3)), levels]
    return [(2 * start, 2 * stop) for start, stop in pairwise(cuts)]


def crossover_sheet(generator: Generator, render: Render, images: Tensor, w: Tensor) -> Image:
    """Two pictures, a and b; below, the projection of a, then with ever more layers of b's, then b's, each with its caption.

    Args:
        generator: Whose styles they are.
        render: How these are drawn.
        images: The two pictures (2, C, H, W).
        w: Their projections (2, latent).
    """
    layers = generator.config.layers
    crossover = torch.arange(layers, -1, -2, device=w.device)
    mixed = render(mix_styles(w[:1].expand(len(crossover), -1), w[1:].expand(len(crossover), -1), crossover, layers))
    coarsest = generator.config.height >> (len(generator.config.filters) - 1)
    between = [f"b from {coarsest << layer // 2} px on" for layer in crossover.tolist()[1:-1]]
    cells = [resize_to_side(x, DISPLAY_SIDE) for x in (*images, *mixed)]
    found = list(zip(cells[2:], ["a", *between, "b"], strict=True))
    return labelled_page(
        [
            ("two pictures", list(zip(cells[:2], ("a", "b"), strict=True))),
            ("the nearest of the generator's, and a with b's styles from ever coarser layers on", found),
        ]
    )


def noise_sheet(render: Callable[[Tensor, Noise], Tensor], styles: Tensor, draw_noise: Callable[[int], Noise]) -> Image:
    """A row for each style (N, layers, latent): no noise, one draw, another, and the standard deviation over all, tenfold.

    Args:
        render: From styles and noise to pictures.
        styles: The styles.
        draw_noise: From a number to so many draws (D, 1, H, W) for each layer, new ones each time.
    """
    rows = []
    for style in styles.split(1):
        noise = draw_noise(NOISES)
        plain, draws = render(style, [None] * len(noise)), render(style.expand(NOISES, -1, -1), noise)
        deviation = (10 * draws.std(0, keepdim=True).mean(1, keepdim=True)).expand_as(plain).clamp(0, 1)
        rows += [plain, draws[:2], deviation]
    return image_grid(torch.cat(rows), columns=4)
