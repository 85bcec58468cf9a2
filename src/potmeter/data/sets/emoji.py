"""Emoji in two art styles: Twitter's, flat, and Microsoft's Fluent, in 3D. The same code points are pairs for testing only.

Code points that differ in skin tone, gender or direction only are one group, and a group is in one part: three eighths are
trained on in the first style, three eighths, others, in the second, so that no emoji is known in both; a twentieth is for
validation and a fifth for testing, in both styles, as pairs. Of a group at most ``VARIANTS`` are taken, in tests one. Left
out of the tests are pairs that both styles draw alike (some flags), and pictures that look like one that is trained on.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.data.fetching.fetch import cache_folder, fetch
from potmeter.data.file_split import hash_fraction
from potmeter.data.sets.pixel_cache import read_pixels, write_pixels
from potmeter.data.splits import Splits, TensorData
from potmeter.data.two_styles import TwoStyles
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.notices import announce

STYLES = "flat", "3d"
"""Twitter's, and Fluent."""
SIZE, VERSION = 64, 1
"""Pixels of a side; and of what is read, part of the cached file's name."""
MARGIN, OPAQUE = 2, 64
"""White pixels around what a picture shows, which is where its alpha is above this."""
BOUNDS = 0.375, 0.75, 0.8
"""Where the groups for training in the first style, in the second, and those for validation end."""
VARIANTS = 6
"""Most emoji of one group: the yellow one and five skin tones."""
ALIKE = 0.06
"""Root mean square difference of two pictures, in [0, 1], below which they are the same picture."""
FOLDERS = {"flat": "package/img/twitter/64", "3d": "package/assets"}
PACKAGES = {"flat": "twitter-emoji", "3d": "fluent-emoji"}

IGNORED = {*range(0x1F3FB, 0x1F400), 0xFE0F, 0x200D, 0x2640, 0x2642, 0x27A1}
"""Code points in which variants of one emoji differ: skin tones, presentation, joiner, gender signs, direction."""
PEOPLE = {0x1F468: 0x1F9D1, 0x1F469: 0x1F9D1}
"""Man and woman are variants of person."""


def read_code_points(stem: str) -> tuple[int, ...]:
    """The code points in a file's name, without the one that only asks for colour.

    Example:
        >>> [hex(point) for point in read_code_points("00a9-fe0f")]
        ['0xa9']
    """
    return tuple(point for part in stem.split("-") if (point := int(part, 16)) != 0xFE0F)


def group(points: Sequence[int]) -> str:
    """What all variants of an emoji have in common.

    Example:
        >>> group(read_code_points("1f468-1f3fe-200d-1f373")), group(read_code_points("1f9d1-200d-1f373"))
        ('1f9d1-1f373', '1f9d1-1f373')
    """
    return "-".join(f"{PEOPLE.get(point, point):x}" for point in points if point not in IGNORED) or f"{points[0]:x}"


def list_emoji() -> dict[str, list[tuple[int, ...]]]:
    """The emoji that both styles have, by group; of a large group ``VARIANTS``, spread evenly."""
    known = [set(files(style)) for style in STYLES]
    groups = defaultdict(list)
    for points in sorted(known[0] & known[1]):
        groups[group(points)].append(points)
    return {
        name: [members[i * len(members) // VARIANTS] for i in range(VARIANTS)] if len(members) > VARIANTS else members
        for name, members in sorted(groups.items())
    }


def files(style: str) -> dict[tuple[int, ...], Path]:
    """The pictures of a style by their code points."""
    folder = fetch(PACKAGES[style]) / FOLDERS[style]
    return {read_code_points(path.stem): path for path in sorted(folder.iterdir())}


def draw(path: Path) -> np.ndarray:
    """A picture in the middle of a white square, as large in each style, uint8 (SIZE, SIZE, 3)."""
    with PIL.Image.open(io.BytesIO(path.read_bytes())) as picture:
        emoji = picture.convert("RGBA")
    emoji = emoji.crop(emoji.getchannel("A").point(lambda alpha: 255 * (alpha > OPAQUE)).getbbox())
    emoji.thumbnail((SIZE - 2 * MARGIN, SIZE - 2 * MARGIN), PIL.Image.Resampling.LANCZOS)
    white = PIL.Image.new("RGBA", (SIZE, SIZE), "white")
    white.alpha_composite(emoji, ((SIZE - emoji.width) // 2, (SIZE - emoji.height) // 2))
    return np.array(white.convert("RGB"))


def draw_emoji(name: str, style: str) -> Image:
    """An emoji in a style, by its code points: ``1f419``. Raises UserError when the style has no such emoji."""
    path = files(style).get(read_code_points(name)) or reject(f"There is no such emoji in the style {style}.", name)
    return Image(draw(path), f"{name}.png")


def read_all(emoji: Sequence[tuple[int, ...]]) -> dict[str, Tensor]:
    """All of them in each style, uint8 (N, 3, SIZE, SIZE); from the cache where they are in it."""
    path = cache_folder() / f"emoji-{SIZE}-{VERSION}.npy"
    if not path.is_file():
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                announce("reading the emoji; they are kept.")
                found = [files(style) for style in STYLES]
                write_pixels(path, np.stack([[draw(its[points]) for points in emoji] for its in found]))
    pixels = torch.from_numpy(read_pixels(path, (2, len(emoji), SIZE, SIZE, 3))).permute(0, 1, 4, 2, 3)
    return dict(zip(STYLES, pixels, strict=True))


def emoji(size: int = SIZE) -> Splits:
    """Emoji in two styles, unpaired for training and paired for testing.

    Args:
        size: 64 pixels.

    Returns:
        Splits of ``TwoStyles`` of TensorData with ``image`` uint8 (N, 3, 64, 64), whose ``names`` are code points.

    Raises:
        UserError: When the packages cannot be fetched, or the cache is damaged or cannot be written.
    """
    groups = list_emoji()
    everything = [points for members in groups.values() for points in members]
    number, pixels = {points: i for i, points in enumerate(everything)}, read_all(everything)
    parts: list[list[int]] = [[], [], [], []]
    for name, members in groups.items():
        part = sum(hash_fraction(name) >= bound for bound in BOUNDS)
        members = members if part < 2 else members[int(hash_fraction(name + " test") * len(members)) :][:1]
        parts[part] += [number[points] for points in members]
    first, second, valid, test = parts
    test = drop_alike(test, pixels, {"flat": first, "3d": second})

    def select(style: str, numbers: list[int]) -> TensorData:
        names = ["-".join(f"{point:x}" for point in everything[i]) for i in numbers]
        return TensorData(names=names, image=pixels[style][numbers])

    def pairs(numbers: list[int]) -> TwoStyles:
        return TwoStyles(select("flat", numbers), select("3d", numbers), STYLES, paired=True)

    train = TwoStyles(select("flat", first), select("3d", second), STYLES)
    return Splits(train, pairs(valid), pairs(test), dataset="emoji")


def drop_alike(tested: list[int], pixels: dict[str, Tensor], trained: dict[str, list[int]]) -> list[int]:
    """Those of the emoji that the styles draw differently, and that no picture which is trained on looks like."""
    small = {style: F.avg_pool2d(x.float() / 255, 2).flatten(1) for style, x in pixels.items()}
    off = small["flat"][tested] - small["3d"][tested]
    kept = off.square().mean(1).sqrt() > ALIKE
    for style, numbers in trained.items():
        distance = torch.cdist(small[style][tested], small[style][numbers]).amin(1)
        kept &= distance / small[style].shape[1] ** 0.5 > ALIKE
    return [number for number, keep in zip(tested, kept.tolist(), strict=True) if keep]
