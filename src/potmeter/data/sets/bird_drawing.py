"""Birds as vector drawings: an outline through a few points, parts and feathers laid over it, and light.

Coordinates are those of a picture 256 wide, x to the right and y downwards; all birds look to the right, as in a field guide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from potmeter.data.sets.bird_anatomy import (
    BEAK_COLOURS,
    BEAK_REACH,
    COLOURS,
    OUTLINES,
    PARTS,
    TAIL_LENGTHS,
    Bird,
    Outline,
)
from potmeter.data.sets.bird_places import scenery
from potmeter.data.sets.bird_shapes import Colour, Point, css, curve, ellipse, line, mix, path, vary, xy

# The bird's pose ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pose:
    """Where a bird's parts are."""

    outline: Outline
    centre: Point
    """Of the body."""
    turn: float
    """Radians by which the body's axis is raised."""
    head: Point
    radius: float
    """Of the head."""
    nod: float
    """Radians by which the head is raised."""
    length: float
    """Half of the body's."""
    depth: float
    """Half of the body's."""

    def body(self, along: float, above: float) -> Point:
        """A point by its place along the body's axis (1 = the shoulders) and above it (1 = the back)."""
        u, v = along * self.length, above * self.depth
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return self.centre[0] + u * cos - v * sin, self.centre[1] - u * sin - v * cos

    def face(self, forward: float, up: float) -> Point:
        """A point by its place forward and upward of the head's middle, in its radii."""
        cos, sin = math.cos(self.nod), math.sin(self.nod)
        u, v = forward * self.radius, up * self.radius
        return self.head[0] + u * cos - v * sin, self.head[1] - u * sin - v * cos


def strike_pose(bird: Bird, rng: np.random.Generator) -> Pose:
    """Where the parts of a bird are: its kind's build and posture, a little varied."""
    o = OUTLINES[bird.outline]
    scale = rng.uniform(0.98, 1.12)
    length, radius = scale * o.length, scale * o.head * rng.uniform(0.97, 1.04)
    depth = length * o.depth * rng.uniform(0.95, 1.06)
    turn = math.radians(o.posture + rng.uniform(-7, 7))
    tail = TAIL_LENGTHS[bird.tail]
    centre = (114 + 0.22 * tail + rng.uniform(-3, 3), 140 + rng.uniform(-4, 4))
    shoulder = centre[0] + 0.80 * length * math.cos(turn), centre[1] - 0.80 * length * math.sin(turn) - 0.25 * depth
    head = shoulder[0] + 0.10 * radius, shoulder[1] - (0.25 + o.neck) * radius
    return Pose(o, centre, turn, head, radius, math.radians(rng.uniform(-9, 12)), length, depth)


def body_outline(p: Pose) -> list[Point]:
    """The points around head and body, from the forehead over the back to the chin."""
    b, f = p.body, p.face
    nape, mantle = f(-0.93, -0.12), b(0.36, 1.0)
    return [
        f(0.97, 0.08), f(0.72, 0.70), f(0.10, 1.0), f(-0.62, 0.76), nape, mix(nape, mantle, 0.5), mantle, b(-0.15, 0.98),
        b(-0.65, 0.74), b(-1.08, 0.34), b(-1.12, -0.06), b(-0.80, -0.60), b(-0.25, -1.0), b(0.35, -1.08), b(0.88, -0.72),
        mix(b(1.10, -0.20), f(0.45, -0.95), 0.45), f(0.66, -0.72), f(0.97, -0.26),
    ]  # fmt: skip


# Its parts ----------------------------------------------------------------------------------------------------------


def tail(bird: Bird, p: Pose, colour: Colour, rng: np.random.Generator) -> str:
    """The tail: feathers that spread from the end of the body."""
    o, reach = p.outline, TAIL_LENGTHS[bird.tail] * rng.uniform(0.94, 1.06)
    angle = p.turn + math.pi + math.radians(-o.cocked + rng.uniform(-6, 6) + (8 if not o.cocked else 0))
    root, along = p.body(-0.86, 0.14), (math.cos(angle), -math.sin(angle))
    aside = (-along[1], along[0])
    place = lambda far, off: (root[0] + far * along[0] + off * aside[0], root[1] + far * along[1] + off * aside[1])
    narrow, wide = 0.24 * p.depth, (0.34 if bird.tail == "long" else 0.40) * p.depth
    middle = reach * (1 - o.fork)
    tips = [place(reach, -wide), place((reach + middle) / 2, -0.5 * wide), place(middle, 0),
            place((reach + middle) / 2, 0.5 * wide), place(reach, wide)]  # fmt: skip
    if o.fork < 0:  # the middle feathers are the longest
        tips = [place(reach * 0.86, -wide), place(reach, -0.5 * wide), place(reach * 1.04, 0), place(reach, 0.5 * wide),
                place(reach * 0.86, wide)]  # fmt: skip
    start, end = (place(-6, -1.6 * narrow), place(-6, 1.6 * narrow))
    shape = f"M{start[0]:.1f} {start[1]:.1f}L" + "L".join(f"{x:.1f} {y:.1f}" for x, y in tips)
    parts = [f'<path d="{shape}L{end[0]:.1f} {end[1]:.1f}Z" fill="{css(colour, -5)}" stroke="{css(colour, -5)}" '
             'stroke-width="4" stroke-linejoin="round"/>']  # fmt: skip
    edge = -14 if colour[2] > 30 else 12
    for off in (-0.5, 0.0, 0.5):
        tip = place(0.93 * (reach if off else middle), off * 1.1 * wide)
        parts.append(line(curve([place(4, off * narrow), tip], closed=False), css(colour, edge), 1.6, 0.7))
    return "".join(parts)


