"""Scenes with captions: photographs' cut-outs laid over photographed places, and, to try things out, drawn shapes.

What is in a scene, where it stands, and its captions are drawn from random numbers that depend on the part and the scene's
number only, so that a scene is the same in every run; its picture is composed when it is asked for. The parts share no
photograph of a thing and no photographed place, and in each test scene of several things are two kinds that stand together
in no other part.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageEnhance
import torch
from torch import Tensor

from potmeter.data.captions import CaptionData
from potmeter.data.fetching.fetch import fetch
from potmeter.data.file_split import hash_fraction
from potmeter.data.fingerprint import digest
from potmeter.data.formats.rcc import read_rcc
from potmeter.data.sets.gcompris import read_animal_photos
from potmeter.data.sets.scene_grammar import LANGUAGES, Thing, write_captions
from potmeter.data.sets.scene_kinds import CLASSES, KINDS, WHOLE, Kind, Stamp
from potmeter.data.splits import Splits

COUNTS = {"train": 4_000, "valid": 300, "test": 1_000}
"""Scenes in each part."""
PARTS = tuple(COUNTS)
VERSION = 1
"""Of what is drawn: part of a data set's fingerprint."""
LAYOUTS = {"single": 0.3, "beside": 0.35, "above": 0.1, "behind": 0.15, "row": 0.1}
"""How often things stand so."""
WHOLE_SHARE = 0.08
"""How many of the scenes for training are whole photographs of an animal."""
PLACES = "usr/share/gcompris-qt/rcc/explore_monuments.rcc"
STAMPS = "usr/share/tuxpaint/stamps"
LARGEST = 280
"""Longest side in pixels to which stamps and places are brought down once, since scenes are small."""

Box = tuple[float, float, float]
"""Where something stands: the middle, and the longer side, as shares of the picture's side."""


@dataclass(frozen=True)
class Scene:
    """What a scene shows."""

    layout: str
    things: tuple[Thing, ...]
    stamps: tuple[tuple[Stamp, ...], ...]
    """Of each thing, the photograph of each one."""
    boxes: tuple[tuple[Box, ...], ...]
    """Where each of them stands."""
    seed: int
    """Of the place and of how the photographs are varied."""
    photo: str = ""
    """The photograph of an animal where it lives that the scene is, instead of what is composed."""


# What is in a scene -------------------------------------------------------------------------------------------------


def draw_scene(rng: np.random.Generator, stamps: dict[Kind, list[Stamp]], tested: bool | None = None) -> Scene:
    """A scene of these photographs; ``tested``: whether its pairs of kinds are those for testing (None = any)."""
    layout = str(rng.choice(list(LAYOUTS), p=list(LAYOUTS.values())))
    counts = {"single": (int(rng.integers(1, 4)),), "row": (1, 1, 1)}.get(layout, (1, 1))
    if layout == "beside" and rng.random() < 0.35:
        counts = (2, 1) if rng.random() < 0.5 else (1, 2)
    kinds = draw_kinds(rng, list(stamps), len(counts), tested)
    things, chosen = [], []
    for kind, count in zip(kinds, counts, strict=True):
        first = stamps[kind][rng.integers(len(stamps[kind]))]
        alike = [stamp for stamp in stamps[kind] if stamp.colour == first.colour]
        chosen.append((first, *(alike[rng.integers(len(alike))] for _ in range(count - 1))))
        things.append(Thing(kind, count, first.colour))
    boxes = place(rng, layout, counts)
    return Scene(layout, tuple(things), tuple(chosen), boxes, int(rng.integers(2**31)))


def draw_kinds(rng: np.random.Generator, kinds: list[Kind], count: int, tested: bool | None) -> list[Kind]:
    """Different kinds, of which a pair is one for testing, or none is."""
    while True:
        drawn = [kinds[i] for i in rng.choice(len(kinds), count, replace=False)]
        pairs = [is_tested_pair(a.english, b.english) for a, b in itertools.combinations(drawn, 2)]
        if tested is None or not pairs or any(pairs) == tested:
            return drawn


