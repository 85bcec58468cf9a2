"""Another colour for a part of a picture: hue and chroma of the new one, light and shade of the old."""

from __future__ import annotations

import numpy as np
import PIL.ImageColor
from skimage.color import lab2rgb, rgb2lab

from potmeter.errors import UserError
from potmeter.media import Image

ROWS = 256
"""Of the picture that are converted at a time."""


def parse_colour(text: str) -> np.ndarray:
    """A colour by its CSS name or as ``#8040c0``, in CIE L*a*b*. Raises UserError for what is none."""
    try:
        rgb = PIL.ImageColor.getrgb(text.strip())[:3]
    except ValueError:
        raise UserError("A colour is a name such as purple, or #8040c0.", received=text) from None
    return rgb2lab(np.asarray(rgb, np.float32) / 255)


def recolour(picture: Image, share: np.ndarray, colour: np.ndarray, lightness: float = 0.0) -> Image:
    """A picture with a part in another colour, its light kept.

    In CIE L*a*b* the part's a* and b* become the colour's, scaled where the light is near black or white, as there no colour
    is strong; L* stays, but for what is added. The two pictures are mixed by ``share``, so that edges stay soft.

    Args:
        picture: Of any size.
        share: How much each pixel belongs to the part, uint8 (H, W), 255 = wholly.
        colour: The new colour, in L*a*b*.
        lightness: Added to the part's L*, −100 to 100.
    """
    shown = picture.pixels.copy()
    for top in range(0, len(shown), ROWS):
        rows = slice(top, top + ROWS)
        amount = share[rows, :, None].astype(np.float32) / 255
        if not amount.any():
            continue
        lab = rgb2lab(picture.pixels[rows].astype(np.float32) / 255)
        light = np.clip(lab[..., 0] + lightness, 0, 100)
        strength = np.minimum(1, np.minimum(light, 100 - light) / 20)  # black and white have no colour
        dyed = np.dstack([light, strength * colour[1], strength * colour[2]]).astype(np.float32)
        dyed = 255 * lab2rgb(dyed).astype(np.float32)
        shown[rows] = (picture.pixels[rows] * (1 - amount) + dyed * amount).round().clip(0, 255).astype(np.uint8)
    return Image(shown)
