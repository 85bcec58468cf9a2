"""From photograph to painting, as a user asks for it: any size, any strength, in the photograph's own colours."""

from __future__ import annotations

import numpy as np
import PIL.Image
import torch

from potmeter.media import Image

from .model import TransformerNet
from .strips import paint_in_strips

WHOLE_PIXELS = 2**19
"""Largest picture that goes through the network at once; larger ones go in strips."""
MARGIN = 16
"""Pixels that a photograph is continued by on all sides, as in a mirror: at its edges a network paints lines."""


@torch.no_grad()
def paint_whole(network: TransformerNet, pixels: np.ndarray) -> np.ndarray:
    """What the network makes of a picture, both uint8 (H, W, 3), each side at least ``network.SMALLEST``."""
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(network.mean.device).float().div_(255)
    y = network(x.contiguous(memory_format=torch.channels_last))[0].clamp_(0, 1).mul_(255).round_()
    return np.ascontiguousarray(y.byte().permute(1, 2, 0).cpu().numpy())


def paint(
    network: TransformerNet,
    photograph: Image,
    *,
    strength: float = 1.0,
    own_colours: bool = False,
    size: int | None = None,
) -> Image:
    """Paint a photograph.

    Args:
        network: Painter of one style.
        photograph: Of any size.
        strength: Share of the painting in a mixture with the photograph, 0 to 1.
        own_colours: Take the brightness only from the painting (Gatys et al. 2016, arXiv:1606.05897, section 3.2).
        size: Pixels of the longer side of the copy that is painted; None = the photograph itself.
    """
    photograph = photograph if size is None else photograph.resize(size)
    pixels, (width, height) = photograph.pixels, photograph.size
    framed = np.pad(pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="symmetric")
    painted = (paint_in_strips if width * height > WHOLE_PIXELS else paint_whole)(network, framed)
    painted = np.ascontiguousarray(painted[MARGIN : MARGIN + height, MARGIN : MARGIN + width])
    if own_colours:
        painted = take_brightness(painted, pixels)
    if strength < 1:
        mixed = PIL.Image.blend(PIL.Image.fromarray(pixels), PIL.Image.fromarray(painted), strength)
        painted = np.array(mixed)
    return Image(painted, photograph.name)


def take_brightness(painted: np.ndarray, photograph: np.ndarray) -> np.ndarray:
    """The painting's luma with the photograph's chroma (Y'CbCr); both uint8 (H, W, 3)."""
    luma, _, _ = PIL.Image.fromarray(painted).convert("YCbCr").split()
    _, blue, red = PIL.Image.fromarray(photograph).convert("YCbCr").split()
    return np.array(PIL.Image.merge("YCbCr", (luma, blue, red)).convert("RGB"))
