"""Photographs' cut-outs pasted on photographed places (Dwibedi et al. 2017, arXiv:1708.01642): the masks are known exactly.

What is in a scene depends on the part and the scene's number only, so that it is the same in every run; it is composed when
it is asked for. The parts share no photograph of a thing and no photographed place.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import PIL.Image
import PIL.ImageFilter

from potmeter.data.file_split import hash_fraction
from potmeter.data.objects import ObjectData, Scene
from potmeter.data.sets.cutout_names import CLASSES, cutout_groups, package_of
from potmeter.data.sets.scenes import mirror, open_stamp, places_of, vary
from potmeter.data.source_data import ItemGenerator
from potmeter.data.splits import Splits
from potmeter.errors import reject

COUNTS = {"train": 20_000, "valid": 100, "test": 500}
PARTS = tuple(COUNTS)
VERSION = 1
"""Of what is composed: part of a data set's fingerprint."""
THINGS = (0.04, 0.2, 0.28, 0.24, 0.16, 0.08)
"""How often a scene is of no thing, of one, of two … before some are left out that would cover others."""
SHARES = (0.14, 0.8)
"""The longer side of a thing as a share of the picture's; the logarithm is uniform."""
ENLARGED = 2.5
"""By which a photograph is enlarged at most: many are small."""
SEEN, LEFT = 0.6, 0.4
"""Shares of a thing that are within the picture, and that others leave to be seen, at least."""
LEAST = 60
"""Pixels of a thing that are seen at least."""
TRIES = 6
"""How often a place is sought for a thing."""


@cache
def stamps_of(part: str) -> dict[str, list[tuple[str, ...]]]:
    """By class the groups of photographs of a part: of each class a fifth, at least two, are to test, a tenth to validate."""
    chosen = {}
    for name, groups in cutout_groups().items():
        ordered = sorted(groups, key=lambda group: hash_fraction(group[0]))
        tested, validated = max(2, len(ordered) // 5), max(1, len(ordered) // 10)
        bounds = {
            "test": (0, tested),
            "valid": (tested, tested + validated),
            "train": (tested + validated, len(ordered)),
        }
        chosen[name] = ordered[slice(*bounds[part])]
    return chosen


def compose(part: str, number: int, size: int) -> Scene:
    """A scene of a part.

    Args:
        part: train, valid or test.
        number: Which of its scenes.
        size: Side in pixels.
    """
    rng = np.random.default_rng([VERSION, PARTS.index(part), number])
    places = places_of(part)
    canvas = cut_square(places[rng.integers(len(places))], rng, size).convert("RGBA")
    stamps = stamps_of(part)
    masks, labels, areas = list[np.ndarray](), list[int](), list[int]()
    for _ in range(rng.choice(len(THINGS), p=THINGS)):
        label = int(rng.integers(len(CLASSES)))
        groups = stamps[CLASSES[label]]
        group = groups[rng.integers(len(groups))]
        path = group[rng.integers(len(group))]
        cutout = vary(scale(mirror(open_stamp(path, package_of(path)), rng), rng, size), rng)
        for _ in range(TRIES):
            left, top = (round(rng.uniform(0.05, 0.95) * size - n / 2) for n in cutout.size)
            own = place_mask(cutout, left, top, size)
            inside = own.sum() >= max(LEAST, SEEN * cutout_area(cutout))
            others = [mask & ~own for mask in masks]
            if inside and all(
                other.sum() >= max(LEAST, LEFT * area) for other, area in zip(others, areas, strict=True)
            ):
                corner = max(0, -left), max(0, -top)
                canvas.alpha_composite(cutout, (max(0, left), max(0, top)), corner)
                masks, labels, areas = [*others, own], [*labels, label + 1], [*areas, int(own.sum())]
                break
    return Scene.of_things(np.array(canvas.convert("RGB")), masks, labels)


def cut_square(photo: PIL.Image.Image, rng: np.random.Generator, size: int) -> PIL.Image.Image:
    """A random square of a photograph, scaled to a size, or its mirror image."""
    side = min(photo.size) * rng.uniform(0.5, 1)
    x, y = (rng.uniform(0, n - side) for n in photo.size)
    square = photo.resize((size, size), PIL.Image.Resampling.BILINEAR, box=(x, y, x + side, y + side))
    return mirror(square, rng)


def scale(cutout: PIL.Image.Image, rng: np.random.Generator, size: int) -> PIL.Image.Image:
    """A cut-out in a size for a picture of this side, its edge softened by up to a pixel."""
    low, high = np.log(SHARES)
    factor = min(ENLARGED, np.exp(rng.uniform(low, high)) * size / max(cutout.size))
    shape = [max(2, round(n * factor)) for n in cutout.size]
    cutout = cutout.resize(shape, PIL.Image.Resampling.BICUBIC)  # weighs colours by alpha
    if (softness := rng.uniform(-0.6, 1)) > 0:
        alpha = cutout.getchannel("A").filter(PIL.ImageFilter.GaussianBlur(softness))
        cutout.putalpha(alpha)
    return cutout


def place_mask(cutout: PIL.Image.Image, left: int, top: int, size: int) -> np.ndarray:
    """The pixels (size, size), bool, that a cut-out covers by half at least, its corner here."""
    whole = np.zeros((size, size), bool)
    alpha = np.asarray(cutout.getchannel("A")) >= 128
    x, y = max(0, left), max(0, top)
    seen = alpha[y - top : size - top, x - left : size - left]
    whole[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
    return whole


def cutout_area(cutout: PIL.Image.Image) -> int:
    """The pixels of a cut-out that are opaque by half at least."""
    return int((np.asarray(cutout.getchannel("A")) >= 128).sum())


def cutouts(size: int = 320) -> Splits:
    """Scenes of up to five things of eight classes before photographed places, one partly before the other.

    Args:
        size: Side in pixels.

    Returns:
        Splits of ObjectData: 20,000 train, 100 valid, 500 test.
    """
    size >= 64 or reject("Cut-outs are pasted on pictures of at least 64 pixels a side.", size)

    def read(part: str) -> ObjectData:
        origin = [VERSION, part, size, sorted(stamps_of(part).items())]
        return ObjectData(ItemGenerator(partial(compose, part, size=size), origin), CLASSES, COUNTS[part])

    train, valid, test = map(read, PARTS)
    return Splits(train, valid, test, dataset="cutouts")
