"""Drawn people of nobody with exact masks of hair, skin and clothes: avatars of DiceBear in many styles, and OpenMoji's emoji.

They are drawn by ``dicebear-core`` and rendered by ``resvg-py`` (the extra ``faces``) once, into a file of the cache. Whole
styles are held out, to see what a network makes of a hand that it does not know.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from potmeter.data.fetching.fetch import cache_folder, fetch
from potmeter.data.mask_data import VOID, MaskData
from potmeter.data.sets.avatar_layers import BACKGROUND, CLOTHES, mask_definition, mask_emoji, read_mask
from potmeter.data.sets.pixel_cache import read_pixels, write_pixels
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.sets.wheel_photos import PHOTOS, wheel_photo_path
from potmeter.data.splits import Splits
from potmeter.errors import missing_extra, reject
from potmeter.notices import announce

SIZE, VERSION = 128, 1
"""Pixels of a side; and of what is drawn, part of the cached file's name."""
STYLES = (
    *("avataaars", "big-smile", "cutouts", "dylan", "micah", "miniavs", "notionists", "pixel-art", "toon-head"),
    "voxel-art",
)
"""Styles that are trained on. Left out are those whose hair is lines (croodles) or not a layer of its own (open-peeps)."""
HELD_OUT = {"valid": ("personas",), "test": ("adventurer", "big-ears", "lorelei")}
"""Styles that are not: of all fourteen in the order of their names' SHA-256, the first three for testing, then one."""
COUNTS = {"train": 560, "valid": 20, "test": 60}
"""Faces of each style that is trained on."""
UNSEEN = {"valid": 120, "test": 200}
"""Faces of each that is not."""
EMOJI = "emoji"

HAIRS = (
    *("2c1b18", "1b1b1f", "4a312c", "724133", "a55728", "b58143", "d6b370", "c93305", "e8e1e1", "8d8d94"),
    *("f2d16b", "3a2a5e", "d95f8c", "3b7dd8", "4fa36b", "7a4fc9", "f0f0f0", "5b3a1e"),
)
SKINS = ("edb98a", "ffdbb4", "614335", "ae5d29", "d08b5b", "f8d25c", "fd9841", "f4cfc0", "8d5a3b", "4a2f24", "c99b7c")
BACKDROPS = ("china", "coffee", "flower", "motorcycle", "rocket", "grass", "gravel", "brick", "hubble", "page")
"""Photographs without people, behind three faces in ten."""

Draw = Callable[[str, int], np.ndarray]
"""From a style and a face's number to pixels (SIZE, SIZE, 4): RGB and class."""


def avatars(size: int = SIZE) -> Splits:
    """Pictures with masks of hair, skin and clothes.

    Args:
        size: 128 pixels.

    Returns:
        MaskData with ``image`` uint8 (N, 3, 128, 128), ``mask`` int64 (N, 128, 128), indices of classes or ``VOID``,
        and ``unseen`` bool (N,), whether the style is one that is not trained on. ``names`` are ``style-number``.

    Raises:
        UserError: When the extra is not installed, the emoji cannot be fetched, or the cache is damaged or cannot be written.
    """
    size == SIZE or reject(f"The avatars have {SIZE} pixels a side.", size)
    parts = list_parts()
    total = sum(map(len, parts.values()))
    path = cache_folder() / f"avatars-{SIZE}-{VERSION}.npy"
    if not path.is_file():
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                write_pixels(path, draw_all([row for rows in parts.values() for row in rows]))
    pixels = read_pixels(path, (total, SIZE, SIZE, 4))
    data, start = {}, 0
    for part, rows in parts.items():
        data[part] = as_data(pixels[start : start + len(rows)], rows)
        start += len(rows)
    return Splits(**data, dataset="avatars")


def as_data(pixels: np.ndarray, rows: list[tuple[str, int]]) -> MaskData:
    """Pixels (N, H, W, 4) as pictures and masks."""
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (N, 4, H, W)
    held_out = {style for styles in HELD_OUT.values() for style in styles}
    return MaskData(
        classes=DATA_SETS["avatars"].classes,
        names=[f"{style}-{number}" for style, number in rows],
        image=values[:, :3].contiguous(),
        mask=values[:, 3].contiguous(),
        unseen=torch.tensor([style in held_out for style, _ in rows]),
    )


