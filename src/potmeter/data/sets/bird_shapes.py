"""Colours and curves as SVG has them: what drawings of birds are put together from."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

Point = tuple[float, float]
Colour = tuple[float, float, float]
"""Hue in degrees, saturation and lightness in percent."""


def css(colour: Colour, lighter: float = 0.0) -> str:
    """A colour as SVG has it, ``lighter`` percent of lightness added."""
    hue, saturation, lightness = colour
    rgb = colorsys.hls_to_rgb(hue % 360 / 360, min(max(lightness + lighter, 0), 100) / 100, saturation / 100)
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)


def vary(rng: np.random.Generator, colour: Colour) -> Colour:
    """A colour near this one, that has the same name."""
    hue, saturation, lightness = colour
    return hue + rng.uniform(-5, 5), saturation * rng.uniform(0.88, 1.08), lightness + rng.uniform(-3.5, 3.5)


def curve(points: Sequence[Point], closed: bool = True) -> str:
    """A smooth path through points: a Catmull-Rom spline as Bézier curves."""
    n = len(points)
    at = (lambda i: points[i % n]) if closed else (lambda i: points[min(max(i, 0), n - 1)])
    parts = [f"M{at(0)[0]:.1f} {at(0)[1]:.1f}"]
    for i in range(n if closed else n - 1):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = at(i - 1), at(i), at(i + 1), at(i + 2)
        parts.append(
            f"C{x1 + (x2 - x0) / 6:.1f} {y1 + (y2 - y0) / 6:.1f} {x2 - (x3 - x1) / 6:.1f} {y2 - (y3 - y1) / 6:.1f}"
            f" {x2:.1f} {y2:.1f}"
        )
    return "".join(parts) + ("Z" if closed else "")


def polygon(points: Sequence[Point]) -> str:
    """A path of straight lines, closed."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def path(d: str, fill: str, opacity: float = 1.0) -> str:
    """A filled path."""
    return f'<path d="{d}" fill="{fill}"' + (f' fill-opacity="{opacity:.2f}"/>' if opacity < 1 else "/>")


def line(d: str, stroke: str, width: float, opacity: float = 1.0) -> str:
    """A path that is drawn as a line with round ends."""
    return (
        f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:.2f}" stroke-linecap="round" '
        f'stroke-linejoin="round" stroke-opacity="{opacity:.2f}"/>'
    )


def ellipse(centre: Point, rx: float, ry: float, fill: str, opacity: float = 1.0) -> str:
    """A filled ellipse."""
    return (
        f'<ellipse cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}" '
        f'fill-opacity="{opacity:.2f}"/>'
    )


def mix(a: Point, b: Point, share: float) -> Point:
    """The point so far on the way from a to b."""
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def xy(point: Point) -> str:
    """A point as a path has it."""
    return f"{point[0]:.1f} {point[1]:.1f}"
