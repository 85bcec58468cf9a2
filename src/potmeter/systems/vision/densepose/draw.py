"""Surfaces drawn over a picture, encoded as an IUV picture, and dressed in a texture."""

from __future__ import annotations

import colorsys
from functools import cache

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from scipy.ndimage import gaussian_filter

from potmeter.data.sets.body_charts import SEGMENTS
from potmeter.media import Image

from .atlas import Atlas
from .paste import SurfaceImage

OPACITY = 0.62
"""Of the colours drawn over a person."""
ROWS = 256
"""Of a picture that are painted at a time."""
LINES = 5
"""Contours of U, and of V, across a part, as in the paper's figures."""
HEAD, HANDS = 14, (2, 3)
"""Segments of the body that are left as they are where only clothes are dressed."""
GAMMA = 0.7
"""Exponent of the shading: a pattern in the clothes below, which is taken for light, shows less."""
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
DARKEST, LIGHTEST = 0.35, 1.6
"""Bounds of the shading that is kept, relative to a person's median."""


@cache
def part_colours() -> np.ndarray:
    """A colour for each part, float32 (25, 3); neighbours differ, and left from right."""
    colours = [(0.0, 0.0, 0.0)] + [colorsys.hsv_to_rgb(7 * part % 24 / 24, 0.85, 0.95) for part in range(24)]
    return np.array(colours, np.float32)


def draw_surfaces(picture: Image, surfaces: SurfaceImage) -> Image:
    """The picture with everybody's surface, a colour for each part with contours of U and V, and the boxes with scores."""
    part, uv, pixels = surfaces.part.cpu().numpy(), surfaces.uv.cpu().numpy(), picture.pixels.copy()
    for top in range(0, len(pixels), ROWS):
        seen = slice(top, top + ROWS + 1)  # with the row below, to which contours run
        paint_surfaces(pixels[top : top + ROWS], part[seen], uv[:, seen])
    canvas = PIL.Image.fromarray(pixels)
    pen, width = PIL.ImageDraw.Draw(canvas), max(1, round(max(picture.size) / 400))
    for box, score in zip(surfaces.boxes.tolist(), surfaces.scores.tolist(), strict=True):
        left, top, right, bottom = box  # beyond the last pixel, where a line along the picture's edge would not be seen
        last = max(left, right - 1), max(top, bottom - 1)
        pen.rectangle((left, top, *last), outline=(255, 255, 255), width=width)
        font = PIL.ImageFont.load_default(max(10, round(max(picture.size) / 36)))
        place, label = (left + 2 * width, top + width), f"{100 * score:.0f} %"
        pen.text(place, label, "white", font, stroke_width=1, stroke_fill="black")
    return Image(np.array(canvas))


def paint_surfaces(pixels: np.ndarray, part: np.ndarray, uv: np.ndarray) -> None:
    """Lay the parts' colours, with contours of U and V, over some rows of a picture, in place.

    Args:
        pixels: uint8 (h, W, 3).
        part, uv: (h or h + 1, W) and (2, h or h + 1, W), of these rows and, where there is one, of the one below.
    """
    count = len(pixels)
    steps = np.floor(uv * LINES).astype(np.int8)
    edge = np.zeros(part.shape, bool)
    for axis in (0, 1):
        for values in (*steps, part):
            edge |= np.diff(values, axis=axis, append=np.take(values, [-1], axis)) != 0
    part, uv, edge = part[:count], uv[:, :count], edge[:count]
    own = part > 0
    colour = part_colours()[part[own]] * (0.55 + 0.45 * uv[1][own])[:, None]
    colour[edge[own]] = 0.25 * colour[edge[own]] + 0.75
    mixed = (1 - OPACITY) * (pixels[own].astype(np.float32) / 255) + OPACITY * colour
    pixels[own] = (255 * mixed.clip(0, 1)).round().astype(np.uint8)


def encode_iuv(surfaces: SurfaceImage) -> Image:
    """Part, U and V as DensePose's programs save them: blue is the part, green is U, red is V, 255 = 1."""
    part, uv = surfaces.part.cpu().numpy(), surfaces.uv.cpu().numpy()
    pixels = np.empty((*part.shape, 3), np.uint8)
    pixels[..., 2] = part
    for channel, values in enumerate(uv[::-1]):
        for top in range(0, len(pixels), ROWS):
            pixels[top : top + ROWS, :, channel] = (255 * values[top : top + ROWS]).round()
    return Image(pixels)


def dress(picture: Image, surfaces: SurfaceImage, texture: Atlas, *, clothes_only: bool, opacity: float) -> Image:
    """The picture with a texture on everybody; the light on them is kept. The same object where there is nobody to dress.

    Args:
        picture: A picture of people.
        surfaces: Their surfaces.
        texture: The texture that they wear.
        clothes_only: Whether heads and hands are left as they are.
        opacity: Of the texture, in [0, 1].
    """
    part, uv = surfaces.part.cpu().numpy().astype(np.int64), surfaces.uv.cpu().numpy()
    segment = np.array(SEGMENTS)[part]
    own = (part > 0) & ~(clothes_only & np.isin(segment, (HEAD, *HANDS)))
    if not own.any():
        return picture
    pixels = picture.pixels.astype(np.float32) / 255
    colours = texture.interpolate(part[own], uv[:, own].T)
    new = pixels.copy()
    new[own] = colours * estimate_shading(pixels, own, surfaces.person.cpu().numpy())[own, None]
    edge = gaussian_filter(own.astype(np.float32), max(0.6, max(picture.size) / 600))
    share = (opacity * edge * own)[..., None]
    return Image((255 * (pixels * (1 - share) + new * share).clip(0, 1)).round().astype(np.uint8))


def estimate_shading(pixels: np.ndarray, own: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Shading (H, W) of the pixels of people, as their blurred luminance relative to each person's median.

    Args:
        pixels: float32 (H, W, 3) in [0, 1].
        own: bool (H, W), the pixels that count.
        person: (H, W), to whom each belongs.
    """
    grey = pixels @ LUMINANCE
    softness = max(pixels.shape[:2]) / 120  # blurs patterns of the clothes away, but not folds
    mask = own.astype(np.float32)
    smooth = gaussian_filter(grey * mask, softness) / np.maximum(gaussian_filter(mask, softness), 1e-3)
    shading = np.ones_like(grey)
    for number in np.unique(person[own]):
        mine = own & (person == number)
        shading[mine] = smooth[mine] / max(float(np.median(smooth[mine])), 0.05)
    return (shading**GAMMA).clip(DARKEST, LIGHTEST)