def wing(bird: Bird, p: Pose, colour: Colour) -> str:
    """The folded wing: shoulder, coverts, and flight feathers that taper to a tip."""
    b, far = p.body, 1.02 + p.outline.wing
    outline = [b(0.66, 0.16), b(0.50, 0.58), b(0.05, 0.78), b(-0.55, 0.60), b(-far, 0.14), b(-far, 0.06), b(-0.70, -0.14),
               b(-0.15, -0.44), b(0.38, -0.46), b(0.62, -0.18)]  # fmt: skip
    light, dark = (9, -12) if colour[2] > 30 else (16, 13)
    dark = -16 if colour[2] > 85 else dark
    parts = [
        f'<clipPath id="w"><path d="{curve(outline)}"/></clipPath>',
        path(curve([(x + 1.5, y + 3.0) for x, y in outline]), "#000", 0.16),  # its shadow on the body
        path(curve(outline), css(colour)),
        '<g clip-path="url(#w)">',
        path(
            curve([b(0.70, 0.2), b(0.5, 0.62), b(0.0, 0.9), b(-0.5, 0.7), b(-0.1, 0.34), b(0.35, 0.2)]),
            css(colour, light),
            0.55,
        ),
    ]
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):  # the flight feathers' edges
        root = mix(b(-0.10, 0.62), b(0.20, -0.42), share)
        end = mix(b(-far - 0.1, 0.26), b(-far + 0.20, -0.06), share)
        bend = mix(root, end, 0.5)
        sag = (bend[0] + 2 * share, bend[1] + 5 * share)
        parts.append(line(curve([root, sag, end], closed=False), css(colour, dark), 1.7, 0.62))
    for row, (along, size) in enumerate(((0.18, 0.17), (-0.10, 0.20))):  # two rows of coverts, scalloped
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            x, y = mix(b(along - 0.10, 0.66), b(along + 0.18, -0.42), share)
            parts.append(line(arc((x, y), size * p.length, p.turn), css(colour, dark), 1.5, 0.55 - 0.1 * row))
    if bird.wing_bars:
        for along in (0.24, -0.10):
            bar = [b(along - 0.10, 0.60), b(along - 0.08, 0.22), b(along + 0.02, -0.12), b(along + 0.16, -0.40)]
            ink = "#fdfaf2" if colour[2] < 80 else "#4a4641"
            parts.append(line(curve(bar, closed=False), ink, 5.2, 0.96))
    return "".join(parts) + "</g>"


def arc(centre: Point, size: float, turn: float) -> str:
    """The rounded end of a feather that points backward."""
    points = []
    for degrees in (70, 120, 180, 240, 290):
        angle = math.radians(degrees)
        u, v = 0.75 * size * math.cos(angle), 0.62 * size * math.sin(angle)
        points.append(
            (centre[0] + u * math.cos(turn) - v * math.sin(turn), centre[1] - u * math.sin(turn) - v * math.cos(turn))
        )
    return curve(points, closed=False)