@cache
def is_tested_pair(a: str, b: str) -> bool:
    """Whether two kinds stand together in test scenes only.

    Example:
        >>> is_tested_pair("lion", "tree") == is_tested_pair("tree", "lion")
        True
    """
    return hash_fraction(" and ".join(sorted((a, b)))) < 0.15


def place(rng: np.random.Generator, layout: str, counts: tuple[int, ...]) -> tuple[tuple[Box, ...], ...]:
    """Where everything stands."""

    def near(x: float, y: float, low: float, high: float, jitter: float = 0.04) -> Box:
        return x + rng.uniform(-jitter, jitter), y + rng.uniform(-2 * jitter, 2 * jitter), rng.uniform(low, high)

    if layout == "above":
        return ((near(0.5, 0.25, 0.38, 0.5, 0.04),), (near(0.5, 0.75, 0.38, 0.5, 0.04),))
    if layout == "behind":
        hinder = near(0.5, 0.44, 0.7, 0.95, 0.04)
        side = 0.5 + float(rng.choice([-1, 1])) * rng.uniform(0.08, 0.22)
        return ((hinder,), (near(side, 0.74, 0.36, 0.48, 0.03),))
    total = sum(counts)
    if total == 1:
        return ((near(0.5, 0.5, 0.5, 0.95, 0.08),),)
    step = {2: 0.48, 3: 0.32}[total]
    low, high = {2: (0.4, 0.5), 3: (0.28, 0.34)}[total]
    row = iter([near(0.5 + step * (i - (total - 1) / 2), 0.5, low, high) for i in range(total)])
    return tuple(tuple(next(row) for _ in range(count)) for count in counts)


# The photographs and places of each part ----------------------------------------------------------------------------


