"""Where drawn birds are: a branch, a meadow, snow, a rock by the sea, each with what lies behind and in front of a bird."""

from __future__ import annotations

import math

import numpy as np

from potmeter.data.sets.bird_anatomy import Bird
from potmeter.data.sets.bird_shapes import Colour, Point, css, curve, ellipse, line, mix, path, polygon, xy


def scenery(bird: Bird, rng: np.random.Generator) -> tuple[str, str, float]:
    """Background, what stands in front of it, and the height at which a bird's feet are."""
    skies: dict[str, tuple[Colour, Colour]] = {
        "branch": ((198, 42, 84), (88, 34, 80)),
        "grass": ((196, 48, 86), (72, 44, 84)),
        "snow": ((214, 30, 80), (216, 26, 91)),
        "rock": ((202, 40, 85), (188, 32, 74)),
    }
    high, low = skies[bird.place]
    tint = rng.uniform(-10, 10)
    high = high[0] + tint, high[1], high[2] + rng.uniform(-4, 3)
    low = low[0] + tint, low[1], low[2] + rng.uniform(-3, 3)
    sky = (
        f'<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{css(high)}"/>'
        f'<stop offset="1" stop-color="{css(low)}"/></linearGradient><rect width="256" height="256" fill="url(#sky)"/>'
    )
    draw = {"branch": draw_branch, "grass": draw_grass, "snow": draw_snow, "rock": draw_rock}[bird.place]
    behind, front, level = draw(rng)
    return sky + behind, front, level


def soft(name: str, centre: Point, radius: float, colour: Colour, opacity: float) -> str:
    """A blurred disc, as what is out of focus looks."""
    return (
        f'<radialGradient id="{name}"><stop offset="0.35" stop-color="{css(colour)}" stop-opacity="{opacity:.2f}"/>'
        f'<stop offset="1" stop-color="{css(colour)}" stop-opacity="0"/></radialGradient>'
        + ellipse(centre, radius, radius, f"url(#{name})")
    )


def draw_branch(rng: np.random.Generator) -> tuple[str, str, float]:
    """A branch with leaves, before blurred foliage."""
    behind = [soft(f"s{i}", (rng.uniform(0, 256), rng.uniform(20, 256)), rng.uniform(34, 62),
                   (rng.uniform(78, 118), rng.uniform(26, 40), rng.uniform(66, 80)), 0.55) for i in range(5)]  # fmt: skip
    level = 204 + rng.uniform(-4, 4)
    slope = rng.uniform(-8, 8)
    left, right = (-8, level + 4 - slope), (264, level + 4 + slope)
    wood = (26 + rng.uniform(-6, 6), 28, 34)
    bend = rng.uniform(-4, 4)
    branch = f"M{xy(left)}Q128 {level + 4 + bend:.1f} {xy(right)}"
    front = [
        line(branch, css(wood, -7), 15),
        line(branch.replace(f"{level + 4 + bend:.1f}", f"{level + 1.5 + bend:.1f}"), css(wood, 6), 8),
    ]
    for x, side in ((34 + rng.uniform(-10, 10), 1), (214 + rng.uniform(-10, 14), -1), (240 + rng.uniform(-8, 8), 1)):
        y = level + 4 + slope * (x - 128) / 136
        degrees, length = side * rng.uniform(35, 70) + (0 if side > 0 else 10), 30 + rng.uniform(-4, 8)
        front.append(leaf((x, y), degrees, length, (100 + rng.uniform(-14, 14), 44, 38)))
    return "".join(behind), "".join(front), level - 1


def leaf(root: Point, degrees: float, length: float, colour: Colour) -> str:
    """A leaf that grows from a point; positive angles point downward."""
    angle = math.radians(degrees)
    along, aside = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    tip = (root[0] + length * along[0], root[1] + length * along[1])
    sides = [
        (
            root[0] + 0.45 * length * along[0] + s * 0.34 * length * aside[0],
            root[1] + 0.45 * length * along[1] + s * 0.34 * length * aside[1],
        )
        for s in (1, -1)
    ]
    shape = f"M{xy(root)}Q{xy(sides[0])} {xy(tip)}Q{xy(sides[1])} {xy(root)}Z"
    return path(shape, css(colour)) + line(f"M{xy(root)}L{xy(mix(root, tip, 0.85))}", css(colour, 12), 1.4, 0.8)


