"""Views of a head that nobody took: pictures of one face turned, halfway between two expressions, in another light.

The landmarks, given the depth of an ellipsoid with a nose, are turned in space; the picture follows them triangle by triangle
(as in Active Appearance Models, Cootes et al. 1998).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import Delaunay

from potmeter.data.face_crops import anchor_points

HEAD = np.array([1.3, 1.9])
"""Half axes of the ellipsoid to the side and upwards, in eye distances."""
DEPTH = 1.3
"""Its half axis to the front."""
NOSE = dict(zip(range(27, 36), (0.05, 0.16, 0.28, 0.4, 0.14, 0.2, 0.24, 0.2, 0.14), strict=True))
"""By how much the landmarks of the nose stand out from it."""


def depth_of(points: np.ndarray) -> np.ndarray:
    """Depth towards the viewer (N,) of points (N, 2) of a head, in eye distances around the middle of the face."""
    inside = np.clip(1 - np.square(points / HEAD).sum(1), 0, 1)
    depth = DEPTH * np.sqrt(inside)
    if len(points) >= 36:
        depth[list(NOSE)] += list(NOSE.values())
    return depth


def turn_points(landmarks: np.ndarray, points: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Points (N, 2) of a head, the landmarks first, turned about its middle; angles in radians, to the right and downwards."""
    left, right, mouth = anchor_points(landmarks)
    unit, middle = np.linalg.norm(right - left), (left + right + mouth) / 3
    x, y = ((points - middle) / unit).T
    z = depth_of(np.stack([x, y], 1)) - 0.6 * DEPTH
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) + z * np.sin(pitch)
    turned: np.ndarray = np.stack([x, y], 1) * unit + middle
    return turned


def add_head_points(landmarks: np.ndarray) -> np.ndarray:
    """The landmarks and nine points around the forehead, (77, 2)."""
    left, right, mouth = anchor_points(landmarks)
    across, down = right - left, mouth - (left + right) / 2
    angles = np.linspace(np.pi, 2 * np.pi, 9)
    arc = (left + right) / 2 + 1.1 * np.cos(angles)[:, None] * across + 0.95 * np.sin(angles)[:, None] * down
    return np.concatenate([landmarks, arc])


def frame_points(side: int) -> np.ndarray:
    """Sixteen points around the edge of a square picture, which stay where they are."""
    line = np.linspace(0, side, 5)
    top, bottom = np.stack([line, 0 * line], 1), np.stack([line, 0 * line + side], 1)
    middle = line[1:4]
    sides = [np.stack([0 * middle + x, middle], 1) for x in (0.0, float(side))]
    return np.concatenate([top, bottom, *sides])


def warp_piecewise(
    sources: Sequence[tuple[np.ndarray, np.ndarray]], shares: Sequence[float], target: np.ndarray
) -> np.ndarray:
    """Pictures of one head brought to the same shape and mixed.

    Args:
        sources: Pictures uint8 (S, S, 3), each with its points (N, 2).
        shares: Of each picture in the mixture.
        target: The points (N, 2) in the new picture.

    Returns:
        float (S, S, 3), 0 to 255.
    """
    side = len(sources[0][0])
    mesh = Delaunay(np.concatenate([target, frame_points(side)]))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) + 0.5
    triangle = mesh.find_simplex(grid).clip(0)
    corners = mesh.simplices[triangle]  # (S², 3)
    inverse, offset = mesh.transform[triangle, :2], mesh.transform[triangle, 2]
    weights = np.einsum("nij,nj->ni", inverse, grid - offset)
    weights = np.concatenate([weights, 1 - weights.sum(1, keepdims=True)], 1)  # barycentric
    mixture = np.zeros((side, side, 3), np.float32)
    for (pixels, points), share in zip(sources, shares, strict=True):
        places = np.concatenate([points, frame_points(side)])
        x, y = np.einsum("ni,nij->jn", weights, places[corners]) - 0.5
        for channel in range(3):
            values = map_coordinates(pixels[..., channel].astype(np.float32), (y, x), order=1, mode="nearest")
            mixture[..., channel] += share * values.reshape(side, side)
    return mixture


def draw_view(
    sources: Sequence[tuple[np.ndarray, np.ndarray]], shares: Sequence[float], yaw: float, pitch: float
) -> tuple[np.ndarray, np.ndarray]:
    """A view of a head from upright crops of it.

    Args:
        sources: Crops uint8 (S, S, 3), each with its landmarks (68, 2).
        shares: Of each expression in the new one.
        yaw: Turn to the right, radians, up to about .35.
        pitch: Turn downwards.

    Returns:
        The picture, float (S, S, 3) from 0 to 255, and its landmarks.
    """
    with_head = [(pixels, add_head_points(landmarks)) for pixels, landmarks in sources]
    mixed = np.sum([share * points for share, (_, points) in zip(shares, with_head, strict=True)], 0)
    target = turn_points(mixed[:68], mixed, yaw, pitch)
    return warp_piecewise(with_head, shares, target), target[:68]


def relight(picture: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """A picture, float (S, S, 3) from 0 to 255, as uint8 in another light: brighter to one side, warmer or colder."""
    side = len(picture)
    across = np.linspace(-1, 1, side)
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.3) * strength
    field = 1 + slope * (np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None])
    gain = np.exp(strength * rng.uniform(-0.25, 0.15))
    warmth = strength * rng.uniform(-0.08, 0.08)
    colour = gain * np.array([1 + warmth, 1.0, 1 - warmth])
    gamma = np.exp(strength * rng.uniform(-0.2, 0.2))
    lit = 255 * np.power(np.clip(picture * field[..., None] * colour / 255, 0, 1), gamma)
    return lit.round().astype(np.uint8)
