"""Which of Tux Paint's stamps are photographs of a thing, in eight classes.

A class is a folder of the package that holds at least eight photographs of different things, or several beside each other
that do: marsupials are mammals, fruit and vegetables are food (a kitchen tells them apart, not the eye), all vehicles are
vehicles, strings and percussion are instruments. Every picture was looked at; left out are drawings, parts of things (wheels,
police lights), what is in no such folder (balls, trees, household goods), and what is of another kind than its folder
(lobster and shrimp among the fish).

``a+b`` stands for pictures that may come from one photograph: they are in the same part of the data.
"""

from __future__ import annotations

from .photos4_names import STAMPS as PHOTOS4
from .photos4_names import parse_groups

OTHERS = {
    "fish": (
        "animals/fish",
        "bluegroper butterflyfish clownfish coraltrout dolphinfish lionfish moonwrasse seahorse stripedfish",
    ),
    "food": (
        "food/vegetables",
        "broccoli carrot chilepepper corn eggplant garlic garlics lettuce mushroom onion pattypan_squash pepper potato "
        "pumpkin_small redlettuce tomato yam yellowpepper",
    ),
    "tool": (
        "household/tools",
        "hammer mallet_metal measuring_tape+measuring_tape_mirror paintbrush_large plyers saw spade toolbox wrench "
        "wrench_adjustable wrench_plumbers",
    ),
    "vehicle": (
        "vehicles",
        "garbagetruck race/indycar emergency/firetruck flight/planes/747 ship/chineseJunk ship/walnutBoat auto/beetle "
        "auto/sedan auto/sportscar2 auto/truck masstransit/green_korean_bus",
    ),
    "instrument": (
        "hobbies/music",
        "string/cello string/guitar2 string/guitar_classical string/guitar_electric string/guitar_electric_bass "
        "string/violin percussion/cymbal_crash percussion/drum_tomtom_floor percussion/drumkit",
    ),
}
"""Class → folder of the stamps, and names in it; those of ``photos4`` come to it."""
CLASSES = ("bird", "mammal", "fish", "flower", "food", "tool", "vehicle", "instrument")


def package_of(path: str) -> str:
    """The data package, as ``fetch`` calls it, that holds a stamp."""
    return "stamps" if any(path.startswith(f"{folder}/") for folder, _ in OTHERS.values()) else "tuxpaint"


def cutout_groups() -> dict[str, list[tuple[str, ...]]]:
    """By class the groups of stamps, each as paths below the folder of the stamps, without their suffix.

    Example:
        >>> cutout_groups()["vehicle"][1]
        ('vehicles/race/indycar',)
    """
    listed = [("food" if name == "fruit" else name, *rest) for name, rest in PHOTOS4.items()]
    groups: dict[str, dict[str, list[str]]] = {name: {} for name in CLASSES}
    for name, folder, names in [*listed, *((name, *rest) for name, rest in OTHERS.items())]:
        for stamp, group in parse_groups(names):
            path = f"{folder}/{stamp}".replace("mammals/../", "")
            groups[name].setdefault(f"{folder}/{group}", []).append(path)
    return {name: [tuple(stamps) for stamps in by_group.values()] for name, by_group in groups.items()}