# What is drawn ------------------------------------------------------------------------------------------------------


def list_parts() -> dict[str, list[tuple[str, int]]]:
    """The style and number of every picture, by part; no picture is in two of them."""
    parts: dict[str, list[tuple[str, int]]] = {"train": [], "valid": [], "test": []}
    for style in STYLES:
        start = 0
        for part, count in COUNTS.items():
            parts[part] += [(style, number) for number in range(start, start + count)]
            start += count
    for part, styles in HELD_OUT.items():
        parts[part] += [(style, number) for style in styles for number in range(UNSEEN[part])]
    for number, name in enumerate(emoji_names()):
        parts[part_of_emoji(name)].append((EMOJI, number))
    return parts


def part_of_emoji(name: str) -> str:
    """The part of an emoji, the same for all skin tones of one."""
    person = re.sub(r"-1F3F[B-F]", "", name)
    position = int(hashlib.sha256(person.encode()).hexdigest()[:8], 16) / 16**8
    return "train" if position < 0.9 else "valid" if position < 0.93 else "test"


def place(rng: np.random.Generator) -> dict[str, float]:
    """Where and how large a person is drawn, in DiceBear's words."""
    return {
        "scale": round(float(rng.uniform(0.8, 1.5)), 2),
        "translateX": round(float(rng.uniform(-14, 14)), 1),
        "translateY": round(float(rng.uniform(-10, 14)), 1),
        "rotate": round(float(rng.uniform(-18, 18)), 1),
    }


def dye(definition: dict[str, Any], rng: np.random.Generator) -> dict[str, list[str]]:
    """Colours of hair and skin besides those that the style has, for six in ten; the rest has the style's own."""
    own = bool(rng.random() < 0.4)
    hair, skin = str(rng.choice(HAIRS)), str(rng.choice(SKINS))
    chosen = {
        **dict.fromkeys(("hair", "facialHair", "paperHair"), hair),
        **dict.fromkeys(("skin", "base", "paperFace"), skin),
    }
    return {f"{name}Color": [value] for name, value in chosen.items() if name in definition["colors"] and not own}


