"""A face swapped in a picture of any size, and the label that says so."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw
import torch
from torch import Tensor

from potmeter.data.face_crops import Face, alignment, apply_affine, crop_face, face_mask, invert_affine, warp_affine
from potmeter.media.labelled_page import font
from potmeter.media.provenance import Provenance

from .blending import soften, transfer_colours
from .model import FaceSwapper

FINE = 4
"""Pixels of the mask to each side of one of the crop."""
LABEL = "AI: swapped face"


def to_tensor(pixels: np.ndarray) -> Tensor:
    """A picture uint8 (H, W) or (H, W, 3) as (1, C, H, W) in [0, 1]."""
    x = torch.from_numpy(pixels if pixels.ndim == 3 else pixels[..., None])
    return x.permute(2, 0, 1)[None].float() / 255


@torch.no_grad()
def swap_face(swapper: FaceSwapper, pixels: np.ndarray, face: Face, identity: int, side: int) -> np.ndarray:
    """A picture uint8 (H, W, 3) with a face drawn as another identity's; the crops have ``side`` pixels."""
    device = next(swapper.parameters()).device
    crop, places = crop_face(pixels, face.landmarks, side)
    mask = to_tensor(face_mask(places, (side, side)))
    x = to_tensor(crop)
    drawn = swapper(x.to(device), torch.tensor([identity], device=device)).cpu()
    drawn = transfer_colours(drawn, x, mask)
    small = (255 * drawn[0].permute(1, 2, 0)).round().byte().numpy()
    soft = soften(to_tensor(face_mask(FINE * places, (FINE * side, FINE * side))))
    return paste(pixels, small, (255 * soft[0, 0]).round().byte().numpy(), alignment(face.landmarks, side))


def paste(pixels: np.ndarray, crop: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture with a crop laid over it where a mask is.

    Args:
        pixels: uint8 (H, W, 3).
        crop: uint8 (S, S, 3).
        mask: uint8, a whole number of times as large as the crop.
        matrix: From the picture to the crop.
    """
    side, back = len(crop), invert_affine(matrix)
    corners = apply_affine(back, side * np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]))
    size = pixels.shape[1], pixels.shape[0]
    left, top = np.floor(corners.min(0)).astype(int).clip(0, size)
    right, bottom = np.ceil(corners.max(0)).astype(int).clip(0, size)
    if left >= right or top >= bottom:
        return pixels
    shift = np.array([[0, 0, left], [0, 0, top]])
    laid = warp_affine(crop, back - shift, (right - left, bottom - top))
    finer = np.hstack([back[:, :2] * side / len(mask), back[:, 2:]])
    share = warp_affine(mask, finer - shift, (right - left, bottom - top))[..., None] / 255.0
    out = pixels.copy()
    below = out[top:bottom, left:right]
    out[top:bottom, left:right] = (below + share * (laid.astype(float) - below)).round().clip(0, 255).astype(np.uint8)
    return out


def draw_label(pixels: np.ndarray) -> np.ndarray:
    """A picture with the visible label in its lower left corner."""
    height, width = pixels.shape[:2]
    letters = font(max(8, min(height, width) // 22))
    picture = PIL.Image.fromarray(pixels)
    draw = PIL.ImageDraw.Draw(picture)
    left, top, right, bottom = draw.textbbox((0, 0), LABEL, font=letters)
    gap = max(2, (bottom - top) // 2)
    box = (0, height - (bottom - top) - 2 * gap, right - left + 2 * gap, height)
    draw.rectangle(box, fill=(20, 20, 20))
    draw.text((gap - left, box[1] + gap - top), LABEL, font=letters, fill=(255, 255, 255))
    return np.array(picture)


def provenance(identity: str) -> Provenance:
    """The mark of a picture or film in which a face was drawn anew."""
    return Provenance(
        "compositeWithTrainedAlgorithmicMedia",
        "c2pa.edited",
        f"A face was replaced by one that a neural network (deepfakes) drew as {identity}.",
    )
