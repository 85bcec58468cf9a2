"""What is measured of a painter: its losses beside those of optimisation, and how much its paintings flicker."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.core.random import RandomStream
from potmeter.core.weights import read_json, write_json
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest

from .criterion import Criterion
from .gatys import optimise

GATYS_STEPS = 300
"""Steps of the optimisation that losses are compared with."""
SHAKE = ((0, 0), (1, 0), (1, 2), (3, 2), (2, 1))
"""Where in a photograph, in pixels, the frames of a shaky film of it begin."""
FILM_NOISE = 4 / 255
"""Standard deviation of the noise in each frame."""

Painter = Callable[[Tensor], Tensor]
"""From photographs (B, 3, H, W) in [0, 1] to paintings."""


def center_crop(images: Float[Tensor, "b c h w"], size: int) -> Float[Tensor, "b c s s"]:
    """The middle square of pictures."""
    top, left = ((n - size) // 2 for n in images.shape[2:])
    return images[:, :, top : top + size, left : left + size]


def compute_losses(criterion: Criterion, paintings: Tensor, photographs: Tensor) -> dict[str, Tensor]:
    """The losses of pictures as they would be shown, between 0 and 1."""
    with torch.no_grad():
        return criterion.losses(paintings.clamp(0, 1), criterion.content_features(photographs))


def reference_losses(criterion: Criterion, photographs: Float[Tensor, "n 3 h w"]) -> dict[str, Tensor]:
    """The losses, (N,) each, that optimisation of each photograph comes to; kept in the cache, since it takes long."""
    values = [reference_loss(criterion, photograph) for photograph in progress(photographs, "optimising photographs")]
    return {name: torch.tensor([losses[name] for losses in values]) for name in ("style", "content")}


def reference_loss(criterion: Criterion, photograph: Float[Tensor, "3 h w"]) -> dict[str, float]:
    """The losses that optimisation of one photograph comes to."""
    path = cache_folder() / f"styletransfer-{digest([criterion.fingerprint(), GATYS_STEPS, photograph])[:16]}.json"
    if path.is_file():
        return {name: float(value) for name, value in read_json(path).items()}
    with torch.enable_grad():
        *_, (_, _, losses) = optimise(criterion, photograph, GATYS_STEPS)
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    write_json(aside, losses)
    aside.replace(path)
    return losses


def flicker(paint: Painter, photographs: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """How unlike the frames of a shaky, noisy film of each photograph are painted: root mean square, in steps of 255.

    Frames are compared pixel by pixel where they show the same place. Of the films themselves it is 5.7, which is their
    noise.

    Args:
        paint: The painter.
        photographs: In [0, 1].
    """
    most = max(max(place) for place in SHAKE)
    height, width = (n - most for n in photographs.shape[2:])
    rng, frames = RandomStream(0), []
    for down, right in SHAKE:
        frame = photographs[..., down : down + height, right : right + width]
        noise = FILM_NOISE * rng.normal(*frame.shape).to(frame.device)
        painted = paint((frame + noise).clamp(0, 1)).clamp(0, 1)
        frames.append(painted[..., most - down : height - down, most - right : width - right])  # the same place in all
    steps = [(after - before).square().mean((1, 2, 3)) for before, after in pairwise(frames)]
    return 255 * torch.stack(steps).mean(0).sqrt()


def measure(paint: Painter, criterion: Criterion, photographs: Tensor, reference: dict[str, Tensor]) -> dict[str, Any]:
    """``style_ratio`` and ``content_ratio`` to what optimisation came to, and ``flicker``; a value for each photograph."""
    size = criterion.config.image_size
    pieces = center_crop(photographs, size)
    losses = compute_losses(criterion, paint(pieces), pieces)
    ratios = {f"{name}_ratio": (losses[name].cpu() / reference[name]) for name in ("style", "content")}
    room = min(size + max(max(place) for place in SHAKE), *photographs.shape[2:])
    return {**ratios, "flicker": flicker(paint, center_crop(photographs, room)).cpu()}