def stamps_of(part: str) -> dict[Kind, list[Stamp]]:
    """The photographs of the things in a part: of two and more groups of a kind one is for testing, of ten two and so on.

    Of four and more one is for validation, in which the other kinds do not occur. Kinds of one photograph are trained on
    only.
    """
    chosen: dict[Kind, list[Stamp]] = {}
    for kind in KINDS:
        groups = sorted(kind.groups, key=lambda group: hash_fraction(group[0].path))
        tested = 0 if len(groups) == 1 else max(1, len(groups) // 5)
        validated = 1 if len(groups) >= 4 else 0
        bounds = {
            "test": (0, tested),
            "valid": (tested, tested + validated),
            "train": (tested + validated, len(groups)),
        }
        if of_part := groups[slice(*bounds[part])]:
            chosen[kind] = [stamp for group in of_part for stamp in group]
    return chosen


@cache
def places_of(part: str) -> list[PIL.Image.Image]:
    """The photographed places of a part: GCompris' monuments."""
    files = read_rcc(fetch("monuments") / PLACES)
    names = sorted(name for name in files if name.endswith(".webp"))
    of_part = [name for name in names if place_part(Path(name).stem) == part]
    return [shrink(PIL.Image.open(io.BytesIO(files[name])).convert("RGB"), 2 * LARGEST) for name in of_part]


def place_part(name: str) -> str:
    """The part that a place belongs to."""
    at = hash_fraction(name)
    return "test" if at < 0.2 else "valid" if at < 0.3 else "train"


@cache
def open_stamp(path: str, package: str = "stamps") -> PIL.Image.Image:
    """A stamp, cut to what is visible, from the data package that holds it."""
    with PIL.Image.open(fetch(package) / STAMPS / f"{path}.png") as file:
        cutout = file.convert("RGBA")
    return shrink(cutout.crop(cutout.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox()), LARGEST)


@cache
def open_animal(name: str) -> PIL.Image.Image:
    """One of GCompris' photographs of animals."""
    picture = PIL.Image.open(io.BytesIO(read_animal_photos()[name])).convert("RGB")
    return shrink(picture, 3 * LARGEST)


def shrink(picture: PIL.Image.Image, side: int) -> PIL.Image.Image:
    """The picture with its longer side at most so long."""
    scale = min(1.0, side / max(picture.size))
    return picture.resize([max(1, round(n * scale)) for n in picture.size], PIL.Image.Resampling.LANCZOS)


# Pictures -----------------------------------------------------------------------------------------------------------


def compose_scene(scene: Scene, size: int, part: str) -> PIL.Image.Image:
    """The picture of a scene: its things, varied in light, tilt and side, before a place."""
    rng = np.random.default_rng(scene.seed)
    places = places_of(part)
    photo = open_animal(scene.photo) if scene.photo else places[rng.integers(len(places))]
    side = min(photo.size) * (rng.uniform(0.85, 1) if scene.photo else rng.uniform(0.5, 1))
    x, y = (rng.uniform(0, n - side) for n in photo.size)
    canvas = photo.resize((size, size), PIL.Image.Resampling.BICUBIC, box=(x, y, x + side, y + side))
    canvas = mirror(canvas, rng).convert("RGBA")
    for stamps, boxes in zip(scene.stamps, scene.boxes, strict=True):
        for stamp, (middle_x, middle_y, share) in zip(stamps, boxes, strict=True):
            cutout = vary(mirror(open_stamp(stamp.path), rng), rng)
            scale = share * size / max(cutout.size)
            # Pillow weighs colours by alpha here, so that invisible ones do not bleed into the edge
            cutout = cutout.resize([max(1, round(n * scale)) for n in cutout.size], PIL.Image.Resampling.BICUBIC)
            left, top = (
                round(min(max(middle * size - n / 2, 0), size - n))
                for middle, n in zip((middle_x, middle_y), cutout.size, strict=True)
            )
            canvas.alpha_composite(cutout, (max(left, 0), max(top, 0)))
    return canvas.convert("RGB")


def mirror(picture: PIL.Image.Image, rng: np.random.Generator) -> PIL.Image.Image:
    """The picture, or its mirror image."""
    return picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else picture


def vary(cutout: PIL.Image.Image, rng: np.random.Generator) -> PIL.Image.Image:
    """A cut-out in other light, and a little tilted."""
    alpha = cutout.getchannel("A")
    for enhance in (PIL.ImageEnhance.Brightness, PIL.ImageEnhance.Contrast, PIL.ImageEnhance.Color):
        cutout = enhance(cutout).enhance(rng.uniform(0.8, 1.2))
    cutout.putalpha(alpha)
    tilted = cutout.rotate(rng.uniform(-10, 10), PIL.Image.Resampling.BICUBIC, expand=True)
    return tilted.crop(tilted.getchannel("A").getbbox())


class ScenePictures:
    """The pictures of scenes, composed when asked for.

    Args:
        scenes: What they show.
        size: Side in pixels.
        part: Whose places they stand before; None = drawn shapes on a plain ground.
    """

    def __init__(self, scenes: Sequence[Scene], size: int, part: str | None) -> None:
        self.scenes, self.size, self.part = scenes, size, part

    def read(self, i: int) -> Tensor:
        """One picture, uint8 (3, size, size)."""
        scene = self.scenes[i]
        picture = draw_shapes(scene, self.size) if self.part is None else compose_scene(scene, self.size, self.part)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1)

    def fingerprint(self) -> str:
        """A digest of all that decides how they look."""
        return digest([VERSION, self.size, self.part, repr(self.scenes)])


def caption_data(scenes: Sequence[Scene], size: int, part: str | None) -> CaptionData:
    """Scenes with their pictures, captions, and the names of what they show."""
    captions = [write_captions(scene.layout, scene.things) for scene in scenes]
    if part is None:  # fewer patterns, which a tiny network learns sooner
        captions = [{language: texts[:2] for language, texts in some.items()} for some in captions]
    objects = [
        [{language: thing.forms(language) for language in LANGUAGES} for thing in scene.things] for scene in scenes
    ]
    return CaptionData(ScenePictures(scenes, size, part), captions, objects, class_words=class_words())


