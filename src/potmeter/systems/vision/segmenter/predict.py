"""Masks of a picture of any size in bounded memory: in one look at a small copy, or piece by piece in its own resolution.

A piece is looked at with a margin as wide as the network can see, and begins where the network's coarsest grid does: so it is
seen exactly as in the whole picture, and there is no seam (U-Net's overlap-tile strategy, figure 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.media import Image

TILE = 512
"""Pixels of a piece's side, without its margin."""
Network = Callable[[Tensor], Tensor]
"""From pictures (B, C, H, W) in [0, 1] to logits (B, classes, H, W)."""


@dataclass(frozen=True)
class Prediction:
    """What was found in a picture."""

    labels: np.ndarray
    """The likeliest class of every pixel, uint8 (H, W)."""
    share: np.ndarray
    """The probability of the classes that were asked for, together, uint8 (H, W), 255 = 1."""


@torch.no_grad()
def predict(
    picture: Image, network: Network, wanted: tuple[int, ...], *, channels: int, size: int, stride: int, reach: int,
    tile: int = TILE, device: torch.device | str = "cpu",
) -> Prediction:  # fmt: skip
    """The classes of a picture's pixels, and the probability of some of them.

    Args:
        picture: Of any size.
        network: What gives the logits.
        wanted: Classes whose probabilities are summed up.
        channels: That the network takes.
        size: Pixels of the longer side of the copy that is looked at; 0 = the picture itself, in pieces.
        stride: Of the network's coarsest grid.
        reach: Pixels to each side on which a logit can depend.
        tile: Pixels of a piece's side, a multiple of ``stride``.
        device: Where the network is.
    """
    width, height = picture.size
    labels, share = np.empty((height, width), np.uint8), np.empty((height, width), np.uint8)
    parts = look_once(picture, network, channels, size, stride, device) if size else look_closely(
        picture, network, channels, stride, reach, tile, device)  # fmt: skip
    for (top, left), logits in parts:
        probs = logits.softmax(0)  # (classes, h, w)
        place = slice(top, top + probs.shape[1]), slice(left, left + probs.shape[2])
        labels[place] = probs.argmax(0).byte().cpu().numpy()
        share[place] = (255 * probs[list(wanted)].sum(0)).round().clamp(0, 255).byte().cpu().numpy()
    return Prediction(labels, share)


Part = tuple[tuple[int, int], Tensor]
"""The upper left corner of a part of the picture, and its logits (classes, h, w)."""


def look_closely(
    picture: Image, network: Network, channels: int, stride: int, reach: int, tile: int, device: torch.device | str
) -> Iterator[Part]:
    """The logits of ever the next piece, in the picture's own resolution."""
    width, height = picture.size
    margin = -(-reach // stride) * stride
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = max(0, top - margin), max(0, left - margin)
            bottom, right = min(height, top + tile), min(width, left + tile)
            seen = picture.pixels[above : min(height, bottom + margin), before : min(width, right + margin)]
            logits = apply(network, to_tensor(seen, channels).to(device), stride)
            yield (top, left), logits[:, top - above : bottom - above, left - before : right - before]


def look_once(
    picture: Image, network: Network, channels: int, size: int, stride: int, device: torch.device | str
) -> Iterator[Part]:
    """The logits of a copy of the picture, enlarged to its size in strips."""
    import PIL.Image

    width, height = picture.size
    factor = size / max(width, height)
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    copy = np.asarray(picture.pil().resize(small, PIL.Image.Resampling.BICUBIC))
    logits = apply(network, to_tensor(copy, channels).to(device), stride)  # (classes, h, w)
    for top in range(0, height, TILE):
        rows = min(TILE, height - top)
        for left in range(0, width, 4 * TILE):
            columns = min(4 * TILE, width - left)
            yield (top, left), enlarge(enlarge(logits, top, rows, height, 1), left, columns, width, 2)


def enlarge(logits: Tensor, start: int, count: int, total: int, dim: int) -> Tensor:
    """``count`` places from ``start`` on of a dimension that is interpolated linearly to ``total`` (pixels' centres agree)."""
    length = logits.shape[dim]
    at = ((torch.arange(start, start + count, device=logits.device) + 0.5) * length / total - 0.5).clamp(0, length - 1)
    low = at.floor().long()
    weight = (at - low).view([-1 if d == dim else 1 for d in range(logits.ndim)])
    return torch.lerp(logits.index_select(dim, low), logits.index_select(dim, (low + 1).clamp(max=length - 1)), weight)


def apply(network: Network, image: Tensor, stride: int) -> Tensor:
    """The logits (classes, H, W) of one picture (C, H, W), whose sides are filled up to one step of the grid at least."""
    height, width = image.shape[1:]
    below, beside = max(0, stride - height), max(0, stride - width)
    logits = network(F.pad(image[None], (0, beside, 0, below), mode="replicate"))[0].float()
    return logits[:, :height, :width]


def to_tensor(pixels: np.ndarray, channels: int) -> Tensor:
    """Pixels (H, W, 3), uint8, as (channels, H, W) in [0, 1]."""
    return Image(np.ascontiguousarray(pixels)).tensor(None, channels)
