"""Rendered people before photographed places: part, U and V of each pixel are known exactly.

Every person is a body of random age, build and origin in a random pose, with skin, hair and clothes, in random light, seen by
a random camera: whole, from the hips or the chest up, cut by the edge. A picture depends on its split and its number only, so
that it is the same in every run; it is rendered when it is asked for. No two splits share a body, a pose or a place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import PIL.Image
from scipy.ndimage import gaussian_filter

from potmeter.data.file_split import hash_fraction
from potmeter.data.rasterise import interpolate_corners, interpolate_vertices, rasterise, vertex_normals
from potmeter.data.sets.body_charts import SEGMENTS
from potmeter.data.sets.body_looks import EVEN_LIGHT, GradientLook, Light, Look, draw_light, draw_look
from potmeter.data.sets.body_model import BodyModel, human_body
from potmeter.data.sets.body_poses import draw_pose, rotation, walking_pose
from potmeter.data.sets.cutouts import cut_square
from potmeter.data.sets.photographs import list_free_photographs
from potmeter.data.sets.scenes import shrink
from potmeter.data.source_data import ItemGenerator
from potmeter.data.splits import Splits
from potmeter.data.surfaces import Surface, SurfaceData
from potmeter.errors import reject
from potmeter.media import Image, Video

COUNTS = {"train": 60_000, "valid": 100, "test": 400}
SPLITS = tuple(COUNTS)
VERSION = 2
"""Of the rendering: part of a data set's fingerprint."""
LARGEST = 640
"""Longest side in pixels to which photographs of places are scaled down."""
MIN_AREA = 0.01
"""Smallest share of the picture that a person covers."""
NEAR = 0.05
"""Metres before the camera from which on things are drawn."""
GREY = np.full((3, 1), 1 / 3, np.float32)
MARGIN = 3
"""Pixels around a person that its soft edge reaches."""

Places = Callable[[str], list[PIL.Image.Image]]
"""By split the photographs that people stand before."""


@dataclass(frozen=True)
class Staging:
    """How people are shown.

    Args:
        nobody, two: Probabilities that nobody is in a picture, and that two people are.
        rolled: Probability that a person is turned in the picture by any angle.
        simple: Whether people are painted with ``GradientLook``, in even light, before an ideal camera: then a colour tells the
            place on the body.
        frames: Framings with their probabilities: all of the body that in the rest pose lies above a height, in metres, fills
            a share of the picture's side, drawn between two bounds.
    """

    nobody: float = 0.04
    two: float = 0.2
    rolled: float = 0.07
    simple: bool = False
    frames: tuple[tuple[float, float, tuple[float, float]], ...] = (
        (0.55, -2.0, (0.65, 1.08)),
        (0.25, -0.1, (0.75, 1.25)),
        (0.2, 0.3, (0.75, 1.3)),
    )


@dataclass(frozen=True)
class Person:
    """A body before the camera.

    Args:
        points: float32 (V, 3), column, row and depth of the vertices.
        vertices: float32 (V, 3), in the camera's axes: x to the right, y up, z to the camera.
        look: Skin, hair and clothes.
    """

    points: np.ndarray
    vertices: np.ndarray
    look: Look


@dataclass(frozen=True)
class Render:
    """A body in the pixels of a picture.

    Args:
        mask: bool (H, W), the pixels that show the body.
        colour: float32 (H, W, 3), in [0, 1]; 0 elsewhere.
        part: uint8 (H, W).
        uv: float32 (H, W, 2).
    """

    mask: np.ndarray
    colour: np.ndarray
    part: np.ndarray
    uv: np.ndarray


def draw_shape(rng: np.random.Generator) -> dict[str, tuple[float, ...]]:
    """A random shape: for each of ``FACTORS`` the weights of its levels."""

    def interpolate(x: float) -> tuple[float, float, float]:
        return max(0.0, 1 - 2 * x), 1 - abs(2 * x - 1), max(0.0, 2 * x - 1)

    female = float(np.clip(rng.beta(0.5, 0.5), 0, 1))
    race = rng.dirichlet((0.6, 0.6, 0.6))
    age = rng.uniform(0.25, 1) if rng.random() < 0.85 else rng.uniform(0, 0.3)
    return {
        "race": tuple(race.tolist()), "gender": (female, 1 - female), "age": interpolate(age),
        "muscle": interpolate(float(rng.beta(2, 2))), "weight": interpolate(float(rng.beta(1.6, 1.6))),
    }  # fmt: skip


