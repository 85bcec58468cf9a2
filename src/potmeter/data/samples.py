"""Example inputs by name, for ``examples()``, documentation and tests. Most need no network."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from potmeter.data.sets.records import DATA_SETS
from potmeter.data.sets.wheel_photos import PHOTOS, wheel_photo_path
from potmeter.errors import reject
from potmeter.media import Audio, Image

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from potmeter.data.sounds import SoundData
    from potmeter.data.splits import TensorData

NUMBERED = {record.name: record.test_pictures for record in DATA_SETS.values() if record.test_pictures}
"""Sets whose test pictures are numbered from 0, with their size: ``mnist-3``, ``fashion-12``, ``imagenet-7``, ``orl-0``."""

SOUNDS = tuple(record.name for record in DATA_SETS.values() if record.kind == "sounds")
"""Sets whose test sounds are had by their names: ``prompts-tt-monkeysintro``, ``vowels-46``."""

FACES = 2000
"""Drawn faces for testing."""

DRAWN = 600
"""Drawn people of styles that are not trained on."""

PEOPLE = (1, 2, 4, 5, 6, 7, 8, 9, 10)
"""Those of openpeople's generated people who are shown."""

GENERATED = {"person": "studio_portrait", "outdoors": "amateur_posture"}
"""Photographs of each: the face, and the whole person out of doors."""

WILD = {
    "crab": "erase/crab",
    "koala": "explore_world_animals/koala",
    "panda": "explore_world_animals/panda",
    "sheep": "explore_farm_animals/sheep",
}
"""Photos of GCompris, in the public domain or CC0."""


def sample(name: str) -> Image:
    """A named picture.

    Args:
        name: One of ``PHOTOS``; ``digit-0`` … ``digit-9`` (scikit-learn's, from the part that is not trained on); and,
            fetched on first use, those of ``WILD`` and the numbers of ``NUMBERED``; ``face-0`` … ``face-1999``, the drawn
            faces that are for testing, and ``drawn-0`` … ``drawn-599``, people in three styles, in turns, that nothing was
            trained on (both with the extra ``faces``); ``person-1`` … and ``outdoors-1`` …, generated photographs of people who
            do not exist, the face and the whole person.

    Raises:
        UserError: for an unknown name, or when a picture must be fetched and cannot.

    Example:
        >>> sample("cat").size
        (451, 300)
    """
    kind, _, number = name.partition("-")
    if name in PHOTOS:
        return Image.open(wheel_photo_path(PHOTOS[name]))
    if name in WILD:
        from potmeter.data.sets.gcompris import read_animal_photos

        return Image.decode(read_animal_photos()[WILD[name]], name)
    count = int(number) if number.isdecimal() and number.isascii() and len(number) < 9 else -1
    if kind == "face" and 0 <= count < FACES:
        return face(count)
    if kind == "drawn" and 0 <= count < DRAWN:
        return drawn_person(count)
    if kind in GENERATED and count in PEOPLE:
        return person(count, GENERATED[kind])
    if kind == "digit" and number in tuple("0123456789"):
        return digit(int(number))
    if kind in NUMBERED and 0 <= count < NUMBERED[kind]:
        return test_picture(kind, count)
    known = ", ".join(
        [
            *PHOTOS,
            *WILD,
            "digit-0 … digit-9",
            "face-0 … face-1999",
            f"drawn-0 … drawn-{DRAWN - 1}",
            *(f"{kind}-{n}" for kind in GENERATED for n in PEOPLE),
            *(f"{kind}-0 … {kind}-{n - 1}" for kind, n in NUMBERED.items()),
        ]
    )
    reject(f"No sample has this name; there are {known}.", name)


FIRST_OF_EACH = (3, 2, 1, 18, 4, 8, 11, 0, 61, 7)
"""Where in MNIST's test pictures a 0, a 1 … a 9 stands for the first time."""


def one_of_each_digit(kind: Literal["mnist", "digit"]) -> list[Image]:
    """A 0, a 1 … a 9: the first ones of a collection's test part."""
    return [sample(f"{kind}-{n}") for n in (FIRST_OF_EACH if kind == "mnist" else range(10))]


def digit(label: int) -> Image:
    """The first of scikit-learn's test digits with this label."""
    from potmeter.data.sets.mnist import sklearn_digits

    test = sklearn_digits().test
    return Image.from_tensor(test[test.tensors["label"].tolist().index(label)]["image"])


def face(number: int) -> Image:
    """A drawn test face."""
    from potmeter.data.sets.faces import COUNTS

    return Image(face_renderer()(COUNTS["train"] + COUNTS["valid"] + number))


@cache
def face_renderer() -> Callable[[int], np.ndarray]:
    """What draws faces; kept, since reading the style takes longer than drawing."""
    from potmeter.data.sets.faces import renderer

    return renderer(64)


def drawn_person(number: int) -> Image:
    """A person drawn in one of the styles that are held out for testing, in turns."""
    from potmeter.data.sets.avatars import HELD_OUT

    styles = HELD_OUT["test"]
    return Image(person_renderer()(styles[number % len(styles)], number // len(styles))[..., :3].copy())


@cache
def person_renderer() -> Callable[[str, int], np.ndarray]:
    """What draws people; kept, since reading a style takes longer than drawing."""
    from potmeter.data.sets.avatars import renderer

    return renderer()


def person(number: int, photograph: str) -> Image:
    """A generated photograph, one of ``GENERATED``, of a person who does not exist."""
    from potmeter.data.fetching.fetch import fetch

    folder = fetch("openpeople") / "openpeople" / "data" / "curated" / f"P{number:03}" / "assets"
    return Image.open(folder / f"{photograph}.jpg")


def test_picture(kind: str, number: int) -> Image:
    """A picture of a fetched set, by its number in the official order."""
    return Image.from_tensor(test_split(kind)[number]["image"])


@cache
def test_split(kind: str) -> TensorData:
    """The test part of a fetched set; kept, since reading MNIST takes seconds."""
    test: TensorData = DATA_SETS[kind].read().test
    return test


def sample_sound(name: str) -> Audio:
    """A named sound.

    Args:
        name: ``prompts-NAME``, one of the telephone prompts that are held out, fetched on first use; ``vowels-46`` …, the
            generated ones that are for testing.

    Raises:
        UserError: For an unknown name, or when it must be fetched and cannot.

    Example:
        >>> sample_sound("vowels-46").seconds
        0.8
    """
    kind, _, _ = name.partition("-")
    known = [] if kind not in SOUNDS else list(sound_names(kind))
    name in known or reject(
        f"No sound has this name; there are {', '.join(known or [f'{kind}-…' for kind in SOUNDS])}.", name
    )
    data = sounds_of(kind)
    return Audio(data.wave(known.index(name)), data.rate)


@cache
def sounds_of(kind: str) -> SoundData:
    """The test part of a set of sounds."""
    test: SoundData = DATA_SETS[kind].read().test
    return test


def sound_names(kind: str) -> list[str]:
    """Names of the test sounds of a set, each with the set's before it."""
    return [name if name.startswith(f"{kind}-") else f"{kind}-{name}" for name in sounds_of(kind).names]