def class_words() -> dict[str, tuple[str, ...]]:
    """Of each kind's words, in both languages, the names of ImageNet's classes."""
    kinds = [kind for kind in KINDS if kind.english in CLASSES]
    return {word: CLASSES[kind.english] for kind in kinds for language in LANGUAGES for word in kind.forms(language)}


def draw_part(part: str, count: int, stamps: dict[Kind, list[Stamp]]) -> list[Scene]:
    """The first scenes of a part."""
    rngs = (np.random.default_rng([VERSION, PARTS.index(part), number]) for number in range(count))
    share = WHOLE_SHARE if part == "train" else 0.0
    return [draw_whole(rng) if rng.random() < share else draw_scene(rng, stamps, part == "test") for rng in rngs]


def draw_whole(rng: np.random.Generator) -> Scene:
    """A scene that is the photograph of an animal where it lives."""
    kinds = [kind for kind in KINDS if kind.english in WHOLE]
    kind = kinds[rng.integers(len(kinds))]
    photos = WHOLE[kind.english]
    photo = photos[rng.integers(len(photos))]
    return Scene("single", (Thing(kind),), (), (), int(rng.integers(2**31)), photo)


def scenes(size: int = 288) -> Splits:
    """Scenes of one to three things before photographed places, with five English and five Hungarian captions each.

    Args:
        size: Side in pixels.

    Returns:
        Splits of CaptionData: 4,000 train, 300 valid, 1,000 test.
    """
    parts = [caption_data(draw_part(part, COUNTS[part], stamps_of(part)), size, part) for part in PARTS]
    train, valid, test = parts
    return Splits(train, valid, test, dataset="scenes")


# Drawn shapes, without network --------------------------------------------------------------------------------------

SHAPE_COUNTS = {"train": 1_500, "valid": 50, "test": 100}
RGB = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 230),
    "yellow": (240, 210, 40),
    "purple": (140, 50, 170),
}
SHAPES = {
    Kind("circle", "circles", "kör", "körtől", ()): 0,
    Kind("triangle", "triangles", "háromszög", "háromszögtől", ()): 3,
    Kind("square", "squares", "négyzet", "négyzettől", ()): 4,
}
"""Kinds of shapes, and how many corners they have."""


def shape_scenes(size: int = 48) -> Splits:
    """Scenes of one to three kinds of circles, triangles and squares in five colours: drawn, without network.

    In the test scenes two things stand or more, in pairs of shape and colour that are in no other part.
    """
    parts = []
    for part in PARTS:
        stamps = {kind: [Stamp(kind.english, colour) for colour in RGB] for kind in SHAPES}
        drawn: list[Scene] = []
        for number in itertools.count():
            scene = draw_scene(np.random.default_rng([VERSION, 9 + PARTS.index(part), number]), stamps)
            names = [f"{thing.colour} {thing.kind.english}" for thing in scene.things]
            pairs = [is_tested_pair(a, b) for a, b in itertools.combinations(names, 2)]
            if scene.layout != "behind" and (bool(pairs) and all(pairs) if part == "test" else not any(pairs)):
                drawn.append(scene)
            if len(drawn) == SHAPE_COUNTS[part]:
                break
        parts.append(caption_data(drawn, size, None))
    train, valid, test = parts
    return Splits(train, valid, test, dataset="drawn-scenes")


def draw_shapes(scene: Scene, size: int) -> PIL.Image.Image:
    """The picture of a scene of shapes."""
    rng, fine = np.random.default_rng(scene.seed), 4 * size
    canvas = PIL.Image.new("RGB", (fine, fine), tuple(int(c) for c in rng.integers(256, size=3)))
    draw = PIL.ImageDraw.Draw(canvas)
    for thing, boxes in zip(scene.things, scene.boxes, strict=True):
        corners, colour = SHAPES[thing.kind], RGB[str(thing.colour)]
        for x, y, share in boxes:
            middle, radius = (fine * x, fine * y), share * fine / 2
            if corners:
                draw.regular_polygon((middle, radius), corners, fill=colour, outline="white")
            else:
                draw.circle(middle, radius, fill=colour, outline="white")
    return canvas.resize((size, size), PIL.Image.Resampling.BOX)
