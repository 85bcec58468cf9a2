"""The expression of a drawn face: its eyes, nose and mouth moved to where they are in the picture."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.data.face_crops import EYES, MOUTH, NOSE, load_detector, locate_landmarks, points_of
from potmeter.data.head_views import warp_piecewise

SEEN = 256
"""Side in pixels at which dlib looks at a crop."""
MOVED = NOSE, *EYES, MOUTH
"""Jaw and brows stay as drawn: their shape is more who it is than what it does."""


def match_expression(drawn: Float[Tensor, "b 3 s s"], pictures: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 s s"]:
    """Drawn faces with eyes, nose and mouth where they are in the pictures, triangle by triangle (Cootes et al. 1998).

    Both are looked at in the rectangle in which dlib finds the picture's face; where it finds none, the face stays as drawn.

    Args:
        drawn: Upright crops in [0, 1].
        pictures: What the faces are to be put into, the same crops.
    """
    matched, side = drawn.clone(), drawn.shape[-1]
    for number, (face, picture) in enumerate(zip(enlarge(drawn), enlarge(pictures), strict=True)):
        if boxes := load_detector()(picture, 0):
            places, wanted = (points_of(locate_landmarks(seen, boxes[0])) for seen in (face, picture))
            target = places.copy()
            for part in MOVED:
                target[part] = wanted[part]
            pixels = (255 * drawn[number]).round().byte().permute(1, 2, 0).numpy()
            moved = warp_piecewise([(pixels, side / SEEN * places)], (1.0,), side / SEEN * target)
            matched[number] = torch.from_numpy(moved).permute(2, 0, 1) / 255
    return matched


def enlarge(faces: Float[Tensor, "b 3 s s"]) -> list[np.ndarray]:
    """Crops as dlib looks at them, uint8 (256, 256, 3)."""
    large = F.interpolate(faces, (SEEN, SEEN), mode="bicubic", align_corners=False).clamp(0, 1)
    return list((255 * large).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy())
