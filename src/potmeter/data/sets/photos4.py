"""Photographs in four categories: birds, mammals, flowers and fruit."""

from __future__ import annotations

from typing import Literal

import torch
from sklearn.model_selection import StratifiedGroupKFold

from potmeter.data.fetching.fetch import fetch
from potmeter.data.sets.gcompris import read_animal_photos
from potmeter.data.sets.photos4_cutouts import compose
from potmeter.data.sets.photos4_names import STAMPS, WILD, parse_groups
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import reject
from potmeter.media import Image

CATEGORIES = tuple(STAMPS)
BACKGROUNDS = ("white", "plain", "scene")
SETTINGS = (*BACKGROUNDS, "wild")
"""Where a photograph of ``photos4_varied`` shows its animal, flower or fruit."""
Apart = Literal["photograph", "species"]


def photos4(size: int = 224, background: str = "white", apart: Apart = "photograph") -> TensorData:
    """Photographs in four categories, bird, mammal, flower and fruit: cut-outs of Tux Paint's stamps.

    Args:
        size: Side in pixels; the cut-outs are about 175×143, the fruits often only 50×50.
        background: ``white``, ``plain`` or ``scene``; see ``photos4_cutouts.compose``.
        apart: What pictures of different groups differ in: the photograph, or the whole species.

    Returns:
        TensorData with ``image`` uint8 (N, 3, size, size), ``label`` int64 (N,), ``group`` int64 (N,). Cross-validate with
        ``sklearn.model_selection.StratifiedGroupKFold``.
    """
    background in BACKGROUNDS or reject(f"The background is one of {', '.join(BACKGROUNDS)}.", background)
    stamps = fetch("tuxpaint") / "usr" / "share" / "tuxpaint" / "stamps"
    rows = [
        (folder + "/" + name, category, f"{category} {group}")
        for category, (folder, names) in STAMPS.items()
        for name, group in parse_groups(names, apart)
    ]
    pictures = [
        torch.from_numpy(compose(stamps / f"{name}.png", size, background)).permute(2, 0, 1) for name, _, _ in rows
    ]
    return photo_data(rows, pictures)


def photos4_varied(size: int = 224, apart: Apart = "photograph") -> TensorData:
    """All photographs in four categories: the cut-outs on each of three backgrounds, and animals where they live.

    The latter are of birds and mammals only, and of species that are among the cut-outs too: they are left out where
    species are kept apart.

    Returns:
        TensorData as ``photos4``, with ``setting`` int64 (N,): which of ``SETTINGS`` a picture shows.
    """
    parts = [photos4(size, background, apart) for background in BACKGROUNDS]
    if apart == "photograph":
        wild = wild_animals(size)
        wild.tensors["group"] += int(parts[0].tensors["group"].max()) + 1
        parts.append(wild)
    tensors = {key: torch.cat([part.tensors[key] for part in parts]) for key in parts[0].tensors}
    setting = torch.cat([torch.full((len(part),), i) for i, part in enumerate(parts)])
    names = [name for part in parts for name in part.names]
    return TensorData(classes=parts[0].classes, names=names, attribute_names=(), setting=setting, **tensors)


def photos4_splits(size: int = 224) -> Splits:
    """``photos4_varied`` in three parts that share no photograph, about 3 : 1 : 1; tested is on white and in the wild."""
    data = photos4_varied(size)
    labels, groups, setting = (data.tensors[key].numpy() for key in ("label", "group", "setting"))
    tested = (setting == SETTINGS.index("white")) | (setting == SETTINGS.index("wild"))
    rest, test = next(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, groups))
    inner = StratifiedGroupKFold(4, shuffle=True, random_state=0).split(labels[rest], labels[rest], groups[rest])
    train, valid = (rest[chosen] for chosen in next(inner))
    valid, test = valid[tested[valid]], test[tested[test]]
    return Splits(data.select(train), data.select(valid), data.select(test), dataset="photos4")


def wild_animals(size: int = 224) -> TensorData:
    """Photographs of birds and mammals where they live, from GCompris.

    Flowers and fruit have no such photos: only together with cut-outs of all four on scenes does a background not give
    the answer away.

    Args:
        size: Side in pixels of the centre square; the files are 1024 or 1920 wide.

    Returns:
        TensorData as ``photos4``, with its labels, of which only bird and mammal occur.
    """
    files = read_animal_photos()
    groups = {name: (category, group) for category, names in WILD.items() for name, group in parse_groups(names)}
    rows, pictures = [], []
    for name, content in files.items():
        if (stem := name.split("/")[-1]) in groups:
            category, group = groups[stem]
            rows.append((name, category, f"{category} {group}"))
            pictures.append(Image.decode(content, name).uint8_tensor(size))
    return photo_data(rows, pictures)


def photo_data(rows: list[tuple[str, str, str]], pictures: list[torch.Tensor]) -> TensorData:
    """TensorData from rows of name, category and group, and the pictures in the same order."""
    names, categories, groups = zip(*rows, strict=True)
    numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    return TensorData(
        classes=CATEGORIES,
        names=names,
        image=torch.stack(pictures),
        label=torch.tensor([CATEGORIES.index(category) for category in categories]),
        group=torch.tensor([numbers[group] for group in groups]),
    )
