"""Drawn faces of nobody, whose attributes are known because they were asked for: avatars of DiceBear.

The style is Avataaars by Pablo Stanley (free for personal and commercial use), drawn by ``dicebear-core`` and rendered by
``resvg-py`` (the extra ``faces``) once, into a file of the cache. ``feminine styling`` is hair and beard by the rule below:
nobody's gender.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.sets.pixel_cache import read_pixels, write_pixels
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import missing_extra, reject
from potmeter.notices import announce

COUNTS = {"train": 12_000, "valid": 1_000, "test": 2_000}
"""Faces in each part; no face is in two of them."""
SIZES = DATA_SETS["faces"].sizes
"""Sides in pixels that there are."""
VERSION = 1
"""Of what is drawn; part of the cached file's name."""

FEMININE = (
    *("bigHair", "bob", "bun", "curly", "curvy", "straight01", "straight02", "straightAndStrand"),
    *("longButNotTooLong", "miaWallace"),
)
"""Hair of the feminine styling, which goes without a beard."""
MASCULINE = (
    *("shortFlat", "shortRound", "shortWaved", "shortCurly", "theCaesar", "theCaesarAndSidePart", "sides", "dreads01"),
)
"""Hair of the other styling, with beard or moustache in three of four faces. Tops that fit both are left out."""
SMILES, OTHERS = ("smile", "default"), ("serious", "sad")
"""Mouths that smile or grin, and that do not; those that are neither are left out."""
EYES = ("default", "happy", "side", "squint", "surprised")
BROWS = ("default", "defaultNatural", "flatNatural", "raisedExcitedNatural", "upDownNatural")
CLOTHES = ("blazerAndShirt", "collarAndSweater", "hoodie", "overall", "shirtCrewNeck", "shirtVNeck")
GLASSES = ("prescription01", "prescription02", "round", "sunglasses", "wayfarers")
BEARDS = ("beardLight", "beardMajestic", "beardMedium", "moustacheFancy", "moustacheMagnum")
SKINS = (("edb98a", "ffdbb4"), ("614335", "ae5d29", "d08b5b"))
"""Fair, and not."""
HAIRS = ("2c1b18", "4a312c", "724133", "a55728", "b58143", "d6b370", "c93305", "e8e1e1")
GROUNDS = ("b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "d8f0c8")

INDEPENDENT = ("smiling", "glasses", "bearded", "feminine styling", "fair skin")
"""Attributes that are drawn at random, each independently; only the beard depends on the styling."""
DERIVED = {
    "sunglasses": ("accessoriesVariant", ("sunglasses", "wayfarers")),
    "black hair": ("hairColor", ("2c1b18",)),
    "brown hair": ("hairColor", ("4a312c", "724133", "a55728")),
    "blond hair": ("hairColor", ("b58143", "d6b370")),
    "red hair": ("hairColor", ("c93305",)),
    "grey hair": ("hairColor", ("e8e1e1",)),
    "blue background": ("backgroundColor", ("b6e3f4", "d1d4f9")),
    "purple background": ("backgroundColor", ("c0aede",)),
    "pink background": ("backgroundColor", ("ffd5dc",)),
    "green background": ("backgroundColor", ("d8f0c8",)),
}
"""Attributes that follow from one of DiceBear's options: which, and its values."""
ATTRIBUTES = (*INDEPENDENT, *DERIVED)
"""Names of all attributes, in the order of their columns."""
CLASSES = DATA_SETS["faces"].classes
"""Smile and styling together, in the order of the labels: what a network that tells both is trained on."""

Options = dict[str, Any]
"""What a face is drawn from, in DiceBear's words."""


def faces(size: int = 64) -> Splits:
    """Faces with their attributes: 12,000 train, 1,000 valid, 2,000 test.

    Args:
        size: 64 or 128 pixels.

    Returns:
        TensorData with ``image`` uint8 (N, 3, size, size), ``attributes`` bool (N, 15) in the order of ``ATTRIBUTES``, and
        ``label`` int64 (N,), one of ``CLASSES``.

    Raises:
        UserError: When there is no such size, the extra is not installed, or the cache is damaged or cannot be written.

    Example:
        >>> train = faces(64).train  # doctest: +SKIP
        >>> train.attribute("smiling").float().mean()  # doctest: +SKIP
        tensor(0.5005)
    """
    size in SIZES or reject(f"Faces have {' or '.join(map(str, SIZES))} pixels a side.", size)
    path, total = cache_folder() / f"faces-{size}-{VERSION}.npy", sum(COUNTS.values())
    if not path.is_file():
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                write_pixels(path, draw_faces(range(total), size))
    pixels = read_pixels(path, (total, size, size, 3))
    cuts = np.cumsum(list(COUNTS.values()))[:-1]
    numbers = np.split(np.arange(total), cuts)
    train, valid, test = (face_data(pixels[part], part) for part in numbers)
    return Splits(train, valid, test, dataset="faces")


def face_data(pixels: np.ndarray, numbers: Any) -> TensorData:
    """Pictures, uint8 (N, H, W, 3), of the faces of these numbers, with their attributes and labels."""
    attributes = torch.tensor([face(int(number))[1] for number in numbers])
    label = (
        2 * attributes[:, ATTRIBUTES.index("feminine styling")].long()
        + attributes[:, ATTRIBUTES.index("smiling")].long()
    )
    image = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()  # (N, 3, H, W)
    return TensorData(classes=CLASSES, attribute_names=ATTRIBUTES, image=image, attributes=attributes, label=label)


def face(number: int) -> tuple[Options, tuple[bool, ...]]:
    """What the face of a number is drawn from, and its attributes; the same on every computer."""
    rng = np.random.default_rng([VERSION, number])
    pick = lambda among: str(among[rng.integers(len(among))])
    smiling, glasses, feminine, fair = (bool(rng.random() < share) for share in (0.5, 0.3, 0.5, 0.5))
    bearded = not feminine and bool(rng.random() < 0.75)
    options = {
        "topVariant": pick(FEMININE if feminine else MASCULINE),
        "mouthVariant": pick(SMILES if smiling else OTHERS),
        "eyesVariant": pick(EYES),
        "eyebrowsVariant": pick(BROWS),
        "clothesVariant": pick(CLOTHES),
        "accessoriesVariant": pick(GLASSES),
        "accessoriesProbability": 100 * glasses,
        "facialHairVariant": pick(BEARDS),
        "facialHairProbability": 100 * bearded,
        "skinColor": pick(SKINS[0 if fair else 1]),
        "hairColor": (hair := pick(HAIRS)),
        "facialHairColor": hair,
        "backgroundColor": pick(GROUNDS),
    }
    derived = [options[key] in values and (glasses or key != "accessoriesVariant") for key, values in DERIVED.values()]
    return options, (smiling, glasses, bearded, feminine, fair, *derived)


# Drawing ------------------------------------------------------------------------------------------------------------


def draw_faces(numbers: range, size: int) -> np.ndarray:
    """The faces of these numbers, uint8 (N, size, size, 3), drawn one after the other."""
    draw, pixels = renderer(size), np.empty((len(numbers), size, size, 3), np.uint8)
    announce(f"drawing {len(numbers):,} faces of {size} pixels into the cache; it takes a minute or two, once …")
    for done, number in enumerate(numbers):
        pixels[done] = draw(number)
        if (done + 1) % 3000 == 0:
            announce(f"drew {done + 1:,} of {len(numbers):,}")
    return pixels


def renderer(size: int) -> Callable[[int], np.ndarray]:
    """A function from a face's number to its pixels, uint8 (size, size, 3). Raises UserError without the extra."""
    try:
        import resvg_py
        from dicebear import Avatar, Style
        from dicebear_styles import __path__ as styles
    except ImportError as error:
        raise missing_extra("Drawing faces", "faces", error.name) from None
    style = Style(json.loads((Path(next(iter(styles))) / "avataaars.json").read_text("utf-8")))

    def draw(number: int) -> np.ndarray:
        options = {key: [value] if isinstance(value, str) else value for key, value in face(number)[0].items()}
        placed = {"seed": f"face-{number}", "size": size, "scale": 1.4, "translateY": 8}  # the seed colours the clothes
        svg = Avatar(style, options | placed).to_string()
        png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
        return np.array(PIL.Image.open(io.BytesIO(bytes(png))).convert("RGB"))

    return draw