def draw_grass(rng: np.random.Generator) -> tuple[str, str, float]:
    """A meadow: hills behind, blades and flowers in front."""
    level = 214 + rng.uniform(-3, 3)
    hill = (rng.uniform(92, 112), 34, 62)
    far = [
        (-20, 190),
        (60, 160 + rng.uniform(-12, 12)),
        (150, 176),
        (280, 156 + rng.uniform(-12, 12)),
        (280, 270),
        (-20, 270),
    ]
    near = [(-30, 206), (60, 196), (128, 200), (200, 194), (290, 204), (290, 290), (-30, 290)]
    behind = path(curve(far), css(hill), 0.75) + path(curve(near), css((100, 40, 48)))
    ground = [(-30, level + 8), (60, level + 4), (190, level + 6), (290, level + 5), (290, 300), (-30, 300)]
    front = [path(curve(ground), css((98, 44, 38)))]
    for x in np.linspace(-4, 260, 34):
        height, lean = rng.uniform(10, 26), rng.uniform(-7, 7)
        base = (float(x) + rng.uniform(-3, 3), level + 14)
        front.append(line(f"M{xy(base)}Q{base[0]:.1f} {base[1] - 0.6 * height:.1f} {base[0] + lean:.1f} {base[1] - height:.1f}",
                          css((96 + rng.uniform(-14, 14), 46, rng.uniform(30, 48))), 2.6))  # fmt: skip
    return behind, "".join(front), level + 2


def draw_snow(rng: np.random.Generator) -> tuple[str, str, float]:
    """Snow: white hills, bare firs far off, falling flakes."""
    level = 212 + rng.uniform(-3, 3)
    behind = []
    for x in (20 + rng.uniform(-14, 14), 62 + rng.uniform(-14, 14), 226 + rng.uniform(-16, 16)):
        top = 118 + rng.uniform(-20, 20)
        behind.append(path(polygon([(x, top), (x - 20, 200), (x + 20, 200)]), css((206, 20, 62)), 0.55))
    hill = [(-30, 192), (60, 182 + rng.uniform(-6, 6)), (160, 190), (290, 182), (290, 290), (-30, 290)]
    behind.append(path(curve(hill), css((214, 34, 93))))
    for _ in range(16):
        behind.append(ellipse((rng.uniform(0, 256), rng.uniform(0, 180)), 2.2, 2.2, "#ffffff", 0.85))
    light = [
        (-30, level + 4),
        (50, level + rng.uniform(-2, 2)),
        (140, level + 3),
        (290, level + 1),
        (290, 300),
        (-30, 300),
    ]
    shade = [(-30, level + 24), (90, level + 18), (200, level + 26), (290, level + 20), (290, 300), (-30, 300)]
    front = path(curve(light), css((210, 30, 97))) + path(curve(shade), css((214, 34, 90)), 0.8)
    return "".join(behind), front, level + 2


def draw_rock(rng: np.random.Generator) -> tuple[str, str, float]:
    """A rock by the sea."""
    level = 208 + rng.uniform(-3, 3)
    sea = (rng.uniform(196, 208), 42, 56)
    behind = f'<rect y="170" width="256" height="90" fill="{css(sea)}"/>'
    for y in (180, 194, 210, 226):
        x = rng.uniform(-20, 40)
        behind += line(f"M{x:.0f} {y}q14 -4 28 0t28 0t28 0t28 0t28 0t28 0t28 0t28 0", css(sea, 14), 2.2, 0.7)
    stone = (rng.uniform(20, 40), 9, 50)
    top = [(30, level + 26), (62, level + 6), (110, level + 1), (168, level + 2), (208, level + 9), (236, level + 34)]
    lit = [*top[1:5], (160, level + 18), (100, level + 17)]
    shaded = [(160, level + 18), *top[4:], (262, 262), (178, 262)]
    front = path(polygon([*top, (262, 262), (4, 262)]), css(stone))
    front += path(polygon(lit), css(stone, 15)) + path(polygon(shaded), css(stone, -11))
    return behind, front, level + 5
