"""MuJoCo's bodies drawn from the side, without OpenGL: so that it is seen on any machine, a hundred frames a second.

A cabinet projection: what is further away is drawn a little higher and further right. Bodies are made of capsules and
spheres, and so each is a thick line with a lighter core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw

from potmeter.media.labelled_page import font

SKY, HORIZON, FLOOR, TILE, SHADOW = (222, 231, 238), (246, 247, 245), (226, 222, 212), (215, 210, 198), (176, 170, 157)
INK, ARROW = (60, 56, 50), (165, 57, 27)
WOOD = np.array([0.8, 0.6, 0.4])
OVERSAMPLING = 2
"""Frames are drawn so many times as large, and reduced: Pillow's lines have no smooth edges."""
DEPTH = 3
"""Metres of floor that are seen behind the body, and before it."""


@dataclass(frozen=True)
class View:
    """What part of the world is seen.

    Args:
        size: Width and height of a frame in pixels.
        x: The place, in metres, that stands in the middle.
        span: Metres from the left edge to the right.
        shift, rise: By how many metres one metre of depth moves to the right, and up.
        ground: Where the floor's middle stands, as a share of the height.
    """

    size: tuple[int, int]
    x: float
    span: float
    shift: float = 0.32
    rise: float = 0.2
    ground: float = 0.82

    @property
    def scale(self) -> float:
        """Pixels of the drawing in a metre."""
        return OVERSAMPLING * self.size[0] / self.span

    def project(self, point: Any) -> tuple[float, float]:
        """Where in the drawing a point (x, y, z) of the world is."""
        x, y, z = (float(value) for value in point)
        middle, ground = OVERSAMPLING * self.size[0] / 2, OVERSAMPLING * self.size[1] * self.ground
        return middle + self.scale * (x - self.x + self.shift * y), ground - self.scale * (z + self.rise * y)


def draw_body(model: Any, data: Any, view: View, push: float = 0.0) -> PIL.Image.Image:
    """A body as it stands now, with its shadow on a floor of tiles of one metre.

    Args:
        model, data: Of MuJoCo.
        view: What part of the world is seen.
        push: Which way it is being pushed, positive = to the right, drawn as an arrow; 0 = not at all.
    """
    sheet = draw_floor(view)
    draw = PIL.ImageDraw.Draw(sheet)
    pieces = list_pieces(model, data)
    draw_pieces(draw, sorted(pieces, key=lambda piece: -(piece[0][1] + piece[1][1])), view)
    if push:
        draw_arrow(draw, view.project(data.xpos[1]), np.sign(push), view.scale)
    return sheet.resize(view.size, PIL.Image.Resampling.BOX)


Piece = tuple[np.ndarray, np.ndarray, float, tuple[int, int, int]]
"""Both ends (3,) of a capsule's axis, its radius in metres, its colour."""


def list_pieces(model: Any, data: Any) -> list[Piece]:
    """What a body is made of, as capsules: spheres have no length, boxes and ellipsoids that of their longest side."""
    from mujoco import mjtGeom

    pieces: list[Piece] = []
    for i in range(model.ngeom):
        kind, size, middle = mjtGeom(model.geom_type[i]), model.geom_size[i], data.geom_xpos[i]
        if kind in (mjtGeom.mjGEOM_PLANE, mjtGeom.mjGEOM_HFIELD) or model.geom_rgba[i, 3] == 0:
            continue
        axes, half, radius = data.geom_xmat[i].reshape(3, 3), 0.0, float(size[0])
        axis = axes[:, 2]
        if kind in (mjtGeom.mjGEOM_CAPSULE, mjtGeom.mjGEOM_CYLINDER):
            half = float(size[1])
        elif kind in (mjtGeom.mjGEOM_BOX, mjtGeom.mjGEOM_ELLIPSOID):
            order = np.argsort(size)
            axis, radius = axes[:, order[2]], float(size[order[1]])
            half = float(size[order[2]]) - radius
        elif kind == mjtGeom.mjGEOM_MESH:
            radius = float(model.geom_rbound[i])
        pieces.append((middle - half * axis, middle + half * axis, radius, color_of(model, i)))
    return pieces


