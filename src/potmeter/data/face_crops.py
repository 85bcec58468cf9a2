"""Faces in pictures: found, their landmarks located, and cut out upright at one size.

dlib finds faces by histograms of oriented gradients (Dalal and Triggs 2005) and locates 68 landmarks by regression trees
(Kazemi and Sullivan 2014), in the order of the 300 Faces in-the-Wild challenge: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47,
mouth 48–67. Coordinates are continuous: the middle of the first pixel is at (.5, .5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import torch
from scipy.spatial import ConvexHull

from potmeter.data.fetching.fetch import fetch
from potmeter.data.splits import TensorData
from potmeter.errors import missing_extra

LANDMARKS = 68
EYES = slice(36, 42), slice(42, 48)
MOUTH = slice(48, 68)
PLACES = np.array([[0.36, 0.40], [0.64, 0.40], [0.5, 0.70]])
"""Where the eyes and the mouth lie in a crop, as shares of its side."""
MARGIN = 1.25
"""Side of a crop with margin, over that of the crop: room to turn and move what is trained on."""
SEARCHED = 800
"""Pixels of the longer side of the copy in which faces are searched, and, where there are none, in one twice as large."""
MODELS = "face_recognition_models/models"


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a picture.

    Args:
        landmarks: (68, 2) float, in pixels of the picture.
    """

    landmarks: np.ndarray

    @property
    def eye_distance(self) -> float:
        """Between the middles of the eyes, in pixels."""
        left, right, _ = anchor_points(self.landmarks)
        return float(np.linalg.norm(right - left))


def anchor_points(landmarks: np.ndarray) -> np.ndarray:
    """The middles of both eyes and of the mouth, (3, 2)."""
    return np.stack([landmarks[part].mean(0) for part in (*EYES, MOUTH)])


@cache
def load_dlib() -> Any:
    """The module dlib. Raises UserError without the extra."""
    try:
        import dlib
    except ImportError as error:
        raise missing_extra("Finding faces", "deepfakes", error.name) from None
    return dlib


@cache
def load_detector() -> Any:
    """dlib's detector of faces seen from the front, which is in the library."""
    return load_dlib().get_frontal_face_detector()


@cache
def load_dlib_model(kind: str, file: str) -> Any:
    """One of dlib's trained models, from the package that carries them."""
    return getattr(load_dlib(), kind)(str(fetch("dlib-models") / MODELS / file))


def find_faces(pixels: np.ndarray) -> list[Face]:
    """The faces in a picture, uint8 (H, W, 3), the largest first; none is no error."""
    scale = min(1.0, SEARCHED / max(pixels.shape[:2]))
    size = tuple(max(1, round(scale * side)) for side in (pixels.shape[1], pixels.shape[0]))
    small = pixels if scale == 1 else np.asarray(PIL.Image.fromarray(pixels).resize(size, PIL.Image.Resampling.BOX))
    small = np.ascontiguousarray(small)
    boxes = load_detector()(small, 0) or load_detector()(small, 1)
    if not boxes:
        return []
    locate = load_dlib_model("shape_predictor", "shape_predictor_68_face_landmarks.dat")
    faces = [Face((points_of(locate(small, box)) + 0.5) / scale) for box in boxes]
    return sorted(faces, key=lambda face: -face.eye_distance)


def points_of(shape: Any) -> np.ndarray:
    """dlib's landmarks as an array (68, 2)."""
    return np.array([(point.x, point.y) for point in shape.parts()], dtype=float)


# Alignment ----------------------------------------------------------------------------------------------------------


def fit_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity (turn, scale and shift; (2, 3)) that brings points (N, 2) closest to others, by least squares."""
    z, w = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
    centred = z - z.mean()
    a = np.vdot(centred, w) / np.vdot(centred, centred).real
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def apply_affine(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 2) moved by an affine map (2, 3)."""
    moved: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """The inverse of an affine map, both (2, 3)."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.hstack([inverse, -inverse @ matrix[:, 2:]])


def alignment(landmarks: np.ndarray, side: int, margin: float = 1.0) -> np.ndarray:
    """The similarity (2, 3) from a picture to an upright crop of its face.

    Args:
        landmarks: (68, 2) in pixels of the picture.
        side: Of the crop, in pixels.
        margin: ``MARGIN`` for a crop with margin, 1 for one without.
    """
    places = side * ((PLACES - 0.5) / margin + 0.5)
    return fit_similarity(anchor_points(landmarks), places)


def warp_affine(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture uint8 (H, W) or (H, W, 3) moved by an affine map (2, 3) into one of a size (width, height), antialiased."""
    picture, inverse = PIL.Image.fromarray(pixels), invert_affine(matrix)
    shrink = int(np.sqrt(abs(np.linalg.det(inverse[:, :2]))))  # picture's pixels in one of the new ones
    if shrink >= 2:
        picture = picture.reduce(shrink)
        inverse = inverse / shrink
    moved = picture.transform(size, PIL.Image.Transform.AFFINE, tuple(inverse.ravel()), PIL.Image.Resampling.BICUBIC)
    return np.array(moved)


def crop_face(
    pixels: np.ndarray, landmarks: np.ndarray, side: int, margin: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """An upright crop of a face, uint8 (side, side, 3), and the landmarks in it.

    Where the picture ends, its last rows and columns are repeated.
    """
    matrix = alignment(landmarks, side, margin)
    corners = apply_affine(invert_affine(matrix), side * np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]))
    low, high = np.floor(corners.min(0)).astype(int) - 2, np.ceil(corners.max(0)).astype(int) + 2
    rows, columns = (np.arange(low[axis], high[axis]).clip(0, pixels.shape[1 - axis] - 1) for axis in (1, 0))
    cut = pixels[np.ix_(rows, columns)]
    shifted = matrix + np.hstack([np.zeros((2, 2)), matrix[:, :2] @ low[:, None]])
    return warp_affine(cut, shifted, (side, side)), apply_affine(matrix, landmarks)


def outline(landmarks: np.ndarray) -> np.ndarray:
    """The corners (N, 2) of the convex hull of a face up to above its brows."""
    left, right, mouth = anchor_points(landmarks)
    up = 0.25 * ((left + right) / 2 - mouth)
    points = np.concatenate([landmarks, landmarks[17:27] + up])
    corners: np.ndarray = points[ConvexHull(points).vertices]
    return corners


def face_mask(landmarks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where the face is, uint8 (H, W) of 0 and 255; ``size`` is (width, height)."""
    mask = PIL.Image.new("L", size)
    PIL.ImageDraw.Draw(mask).polygon([tuple(point - 0.5) for point in outline(landmarks)], fill=255)
    return np.array(mask)


def face_data(pixels: np.ndarray, landmarks: np.ndarray, labels: Sequence[int], people: Sequence[str]) -> TensorData:
    """Upright crops of faces as data.

    Args:
        pixels: The crops, uint8 (N, S, S, 3).
        landmarks: (N, 68, 2), as shares of the side.
        labels: Whose face each is, -1 for nobody who is learned.
        people: Their names, in the order of the labels.

    Returns:
        ``image`` uint8 (N, 3, S, S), ``mask`` uint8 (N, 1, S, S), ``landmarks`` float32 (N, 68, 2), ``label`` int64 (N,).
    """
    side = pixels.shape[1]
    masks = np.stack([face_mask(side * points, (side, side)) for points in landmarks])
    return TensorData(
        classes=tuple(people),
        image=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        mask=torch.from_numpy(masks)[:, None],
        landmarks=torch.from_numpy(landmarks.astype(np.float32)),
        label=torch.tensor(labels),
    )