def draw_person(body: BodyModel, staging: Staging, rng: np.random.Generator, size: int, shift: float) -> Person:
    """A random body before a random camera.

    Args:
        body: The body model.
        staging: How people are shown.
        rng: Random numbers.
        size: Side of the picture in pixels.
        shift: Share of that side by which the person is moved off its middle, at most.
    """
    levels = draw_shape(rng)
    vertices, joints = body.shape(levels)
    vertices = body.pose(vertices, joints, draw_pose(body, rng))
    yaw = rng.normal(0, 35) if rng.random() < 0.45 else rng.uniform(-180, 180)
    roll = rng.normal(0, 6) if rng.random() < 1 - staging.rolled else rng.uniform(-180, 180)
    turn = rotation((0, 0, 1), math.radians(roll)) @ rotation((1, 0, 0), math.radians(rng.normal(3, 11)))
    turn = turn @ rotation((0, 1, 0), math.radians(yaw))
    vertices = (vertices @ turn.T).astype(np.float32)
    _, lowest, fill = staging.frames[rng.choice(len(staging.frames), p=[share for share, _, _ in staging.frames])]
    framed = vertices[body.template[:, 1] > lowest]
    scale, middle = rng.uniform(*fill), rng.normal(0, 0.05, 2) + rng.uniform(-shift, shift, 2) * (1, 0.3)
    points = project(vertices, framed, rng.uniform(1.8, 7), size, scale, (0.5 + middle) * size)
    look = draw_look(rng, levels["gender"][0])
    return Person(points, vertices, GradientLook(**vars(look)) if staging.simple else look)


def project(
    vertices: np.ndarray, framed: np.ndarray, distance: float, size: int, fill: float, middle: np.ndarray
) -> np.ndarray:
    """Perspective projection: column, row and depth (V, 3) of vertices.

    Args:
        vertices: (V, 3) in the camera's axes.
        framed: Those of them that the camera is set up for.
        distance: From the camera to their middle, in metres.
        size: Side of the picture in pixels.
        fill: Share of that side that the longer side of their bounding box fills.
        middle: Column and row of their middle.
    """
    low, high = framed.min(0), framed.max(0)
    centre = (low + high) / 2
    moved = vertices - centre
    depth = np.maximum(distance - moved[:, 2], 0)
    focal = fill * size / max(high[0] - low[0], high[1] - low[1]) * distance
    safe = np.maximum(depth, NEAR)
    x, y = middle[0] + focal * moved[:, 0] / safe, middle[1] - focal * moved[:, 1] / safe
    return np.stack([x, y, np.where(depth > NEAR, depth, 0)], 1).astype(np.float32)


def render(body: BodyModel, person: Person, light: Light, height: int, width: int) -> Render:
    """Render a person: the pixels, and part, U and V of each."""
    faces = body.faces
    drawn = np.where(np.isin(body.layers, person.look.layers))[0]
    triangles, barycentric, _ = rasterise(person.points, faces[drawn], height, width)
    mask = triangles >= 0
    seen, share = drawn[triangles[mask]], barycentric[mask]
    part, uv = body.charts.parts[seen], interpolate_corners(body.charts.uv, seen, share)
    place = interpolate_vertices(body.template, faces, seen, share)
    normal = interpolate_vertices(vertex_normals(person.vertices, faces), faces, seen, share)
    paint = person.look.paint(place, np.array(SEGMENTS)[part], uv, body.layers[seen])
    colours, parts = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.uint8)
    coordinates = np.zeros((height, width, 2), np.float32)
    colours[mask], parts[mask], coordinates[mask] = light.shade(paint, normal, place), part, uv
    return Render(mask, colours, parts, coordinates)


def composite(canvas: np.ndarray, own: Render, softness: float) -> np.ndarray:
    """A picture float (H, W, 3), which is changed, with a person before it, the edge blurred by ``softness`` pixels."""
    if not own.mask.any():
        return canvas
    rows, columns = (np.where(own.mask.any(side))[0] for side in (1, 0))
    near = slice(max(rows[0] - MARGIN, 0), rows[-1] + MARGIN), slice(max(columns[0] - MARGIN, 0), columns[-1] + MARGIN)
    mask = own.mask[near].astype(np.float32)[..., None]
    blurred = gaussian_filter(np.concatenate([own.colour[near] * mask, mask], 2), (softness, softness, 0), truncate=2.5)
    alpha = blurred[..., 3:]
    colour = np.where(mask > 0, own.colour[near], blurred[..., :3] / np.maximum(alpha, 1e-4))
    canvas[near] = canvas[near] * (1 - alpha) + colour * alpha
    return canvas