def draw_pieces(draw: PIL.ImageDraw.ImageDraw, pieces: list[Piece], view: View) -> None:
    """Pieces, the furthest first, and their shadows on the floor."""
    for start, end, radius, _ in pieces:
        ends = [view.project((*point[:2], 0.0)) for point in (start, end)]
        thick_line(draw, ends[0], ends[1], 0.55 * radius * view.scale, SHADOW)
    for start, end, radius, color in pieces:
        draw_capsule(draw, view.project(start), view.project(end), radius * view.scale, color)


def color_of(model: Any, i: int) -> tuple[int, int, int]:
    """The colour of a geom: its own, or its material's; wood where that is white or grey, for a texture to colour."""
    material = model.geom_matid[i]
    rgb = (model.mat_rgba[material] if material >= 0 else model.geom_rgba[i])[:3]
    if np.ptp(rgb) < 0.02:
        rgb = WOOD
    return tuple(int(255 * min(max(value, 0), 1)) for value in rgb)  # type: ignore[return-value]


# Strokes -----------------------------------------------------------------------------------------------------------


def draw_floor(view: View) -> PIL.Image.Image:
    """Sky, and a floor of tiles of one metre, each fifth with its number."""
    width, height = (OVERSAMPLING * side for side in view.size)
    _, horizon = view.project((0, DEPTH, 0))
    sheet = PIL.Image.new("RGB", (width, height), FLOOR)
    for row in range(max(int(horizon), 0)):
        share = row / max(horizon, 1)
        blend = tuple(round(a + share * (b - a)) for a, b in zip(SKY, HORIZON, strict=True))
        sheet.paste(blend, (0, row, width, row + 1))
    draw = PIL.ImageDraw.Draw(sheet)
    first, last = (int(view.x + sign * (view.span / 2 + view.shift * DEPTH) + sign) for sign in (-1, 1))
    for x in range(first, last + 1):
        for y in range(-DEPTH, DEPTH):
            if (x + y) % 2:
                corners = [(x, y, 0), (x + 1, y, 0), (x + 1, y + 1, 0), (x, y + 1, 0)]
                draw.polygon([view.project(corner) for corner in corners], fill=TILE)
        if x % 5 == 0:
            place = view.project((x, -0.55, 0))
            draw.text(place, f"{x} m", fill=(140, 132, 118), font=font(13 * OVERSAMPLING), anchor="mt")
    return sheet


Point = tuple[float, float]


def draw_capsule(
    draw: PIL.ImageDraw.ImageDraw, start: Point, end: Point, radius: float, color: tuple[int, ...]
) -> None:
    """A thick line with round ends, dark at its edge and light where light falls on it."""
    thick_line(draw, start, end, radius, shade(color, 0.62))
    thick_line(draw, start, end, 0.84 * radius, color)
    lit = [(x - 0.22 * radius, y - 0.3 * radius) for x, y in (start, end)]
    thick_line(draw, lit[0], lit[1], 0.36 * radius, shade(color, 1.25))


def thick_line(draw: PIL.ImageDraw.ImageDraw, start: Point, end: Point, radius: float, color: tuple[int, ...]) -> None:
    """A line with round ends."""
    across = np.array([end[1] - start[1], start[0] - end[0]])
    across *= radius / max(float(np.hypot(*across)), 1e-9)
    corners = [start + across, end + across, end - across, start - across]
    draw.polygon([(float(x), float(y)) for x, y in corners], fill=color)
    for x, y in (start, end):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def draw_arrow(draw: PIL.ImageDraw.ImageDraw, place: Point, direction: float, scale: float) -> None:
    """An arrow that ends where it pushes."""
    x, y = place
    tip, tail = x - direction * 0.12 * scale, x - direction * 0.62 * scale
    draw.line((tail, y, tip - direction * 0.1 * scale, y), fill=ARROW, width=max(int(0.06 * scale), 1))
    head = tip - direction * 0.18 * scale
    draw.polygon([(tip, y), (head, y - 0.1 * scale), (head, y + 0.1 * scale)], fill=ARROW)


def shade(color: tuple[int, ...], factor: float) -> tuple[int, ...]:
    """A colour made darker, or lighter."""
    return tuple(min(int(value * factor), 255) for value in color)


def write_line(frame: PIL.Image.Image, text: str, row: int = 0) -> None:
    """A line of text at the top left of a frame."""
    PIL.ImageDraw.Draw(frame).text((10, 8 + 19 * row), text, fill=INK, font=font(15))
