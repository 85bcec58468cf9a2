"""A z-buffer: the nearest triangle of a mesh at each pixel, and where in it. Compiled (numba)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

NOTHING = -1
"""In place of a triangle's index, where there is none."""


def rasterise(
    points: np.ndarray, faces: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rasterise a mesh.

    Args:
        points: float32 (V, 3): column and row in pixels, whose middles lie at halves, and depth; triangles with a vertex of
            depth 0 or less, behind the camera, are not drawn.
        faces: int64 (F, 3).
        height, width: Of the picture.

    Returns:
        int64 (H, W), the index of the nearest triangle, or ``NOTHING``; float32 (H, W, 3), the barycentric coordinates in it,
        affine in the picture, which is accurate enough for triangles of a few pixels; float32 (H, W), the depth, ∞ where
        there is none.

    Example:
        >>> half = np.array([[0, 0, 1], [4, 0, 1], [0, 4, 1]], np.float32)
        >>> rasterise(half, np.array([[0, 1, 2]]), 3, 4)[0].tolist()
        [[0, 0, 0, 0], [0, 0, 0, -1], [0, 0, -1, -1]]
    """
    seen: Any = draw_triangles(points.astype(np.float32), faces, height, width)
    return seen[0], seen[1], seen[2]


@njit(cache=True, fastmath=False)
def draw_triangles(points, faces, height, width):  # type: ignore[no-untyped-def]
    """As ``rasterise``."""
    triangles = np.full((height, width), NOTHING, np.int64)
    barycentric = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    for face in range(len(faces)):
        a, b, c = points[faces[face, 0]], points[faces[face, 1]], points[faces[face, 2]]
        if min(a[2], b[2], c[2]) <= 0:
            continue
        left, right = min(a[0], b[0], c[0]), max(a[0], b[0], c[0])
        top, bottom = min(a[1], b[1], c[1]), max(a[1], b[1], c[1])
        if right < 0 or bottom < 0 or left > width or top > height:
            continue
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area == 0:
            continue
        inverse = 1 / area
        for y in range(max(0, math.ceil(top - 0.5)), min(height - 1, math.floor(bottom - 0.5)) + 1):
            for x in range(max(0, math.ceil(left - 0.5)), min(width - 1, math.floor(right - 0.5)) + 1):
                px, py = x + 0.5, y + 0.5
                of_a = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) * inverse
                of_b = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) * inverse
                of_c = 1 - of_a - of_b
                if of_a < 0 or of_b < 0 or of_c < 0:
                    continue
                far = of_a * a[2] + of_b * b[2] + of_c * c[2]
                if far < depth[y, x]:
                    depth[y, x], triangles[y, x] = far, face
                    barycentric[y, x, 0], barycentric[y, x, 1], barycentric[y, x, 2] = of_a, of_b, of_c
    return triangles, barycentric, depth


@njit(cache=True, fastmath=True)
def vertex_normals(vertices, faces):  # type: ignore[no-untyped-def]
    """Unit normals, float32 (V, 3): the mean of the triangles around each vertex, weighted by their areas."""
    normals = np.zeros_like(vertices)
    for face in range(len(faces)):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        for axis in range(3):
            one, two = (axis + 1) % 3, (axis + 2) % 3
            value = (vertices[j, one] - vertices[i, one]) * (vertices[k, two] - vertices[i, two]) - (
                vertices[j, two] - vertices[i, two]
            ) * (vertices[k, one] - vertices[i, one])
            normals[i, axis] += value
            normals[j, axis] += value
            normals[k, axis] += value
    for vertex in range(len(normals)):
        length = math.sqrt(normals[vertex, 0] ** 2 + normals[vertex, 1] ** 2 + normals[vertex, 2] ** 2) + 1e-12
        for axis in range(3):
            normals[vertex, axis] /= length
    return normals


@njit(cache=True)
def interpolate_corners(values, triangles, barycentric):  # type: ignore[no-untyped-def]
    """Values (F, 3, C) of the triangles' corners, interpolated at N pixels: float32 (N, C).

    ``triangles`` (N,) and ``barycentric`` (N, 3) are as ``rasterise`` gives them.
    """
    mixed = np.zeros((len(triangles), values.shape[2]), np.float32)
    for pixel in range(len(triangles)):
        for corner in range(3):
            for channel in range(values.shape[2]):
                mixed[pixel, channel] += barycentric[pixel, corner] * values[triangles[pixel], corner, channel]
    return mixed


@njit(cache=True)
def interpolate_vertices(values, faces, triangles, barycentric):  # type: ignore[no-untyped-def]
    """Values (V, C) of the vertices, interpolated at N pixels: float32 (N, C); else as ``interpolate_corners``."""
    mixed = np.zeros((len(triangles), values.shape[1]), np.float32)
    for pixel in range(len(triangles)):
        for corner in range(3):
            vertex, weight = faces[triangles[pixel], corner], barycentric[pixel, corner]
            for channel in range(values.shape[1]):
                mixed[pixel, channel] += weight * values[vertex, channel]
    return mixed