def develop(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photograph uint8 (H, W, 3) of a scene float (H, W, 3): exposure, white balance, saturation, blur and noise."""
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.75, 1.3) * rng.uniform(0.8, 1.15)
    levels = levels * (1 + rng.normal(0, 0.04, 3))
    whole = (255 * canvas.clip(0, 1)).astype(np.uint8)
    canvas = np.stack([levels[:, channel].astype(np.float32).take(whole[..., channel]) for channel in range(3)], 2)
    saturation = np.float32(rng.uniform(0.5, 1.3) if rng.random() < 0.9 else 0)
    canvas = saturation * canvas + (1 - saturation) * canvas @ GREY
    if rng.random() < 0.25:
        blur = rng.uniform(0.3, 1.0)
        canvas = gaussian_filter(canvas, (blur, blur, 0), truncate=2.5)
    canvas = canvas + np.float32(rng.uniform(0, 0.03)) * rng.standard_normal(canvas.shape, np.float32)
    return (255 * canvas.clip(0, 1) + 0.5).astype(np.uint8)


def compose(
    split: str, number: int, size: int, model: Callable[[], BodyModel], places: Places, staging: Staging
) -> Surface:  # fmt: skip
    """A picture of a split.

    Args:
        split: train, valid or test.
        number: Its index in the split.
        size: Side in pixels.
        model: Returns the body model.
        places: Returns the photographs that people of a split stand before.
        staging: How people are shown.
    """
    rng = np.random.default_rng([VERSION, SPLITS.index(split), number])
    photos = places(split)
    canvas = np.asarray(cut_square(photos[rng.integers(len(photos))], rng, size), np.float32) / 255
    kind = rng.random()
    people = 0 if kind < staging.nobody else 2 if kind < staging.nobody + staging.two else 1
    person, part = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
    uv = np.zeros((size, size, 2), np.float32)
    light, softness = EVEN_LIGHT if staging.simple else draw_light(rng), rng.uniform(0.4, 0.9)
    count, body = 0, model()
    for _ in range(people):
        own = render(body, draw_person(body, staging, rng, size, 0.3 if people > 1 else 0.06), light, size, size)
        left = [(person == other) & ~own.mask for other in range(1, count + 1)]
        if own.mask.sum() < MIN_AREA * size**2 or any(other.sum() < MIN_AREA * size**2 for other in left):
            continue  # nobody is hidden by another person, or nearly
        count += 1
        canvas = composite(canvas, own, softness)
        person[own.mask], part[own.mask], uv[own.mask] = count, own.part[own.mask], own.uv[own.mask]
    photo = (255 * canvas.clip(0, 1)).round().astype(np.uint8) if staging.simple else develop(canvas, rng)
    return Surface(photo, person, np.array(SEGMENTS, np.uint8)[part], part, uv)


@cache
def free_places(split: str) -> list[PIL.Image.Image]:
    """GCompris' photographs of landscapes, buildings and animals, in the public domain or CC0, that belong to a split."""
    bounds = {"test": (0, 0.2), "valid": (0.2, 0.3), "train": (0.3, 1)}[split]
    files = list_free_photographs()
    names = [name for name in files if bounds[0] <= hash_fraction(name) < bounds[1]]
    return [shrink(Image.decode(files[name], name).pil().convert("RGB"), LARGEST) for name in names]


def bodies(size: int = 256) -> Splits:
    """Rendered people before photographed places.

    Args:
        size: Side in pixels.

    Returns:
        Splits of SurfaceData: 60,000 train, 100 valid, 400 test.
    """
    size >= 32 or reject("People are rendered in pictures of at least 32 pixels a side.", size)

    def read(split: str) -> SurfaceData:
        generate = partial(compose, split, size=size, model=human_body, places=free_places, staging=Staging())
        return SurfaceData(ItemGenerator(generate, ["bodies", VERSION, split, size]), COUNTS[split])

    train, valid, test = map(read, SPLITS)
    return Splits(train, valid, test, dataset="bodies")


def walking_person(frames: int = 24, size: int = 256) -> Video:
    """A body of no split walks on the spot before a place for testing, and turns to both sides.

    Args:
        frames: Number of frames, in which it makes four steps.
        size: Side in pixels.
    """
    rng, body = np.random.default_rng([VERSION, len(SPLITS)]), human_body()
    levels = {
        "race": (0.2, 0.3, 0.5), "gender": (0.7, 0.3), "age": (0.0, 0.8, 0.2), "muscle": (0.0, 0.8, 0.2),
        "weight": (0.0, 1.0, 0.0),
    }  # fmt: skip
    look, light = draw_look(rng, 0.7), draw_light(rng)
    photos = free_places("test")
    place = np.asarray(cut_square(photos[rng.integers(len(photos))], rng, size), np.float32) / 255
    vertices, joints = body.shape(levels)
    pictures = []
    for frame in range(frames):
        phase = frame / frames
        turn = rotation((0, 1, 0), math.radians(60) * math.sin(2 * math.pi * phase))
        posed = (body.pose(vertices, joints, walking_pose(body, 2 * phase % 1)) @ turn.T).astype(np.float32)
        points = project(posed, vertices, 3.5, size, 0.85, np.array([0.5, 0.52]) * size)
        own = render(body, Person(points, posed, look), light, size, size)
        pictures.append((255 * composite(place.copy(), own, 0.7).clip(0, 1)).round().astype(np.uint8))
    return Video(np.stack(pictures), fps=12)
