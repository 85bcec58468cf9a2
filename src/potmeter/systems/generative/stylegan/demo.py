"""Which picture lends the coarse, the middle and the fine styles, and how far from the mean: a slider for each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from potmeter.core.demo import Knobs
from potmeter.core.random import RandomStream
from potmeter.media import Image

from .sheets import style_bands
from .system import StyleGAN

SOURCES, SEED = 21, 1
"""Pictures to take styles from: the first of the 40 that ``run`` draws from this seed."""
START = (5.0, 16.0, 7.0, 0.7)
"""Numbers of the three, and ψ."""
DISPLAY_SIDE, GAP = 128, 8
"""Pixels that each source is enlarged to, the mixed picture to three times as many; pixels between them."""
Values = tuple[float, ...]


def demo(system: StyleGAN) -> Knobs:
    """Three places on a walk through the sources, straight in W from each to the next, and ψ."""
    with torch.no_grad():
        sources = system.generator.mapping(system.sample(40, RandomStream(SEED, device=system.device)))[:SOURCES]
    parts = style_bands(system.config)

    @torch.no_grad()
    def show(values: Values) -> Image:
        *places, psi = values
        where = torch.tensor(places, dtype=sources.dtype, device=system.device).sub(1).clamp(0, SOURCES - 1)
        before = where.floor().long().clamp(max=SOURCES - 2)
        w = sources[before].lerp(sources[before + 1], (where - before)[:, None])
        styles = system.generator.truncate(w, psi, system.config.layers)  # (3, layers, latent)
        mixture = torch.cat([source[start:stop] for source, (start, stop) in zip(styles, parts, strict=True)])
        pictures = [Image.from_tensor(one) for one in system.render(torch.cat([mixture[None], styles]))]
        factor = max(1, DISPLAY_SIDE // max(pictures[0].size))
        lenders = np.concatenate([one.enlarge(factor).pixels for one in pictures[1:]])
        gap = np.full((len(lenders), GAP, 3), 255, np.uint8)
        return Image(np.concatenate([lenders, gap, pictures[0].enlarge(3 * factor).pixels], axis=1))

    def shuffle(values: Values) -> Iterator[tuple[Values, Image]]:
        new = (*(1.0 + torch.randperm(SOURCES)[: len(parts)]).tolist(), values[-1])
        yield new, show(new)

    return Knobs(
        title="mix styles",
        help="The small pictures lend the large one their styles: from above, the coarse ones, which say what is where, the "
        "middle ones, and the fine ones, mostly colours. Between two whole numbers one picture turns into the next. ψ is how "
        "far all are from the mean picture: at 0 there is only that, and below it the opposite of each.",
        names=("coarse styles of", "middle styles of", "fine styles of", "truncation ψ"),
        low=(1.0, 1.0, 1.0, -1.0), high=(float(SOURCES),) * 3 + (1.0,), start=START, show=show,
        actions={"Three others": shuffle},
    )  # fmt: skip
