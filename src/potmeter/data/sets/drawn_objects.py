"""Discs, triangles and crosses of any colour on any ground, each with its mask: drawn, without network."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import PIL.Image
import PIL.ImageDraw

from potmeter.data.objects import ObjectData, Scene
from potmeter.data.source_data import ItemGenerator
from potmeter.data.splits import Splits
from potmeter.errors import reject

COUNTS = {"train": 2_000, "valid": 40, "test": 120}
PARTS = tuple(COUNTS)
VERSION = 1
CLASSES = ("disc", "triangle", "cross")
FINE = 4
"""By which a form is drawn larger at first, so that its edge is smooth."""


def draw(part: str, number: int, size: int) -> Scene:
    """A scene of up to three forms, none of which covers more than a little of another."""
    rng = np.random.default_rng([VERSION, PARTS.index(part), number])
    pixels = rng.uniform(0, 255, 3) + rng.normal(0, 8, (size, size, 3))
    masks, labels, places = list[np.ndarray](), list[int](), list[tuple[float, float, float]]()
    for _ in range(int(rng.integers(0 if number % 10 == 0 else 1, 4))):
        label = int(rng.integers(len(CLASSES)))
        radius, turn = rng.uniform(0.14, 0.27) * size, rng.uniform(0, 2 * math.pi)
        x, y = rng.uniform(radius, size - radius, 2)
        if any(math.hypot(x - a, y - b) < 0.85 * (radius + r) for a, b, r in places):
            continue
        own = draw_form(label, x, y, radius, turn, size)
        pixels[own] = rng.uniform(0, 255, 3) + rng.normal(0, 8, (int(own.sum()), 3))
        masks = [*(mask & ~own for mask in masks), own]
        labels.append(label + 1)
        places.append((x, y, radius))
    return Scene.of_things(pixels.clip(0, 255).astype(np.uint8), masks, labels)


def draw_form(label: int, x: float, y: float, radius: float, turn: float, size: int) -> np.ndarray:
    """The pixels (size, size), bool, of a form around a place."""
    canvas = PIL.Image.new("L", (FINE * size, FINE * size))
    pen, middle = PIL.ImageDraw.Draw(canvas), (FINE * x, FINE * y)
    if CLASSES[label] == "disc":
        pen.circle(middle, FINE * radius, fill=255)
    elif CLASSES[label] == "triangle":
        pen.regular_polygon((middle, FINE * radius), 3, rotation=math.degrees(turn), fill=255)
    else:
        for angle in (turn, turn + math.pi / 2):
            dx, dy = FINE * radius * math.cos(angle), FINE * radius * math.sin(angle)
            ends = [(middle[0] - dx, middle[1] - dy), (middle[0] + dx, middle[1] + dy)]
            pen.line(ends, fill=255, width=round(FINE * radius * 0.55))
    return np.asarray(canvas.resize((size, size), PIL.Image.Resampling.BOX)) >= 128


def drawn_objects(size: int = 64) -> Splits:
    """Scenes of up to three discs, triangles and crosses; one in ten or so is empty.

    Args:
        size: Side in pixels.

    Returns:
        Splits of ObjectData: 2,000 train, 40 valid, 120 test.
    """
    size >= 32 or reject("Forms take at least 32 pixels a side.", size)

    def read(part: str) -> ObjectData:
        scenes = ItemGenerator(partial(draw, part, size=size), [VERSION, part, size, CLASSES])
        return ObjectData(scenes, CLASSES, COUNTS[part])

    train, valid, test = map(read, PARTS)
    return Splits(train, valid, test, dataset="drawn-objects")