def backdrop(rng: np.random.Generator) -> np.ndarray:
    """What stands behind: a plain colour, a gradient, two colours, or a piece of a photograph; float (SIZE, SIZE, 3)."""
    kind, (one, other) = rng.random(), rng.uniform(0, 255, (2, 3))
    if kind < 0.3:
        photo = read_backdrop(str(rng.choice(BACKDROPS)))
        side = int(rng.integers(SIZE, min(photo.size) + 1))
        left, top = (int(rng.integers(0, n - side + 1)) for n in photo.size)
        piece = photo.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), PIL.Image.Resampling.BILINEAR)
        return np.asarray(piece, np.float32)
    if kind < 0.4:
        one = np.full(3, 255.0)
    if kind < 0.6:
        return np.broadcast_to(one, (SIZE, SIZE, 3)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    t = (np.cos(angle) * x + np.sin(angle) * y)[..., None]
    mix = (t > rng.uniform(-0.7, 0.7)) if kind > 0.85 else np.clip(t / 2 + 0.5, 0, 1)
    return (one + (other - one) * mix).astype(np.float32)


@cache
def read_backdrop(name: str) -> PIL.Image.Image:
    """A photograph, its shorter side twice that of the pictures."""
    photo = PIL.Image.open(wheel_photo_path(PHOTOS[name])).convert("RGB")
    factor = 2 * SIZE / min(photo.size)
    return photo.resize((round(photo.width * factor), round(photo.height * factor)), PIL.Image.Resampling.BOX)


# Drawing ------------------------------------------------------------------------------------------------------------


def draw_all(rows: list[tuple[str, int]]) -> np.ndarray:
    """The pictures and masks of these styles and numbers, uint8 (N, SIZE, SIZE, 4), drawn one after the other."""
    draw, pixels = renderer(), np.empty((len(rows), SIZE, SIZE, 4), np.uint8)
    announce(f"drawing {len(rows):,} people with their masks into the cache; it takes two or three minutes, once …")
    for done, (style, number) in enumerate(rows):
        pixels[done] = draw(style, number)
        if (done + 1) % 2000 == 0:
            announce(f"drew {done + 1:,} of {len(rows):,}")
    return pixels


def renderer() -> Draw:
    """What draws a picture and its mask. Raises UserError without the extra."""
    try:
        import resvg_py
        from dicebear import Avatar, Style
        from dicebear_styles import __path__ as styles
    except ImportError as error:
        raise missing_extra("Drawing people", "faces", error.name) from None

    def rasterise(svg: str) -> np.ndarray:
        png = resvg_py.svg_to_bytes(svg_string=svg, width=SIZE, height=SIZE, skip_system_fonts=True)
        drawn = PIL.Image.open(io.BytesIO(bytes(png))).convert("RGBA")  # not quite square where a style is not
        whole = PIL.Image.new("RGBA", (SIZE, SIZE))
        whole.paste(drawn, ((SIZE - drawn.width) // 2, SIZE - drawn.height))
        return np.array(whole)

    @cache
    def read_style(name: str) -> tuple[dict[str, Any], Style, Style]:
        definition = json.loads((Path(next(iter(styles))) / f"{name}.json").read_text("utf-8"))
        if "background" in definition["colors"]:  # what is behind comes from elsewhere
            definition["colors"]["background"] = {"notEqualTo": [], "values": ["#00000000"]}
        return definition, Style(definition), Style(mask_definition(name, definition))

    def draw(style: str, number: int) -> np.ndarray:
        rng = np.random.default_rng([VERSION, number, *style.encode()])
        if style == EMOJI:
            svg = transform_emoji(emoji_svg(number), rng)
            painted = mask_emoji(svg) or reject("This emoji has no hair.", number)
        else:
            definition, visible, coded = read_style(style)
            options = {"seed": f"{style}-{number}", "size": SIZE} | place(rng) | dye(definition, rng)
            svg, painted = (Avatar(each, options).to_string() for each in (visible, coded))
        picture, mask = rasterise(svg), read_mask(rasterise(painted))
        alpha = picture[..., 3:].astype(np.float32) / 255
        if style == EMOJI:  # its outlines, clothes and things: OpenMoji does not say which is what
            mask = np.where((mask == CLOTHES) | ((mask == BACKGROUND) & (alpha[..., 0] > 0.5)), VOID, mask)
        over = picture[..., :3] * alpha + backdrop(rng) * (1 - alpha)
        drawn = np.concatenate([over.round().clip(0, 255).astype(np.uint8), mask.astype(np.uint8)[..., None]], axis=-1)
        return drawn[:, ::-1] if rng.random() < 0.5 else drawn

    return draw


# Emoji --------------------------------------------------------------------------------------------------------------


@cache
def emoji_names() -> list[str]:
    """OpenMoji's emoji with hair, by their code points, in order."""
    folder = fetch("openmoji") / "package" / "color" / "svg"
    paths = sorted(folder.glob("*.svg"))
    return [path.stem for path in paths if mask_emoji(path.read_text(encoding="utf-8"))]


def emoji_svg(number: int) -> str:
    """The SVG of an emoji with hair."""
    path = fetch("openmoji") / "package" / "color" / "svg" / f"{emoji_names()[number]}.svg"
    return path.read_text(encoding="utf-8")


def transform_emoji(svg: str, rng: np.random.Generator) -> str:
    """An emoji a little larger or smaller, and turned, as the avatars are: its view box is moved."""
    side = 72 / float(rng.uniform(0.9, 1.6))
    left, top = 36 - side / 2 + rng.uniform(-5, 5), 33 - side / 2 + rng.uniform(-5, 5)
    return svg.replace('viewBox="0 0 72 72"', f'viewBox="{left:.2f} {top:.2f} {side:.2f} {side:.2f}"')