def beak(bird: Bird, p: Pose, colour: Colour) -> str:
    """The beak: two mandibles, of a length and a shape."""
    f, reach = p.face, BEAK_REACH[bird.beak_length] / p.radius * (p.radius / 24) ** 0.5
    thick = {"cone-shaped": 0.33, "pointed": 0.20, "hooked": 0.27, "curved": 0.18}[bird.beak_shape]
    tip = {"cone-shaped": 0.0, "pointed": 0.02, "hooked": -0.16, "curved": -0.30 - 0.12 * reach}[bird.beak_shape]
    root, top, bottom = 0.84, -0.06 + thick, -0.10 - 0.8 * thick
    end = f(0.94 + reach, -0.10 + tip)
    arch = {"cone-shaped": 0.62, "pointed": 0.56, "hooked": 1.06, "curved": 1.02}[bird.beak_shape]
    upper = (f"M{xy(f(root, top))}Q{xy(f(0.94 + 0.62 * reach, -0.06 + thick * arch))} {xy(end)}"
             f"Q{xy(f(0.94 + 0.45 * reach, -0.12 + 0.4 * tip))} {xy(f(root, -0.10))}Z")  # fmt: skip
    low = f(0.94 + (0.84 if bird.beak_shape == "hooked" else 0.96) * reach, -0.13 + tip)
    lower = (f"M{xy(f(root, -0.10))}Q{xy(f(0.94 + 0.45 * reach, -0.12 + 0.4 * tip))} {xy(low)}"
             f"Q{xy(f(0.94 + 0.45 * reach, bottom + 0.35 * tip))} {xy(f(root, bottom))}Z")  # fmt: skip
    dark = -12 if colour[2] > 30 else 16
    seam = f"M{xy(f(root, -0.10))}Q{xy(f(0.94 + 0.45 * reach, -0.12 + 0.4 * tip))} {xy(low)}"
    return path(lower, css(colour, -7)) + path(upper, css(colour, 3)) + line(seam, css(colour, dark), 1.1, 0.8)


def eye(bird: Bird, p: Pose) -> str:
    """The eye, with a light in it; with a ring or without."""
    centre, size = p.face(0.34, 0.16), 0.165 * p.radius
    parts = []
    if bird.eye_ring:
        parts.append(ellipse(centre, 1.85 * size, 1.85 * size, "#fffdf6"))
    else:
        parts.append(ellipse(centre, 1.28 * size, 1.28 * size, "#6b6259" if bird.back == "black" else "#2b2622", 0.55))
    parts.append(ellipse(centre, size, size, "#14100e"))
    light = (centre[0] + 0.32 * size, centre[1] - 0.36 * size)
    return "".join(parts) + ellipse(light, 0.34 * size, 0.34 * size, "#ffffff", 0.95)


def legs(p: Pose, feet: Sequence[Point], colour: str, perched: bool) -> str:
    """Two legs, with toes that lie on the ground or clasp what they stand on."""
    parts = []
    for number, foot in enumerate(feet):
        hip = p.body(-0.22 + 0.26 * number, -0.80)
        knee = (0.5 * (hip[0] + foot[0]) - 3, 0.45 * hip[1] + 0.55 * foot[1])
        parts.append(line(f"M{xy(hip)}L{xy(knee)}L{xy(foot)}", colour, 3.0))
        for dx, dy in ((10, 2.5), (7, 5), (-6, 3)):
            drop = 2.5 if perched else 0.5
            parts.append(
                line(
                    f"M{xy(foot)}Q{foot[0] + 0.7 * dx:.1f} {foot[1]:.1f} {foot[0] + dx:.1f} {foot[1] + drop * dy / 2.5:.1f}",
                    colour,
                    2.6,
                )
            )
    return "".join(parts)


def plumage(bird: Bird, p: Pose, colours: dict[str, Colour], rng: np.random.Generator) -> str:
    """Head and body: the colours of the parts, the breast's pattern, and light from above."""
    b, f, outline = p.body, p.face, curve(body_outline(p))
    belly = [f(1.3, -0.55), f(0.2, -0.80), b(0.80, 0.06), b(0.30, -0.10), b(-0.50, -0.12), b(-1.3, -0.02), b(-1.3, -1.6),
             b(0.3, -1.7), b(1.5, -1.2)]  # fmt: skip
    throat = [
        f(1.4, -0.16),
        f(0.72, -0.22),
        f(0.20, -0.52),
        f(-0.02, -1.0),
        b(0.98, -0.20),
        b(1.05, -0.62),
        f(1.5, -1.3),
    ]
    crown = [f(1.3, 0.14), f(0.86, 0.22), f(0.30, 0.44), f(-0.40, 0.28), f(-0.98, -0.18), f(-1.5, 0.3), f(-0.9, 1.4),
             f(0.6, 1.5)]  # fmt: skip
    parts = [
        f'<clipPath id="b"><path d="{outline}"/></clipPath>',
        f'<g clip-path="url(#b)"><rect width="256" height="256" fill="{css(colours["back"])}"/>',
        path(curve([b(1.2, 0.9), b(0.2, 1.3), b(-0.9, 1.0), b(-0.4, 0.72), b(0.5, 0.6)]), css(colours["back"], 8), 0.5),
        path(curve(belly), css(colours["belly"])),
        path(curve([b(1.25, -0.9), b(0.9, -0.35), b(0.3, -0.75), b(-0.5, -0.95), b(-0.2, -1.5), b(0.9, -1.5)]),
             css(colours["belly"], -9 if colours["belly"][2] > 25 else 7), 0.5),
        path(curve(throat), css(colours["throat"])),
        path(curve(crown), css(colours["crown"])),
        path(curve([f(0.9, 0.55), f(0.3, 0.72), f(-0.5, 0.62), f(-0.2, 1.2), f(0.6, 1.2)]), css(colours["crown"], 9), 0.45),
    ]  # fmt: skip
    parts.append(breast_pattern(bird, p, colours["belly"], rng))
    parts.append(path(outline, "url(#shade)"))
    return "".join(parts) + "</g>"


