"""Two drawn people, who are told apart by shape and colours, in many poses and expressions: generated, without network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw

from potmeter.data.face_crops import MARGIN, alignment, apply_affine, face_data
from potmeter.data.head_views import turn_points
from potmeter.data.splits import Splits, TensorData

COUNTS = {"train": 300, "valid": 40, "test": 60}
"""Pictures of each person."""
SIZE = 64
"""Side of the pictures in pixels."""
FINE = 4
"""They are drawn so many times as large, and reduced."""


@dataclass(frozen=True)
class Person:
    """What a person is drawn with; lengths are in eye distances, colours in RGB."""

    jaw: float
    chin: float
    brow: float
    eye: float
    mouth: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    iris: tuple[int, int, int]
    lips: tuple[int, int, int]


PERSONS = {
    "Ash": Person(1.15, 1.15, 0.14, 0.26, 0.5, (190, 130, 95), (40, 28, 22), (60, 40, 20), (150, 70, 65)),
    "Bea": Person(0.92, 0.98, 0.06, 0.33, 0.4, (240, 205, 180), (190, 120, 40), (60, 110, 160), (205, 80, 95)),
}


def drawn_people() -> Splits:
    """Splits of ``face_data`` of both, 64 pixels a side."""
    parts = {}
    for number, (part, count) in enumerate(COUNTS.items()):
        parts[part] = draw_people(count, seed=number)
    return Splits(**parts, dataset="drawn-people")


def draw_people(count: int, seed: int) -> TensorData:
    """So many pictures of each person."""
    rng = np.random.default_rng([1, seed])
    drawn = [draw_person(person, rng) for person in PERSONS.values() for _ in range(count)]
    pixels, landmarks = (np.stack(part) for part in zip(*drawn, strict=True))
    labels = [label for label in range(len(PERSONS)) for _ in range(count)]
    return face_data(pixels, landmarks, labels, tuple(PERSONS))


def draw_person(person: Person, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture uint8 (64, 64, 3), and its landmarks as shares of the side."""
    smile, gape, lift, lid = rng.uniform((-0.15, 0, -0.06, 0.25), (0.2, 0.4, 0.1, 1))
    points = face_points(person, smile, gape, lift, lid)
    yaw, pitch = rng.uniform(-0.35, 0.35), rng.uniform(-0.2, 0.2)
    top = np.stack([1.25 * np.cos(a := np.linspace(np.pi, 2 * np.pi, 9)), 1.3 * np.sin(a)], 1) * (person.jaw, 1)
    turned = turn_points(points, np.concatenate([points, top]), yaw, pitch)
    matrix = alignment(turned[:68], FINE * SIZE, MARGIN)
    places = apply_affine(matrix, turned)
    light = rng.uniform(0.75, 1.1) * (1 + 0.06 * rng.uniform(-1, 1) * np.array([1, 0, -1]))
    ground = rng.integers(60, 200, 3)
    fine = draw_face(person, places[:68], places[68:], ground, light)
    return np.array(fine.reduce(FINE)), places[:68] / (FINE * SIZE)


def face_points(person: Person, smile: float, gape: float, lift: float, lid: float) -> np.ndarray:
    """The landmarks (68, 2) seen from the front, in eye distances, y downwards from the line of the eyes."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([person.jaw * np.cos(angles), 0.1 + (0.75 + person.chin) * np.sin(angles) ** 0.8], 1)
    line = np.linspace(-1, 1, 5)
    brows = [np.stack([side * 0.5 + 0.32 * line, -0.33 - lift - 0.06 * (1 - line**2)], 1) for side in (-1, 1)]
    bridge = np.stack([np.zeros(4), np.linspace(0.05, 0.55, 4)], 1)
    nostrils = np.stack([0.18 * line, 0.68 + 0.05 * (1 - line**2)], 1)
    around = np.pi + 2 * np.pi * np.arange(6) / 6
    half = np.array([0.22, person.eye * 0.5 * lid])
    eyes = [np.stack([np.cos(around), np.sin(around)], 1) * half + (side * 0.5, 0) for side in (-1, 1)]
    outer, inner = (np.pi + 2 * np.pi * np.arange(n) / n for n in (12, 8))
    rings = [(outer, person.mouth, 0.1 + gape / 2), (inner, 0.8 * person.mouth, 0.02 + gape / 2)]
    mouth = [np.stack([w * np.cos(a), 1.1 + h * np.sin(a) - smile * np.cos(a) ** 2], 1) for a, w, h in rings]
    return np.concatenate([jaw, *brows, bridge, nostrils, *eyes, *mouth])


def draw_face(
    person: Person, points: np.ndarray, top: np.ndarray, ground: np.ndarray, light: np.ndarray
) -> PIL.Image.Image:
    """A face over its landmarks and the arc of its hair, in pixels."""

    def lit(colour: Sequence[int] | np.ndarray, share: float = 1.0) -> tuple[int, ...]:
        return tuple(int(value) for value in (np.array(colour) * light * share).clip(0, 255))

    picture = PIL.Image.new("RGB", (FINE * SIZE, FINE * SIZE), tuple(int(value) for value in ground))
    draw, unit = PIL.ImageDraw.Draw(picture), float(np.linalg.norm(points[36] - points[45])) / 1.4
    corners = lambda part: [tuple(point) for point in part]
    middle = points[27]
    draw.polygon(corners((top - middle) * 1.12 + middle), fill=lit(person.hair))
    forehead = (top[1:-1] - middle) * 0.8 + middle
    draw.polygon(corners(np.concatenate([points[:17], forehead[::-1]])), fill=lit(person.skin))
    draw.line(corners(points[27:31]), fill=lit(person.skin, 0.8), width=max(1, round(0.06 * unit)))
    draw.line(corners(points[31:36]), fill=lit(person.skin, 0.7), width=max(1, round(0.06 * unit)))
    for brow in (points[17:22], points[22:27]):
        draw.line(corners(brow), fill=lit(person.hair), width=max(1, round(person.brow * unit)))
    for eye in (points[36:42], points[42:48]):
        draw.polygon(corners(eye), fill=lit((245, 245, 245)))
        (x, y), radius = eye.mean(0), min(0.12 * unit, np.ptp(eye[:, 1]) / 2)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=lit(person.iris))
    draw.polygon(corners(points[48:60]), fill=lit(person.lips))
    draw.polygon(corners(points[60:68]), fill=lit((60, 15, 20)))
    return picture
