"""Texture atlases: a square chart over U and V for each part, in four columns of six, as DensePose's are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.ndimage import distance_transform_edt

PARTS, ROWS, COLUMNS = 24, 6, 4
SIDE = 32
"""Texels of a chart's side in the round trip."""


@dataclass(frozen=True)
class Atlas:
    """A texture of a body.

    Args:
        charts: float32 (24, S, S, 3) in [0, 1]: rows go down from V = 1, columns along U.
        known: bool (24, S, S), the texels that hold a colour.
    """

    charts: np.ndarray
    known: np.ndarray

    def look_up(self, part: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """The colours (N, 3) of the texels at parts (N,), from 1 on, and U and V (N, 2)."""
        return self.charts[part - 1, *texels(uv, self.charts.shape[1])]

    def interpolate(self, part: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """As ``look_up``, but interpolated bilinearly between the middles of texels."""
        side = self.charts.shape[1]
        row, column = ((values * side - 0.5).clip(0, side - 1) for values in (1 - uv[:, 1], uv[:, 0]))
        top, left = (np.minimum(values.astype(np.int64), side - 2) for values in (row, column))
        down, right = (row - top)[:, None], (column - left)[:, None]
        corner = {(y, x): self.charts[part - 1, top + y, left + x] for y in (0, 1) for x in (0, 1)}
        above, below = (corner[y, 0] * (1 - right) + corner[y, 1] * right for y in (0, 1))
        colours: np.ndarray = above * (1 - down) + below * down
        return colours.astype(np.float32)

    def picture(self) -> np.ndarray:
        """All charts, uint8 (6 S, 4 S, 3): part 1 above, part 7 at the top of the second column."""
        side = self.charts.shape[1]
        grid = self.charts.reshape(COLUMNS, ROWS, side, side, 3).transpose(1, 2, 0, 3, 4)
        return (255 * grid.reshape(ROWS * side, COLUMNS * side, 3).clip(0, 1)).round().astype(np.uint8)


def texels(uv: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column in a chart of U and V (N, 2)."""
    column, row = (np.minimum((values * side).astype(np.int64), side - 1) for values in (uv[:, 0], 1 - uv[:, 1]))
    return row, column


def split_atlas(picture: np.ndarray) -> Atlas:
    """The atlas in a picture uint8 (6 S, 4 S, 3)."""
    side = picture.shape[0] // ROWS
    grid = picture.reshape(ROWS, side, COLUMNS, side, 3).transpose(2, 0, 1, 3, 4)
    charts = grid.reshape(PARTS, side, side, 3).astype(np.float32) / 255
    return Atlas(charts, np.ones(charts.shape[:3], bool))


def lift_texture(part: np.ndarray, uv: np.ndarray, colours: np.ndarray, side: int = SIDE) -> Atlas:
    """The texture that the N pixels of a person show; a texel that several fall into is their mean.

    Args:
        part: (N,); pixels of part 0, the background, do not count.
        uv: (N, 2).
        colours: (N, 3) in [0, 1].
        side: Texels of a chart's side.
    """
    own = part > 0
    sums, counts = np.zeros((PARTS, side, side, 3)), np.zeros((PARTS, side, side))
    place = (part[own] - 1, *texels(uv[own], side))
    np.add.at(sums, place, colours[own])
    np.add.at(counts, place, 1)
    return Atlas((sums / counts.clip(1)[..., None]).astype(np.float32), counts > 0)


def fill_gaps(atlas: Atlas, reach: float) -> Atlas:
    """The atlas whose unknown texels have the colour of the nearest known one of the chart, if it is at most ``reach`` away."""
    charts, known = atlas.charts.copy(), atlas.known.copy()
    for chart, own in zip(charts, known, strict=True):
        if own.any():
            away, (rows, columns) = distance_transform_edt(~own, return_indices=True)
            chart[:], own[:] = chart[rows, columns] * (away <= reach)[..., None], away <= reach
    return Atlas(charts, known)


def mean_squared_error(atlas: Atlas, texture: Atlas) -> float:
    """Of colours, over the texels that the atlas knows; where it knows none, of grey over all."""
    if not atlas.known.any():
        return float(np.square(texture.charts - 0.5).mean())
    return float(np.square(atlas.charts - texture.charts)[atlas.known].mean())


@cache
def wave_texture(side: int = SIDE) -> Atlas:
    """A smooth texture: in each part one wave of each colour, at a phase and in a direction of its own."""
    rng = np.random.default_rng(0)
    middles = (np.arange(side) + 0.5) / side
    v, u = np.meshgrid(1 - middles, middles, indexing="ij")
    turn, phase = rng.uniform(0, 2 * np.pi, (2, PARTS, 1, 1, 3))
    waves = np.cos(2 * np.pi * (u[..., None] * np.cos(turn) + v[..., None] * np.sin(turn)) + phase)
    return Atlas((0.5 + 0.5 * waves).astype(np.float32), np.ones((PARTS, side, side), bool))


# Patterns ------------------------------------------------------------------------------------------------------------

LENGTHS = dict.fromkeys(range(1, 25), 6) | {1: 10, 2: 10, 3: 4, 4: 4, 5: 4, 6: 4, 23: 4, 24: 4}
WIDTHS = dict.fromkeys(range(1, 25), 3) | {1: 8, 2: 8, 3: 4, 4: 4, 5: 4, 6: 4, 7: 4, 8: 4, 9: 4, 10: 4}
"""Squares of a pattern along V and U of a part, so that they are of about one size on the body."""
DARK, LIGHT = (0.75, 0.1, 0.2), (0.96, 0.94, 0.88)
"""The two colours of a pattern."""
PATTERN_SIDE = 128
"""Texels of a pattern's charts."""


@cache
def make_pattern(name: str) -> Atlas:
    """A pattern for a whole body: checks, stripes, dots, a rainbow along every limb, or a grid coloured by U and V.

    Args:
        name: checks, stripes, dots, rainbow or grid.
    """
    middles = (np.arange(PATTERN_SIDE) + 0.5) / PATTERN_SIDE
    v, u = np.meshgrid(1 - middles, middles, indexing="ij")
    charts = []
    for part in range(1, PARTS + 1):
        down, across = v * LENGTHS[part], u * WIDTHS[part]
        if name == "rainbow":
            turn = v[..., None] * 2 * np.pi + np.array([0, 2, 4]) * np.pi / 3
            charts.append(0.55 + 0.45 * np.cos(turn))
            continue
        if name == "grid":
            lines = (np.abs(down - down.round()) < 0.07) | (np.abs(across - across.round()) < 0.07)
            charts.append(np.where(lines[..., None], 0.1, np.stack([u, v, np.full_like(u, part / PARTS)], -1)))
            continue
        chosen = {
            "checks": (np.floor(down) + np.floor(across)) % 2 == 0,
            "stripes": np.floor(1.5 * down) % 2 == 0,
            "dots": (down % 1 - 0.5) ** 2 + (across % 1 - 0.5) ** 2 < 0.1,
        }[name]
        charts.append(np.where(chosen[..., None], DARK, LIGHT))
    whole = np.stack(charts).astype(np.float32)
    return Atlas(whole, np.ones(whole.shape[:3], bool))