def breast_pattern(bird: Bird, p: Pose, colour: Colour, rng: np.random.Generator) -> str:
    """Streaks or spots on the breast."""
    ink, parts = ("#2a211b" if colour[2] > 40 else "#efe6d8"), []
    if bird.pattern == "plain":
        return ""
    for row, along in enumerate((0.98, 0.76, 0.54, 0.32, 0.10)):
        for above in (-0.30, -0.52, -0.74, -0.96):
            shift = 0.11 * (row % 2)
            x, y = p.body(along + rng.uniform(-0.03, 0.03), above - shift + 0.25 * max(0.0, 0.6 - along))
            if bird.pattern == "spotted":
                parts.append(ellipse((x, y), 2.3, 2.3, ink, 0.88))
            else:
                parts.append(line(f"M{x:.1f} {y - 3.6:.1f}L{x - 1.6:.1f} {y + 3.6:.1f}", ink, 2.2, 0.85))
    return "".join(parts)


def crest(p: Pose, colour: Colour) -> str:
    """The feathers of the head that stand up."""
    f = p.face
    shape = (f"M{xy(f(0.70, 0.62))}Q{xy(f(0.30, 1.10))} {xy(f(-1.05, 1.72))}Q{xy(f(-0.62, 1.12))} {xy(f(-0.72, 0.98))}"
             f"Q{xy(f(-1.0, 1.16))} {xy(f(-1.36, 1.14))}Q{xy(f(-0.94, 0.72))} {xy(f(-0.88, 0.20))}Z")  # fmt: skip
    return path(shape, css(colour, -3))


# The whole picture --------------------------------------------------------------------------------------------------


def bird_svg(bird: Bird) -> str:
    """The drawing of a bird, as SVG."""
    rng = np.random.default_rng(bird.seed)
    pose = strike_pose(bird, rng)
    colours = {part: vary(rng, COLOURS[getattr(bird, part)]) for part in PARTS}
    for part in colours:  # parts of one colour are alike
        same = next(other for other in colours if getattr(bird, other) == getattr(bird, part))
        colours[part] = colours[same]
    behind, front, level = scenery(bird, rng)
    dy = level - pose.outline.legs - max(y for _, y in body_outline(pose))
    feet = [(pose.body(-0.18, -0.8)[0] + 5, level - dy), (pose.body(0.10, -0.8)[0] + 7, level - dy + 1.5)]
    leg = css(vary(rng, (24, 34, 36)))
    perched = bird.place == "branch"
    shade = (
        '<linearGradient id="shade" x1="0.35" y1="0" x2="0.5" y2="1"><stop offset="0" stop-color="#fff" stop-opacity="0.20"/>'
        '<stop offset="0.45" stop-color="#fff" stop-opacity="0"/><stop offset="0.62" stop-color="#000" stop-opacity="0"/>'
        '<stop offset="1" stop-color="#1a1030" stop-opacity="0.30"/></linearGradient>'
    )
    parts = [
        tail(bird, pose, colours["wing"], rng),
        beak(bird, pose, vary(rng, BEAK_COLOURS[bird.beak_colour])),
        crest(pose, colours["crown"]) if bird.crest else "",
        plumage(bird, pose, colours, rng),
        wing(bird, pose, colours["wing"]),
        eye(bird, pose),
    ]
    ground = ellipse((0.5 * (feet[0][0] + feet[1][0]), level + 4), 46, 5, "#000", 0.16) if not perched else ""
    grown, x0 = rng.uniform(1.14, 1.22), 128 + rng.uniform(-4, 4)
    moved = f'<g transform="translate({x0:.1f} {level:.1f}) scale({grown:.3f}) translate(-128 {dy - level:.1f})">'
    legs_first = moved + legs(pose, feet, leg, perched) + "</g>"
    grass_last = bird.place in ("grass", "snow")
    body = moved + "".join(parts) + "</g>"
    warm = rng.uniform(-1, 1)
    tint = "#ffb45c" if warm > 0 else "#4f7bd6"
    light = f'<rect width="256" height="256" fill="{tint}" fill-opacity="{0.10 * abs(warm):.3f}"/>'
    order = [behind, legs_first, body, front] if grass_last else [behind, front, ground, legs_first, body]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">{shade}'
        + "".join(order)
        + light
        + "</svg>"
    )
