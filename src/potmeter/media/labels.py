"""Label maps: a class for every pixel, saved as a PNG with a palette, laid over the picture that they are of."""

from __future__ import annotations

import colorsys
import html
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import reject
from potmeter.media.image import Image, open_safely
from potmeter.media.medium import Medium, data_uri, read_bytes

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

NAMES = "potmeter classes"
"""Key under which a PNG's text chunk holds the names of the classes, as JSON."""
BACKGROUND = (236, 234, 228)
HUES = ((205, 62, 58), (241, 188, 121), (60, 112, 188), (88, 150, 84), (150, 98, 170), (72, 168, 172), (196, 120, 60))
"""Colours of class 0 and of the first ones after it; the rest are spread over the circle of hues by the golden angle."""


@dataclass(frozen=True, eq=False)
class Labels(Medium):
    """A label map: which class every pixel of a picture belongs to.

    Args:
        values: uint8 array of shape (height, width), indices of classes.
        names: Of the classes, at most 256; class 0 is the background, what is none of the others.

    Raises:
        UserError: For an array of another kind, or a value that has no name.

    Example:
        >>> import numpy as np
        >>> Labels(np.uint8([[0, 0], [0, 1]]), ("background", "hair")).shares
        {'background': 0.75, 'hair': 0.25}
    """

    values: np.ndarray
    names: tuple[str, ...]

    suffix = ".png"
    formats = (".png",)
    suffixes = (".png",)
    noun = "a label map"

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.values, "shape", ())
        kind = str(getattr(self.values, "dtype", type(self.values)))
        if len(shape) != 2 or 0 in shape or kind != "uint8":
            reject("A label map takes uint8 values of shape (height, width).", f"{kind} of shape {tuple(shape)}")
        largest = int(self.values.max())
        largest < len(self.names) or reject(f"A label map with {len(self.names)} classes has other values.", largest)

    @classmethod
    def open(cls, path: str | Path) -> Labels:
        """Read a PNG of indices, with a palette or grey; classes that it does not name are called by their numbers."""
        import numpy as np

        with open_safely(read_bytes(path), path) as picture:
            values = read_indices(picture, str(path))
            stored = getattr(picture, "text", {}).get(NAMES)
        count = int(values.max()) + 1
        try:
            names = tuple(map(str, json.loads(stored))) if stored else ()
        except (ValueError, TypeError, RecursionError):
            names = ()
        return cls(np.ascontiguousarray(values), names if len(names) >= count else tuple(map(str, range(count))))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.values.shape[1], self.values.shape[0]

    @property
    def shares(self) -> dict[str, float]:
        """Of the picture's pixels, by the classes' names."""
        import numpy as np

        counts = np.bincount(self.values.ravel(), minlength=len(self.names))
        return {name: float(count / self.values.size) for name, count in zip(self.names, counts, strict=True)}

    def overlay(self, picture: Image, opacity: float = 0.55) -> Image:
        """The classes' colours over the picture that they are of, class 0 left as it is.

        Raises:
            UserError: When the picture has another size.
        """
        import numpy as np

        picture.size == self.size or reject(
            f"A label map of {self.size[0]} × {self.size[1]} pixels lies over a picture of that size.",
            f"{picture.size[0]} × {picture.size[1]}",
        )
        table = (np.asarray(palette(len(self.names))) * opacity).astype(np.float32)
        shown = np.empty_like(picture.pixels)
        for top in range(0, len(shown), 256):  # floats of some rows at a time
            rows = slice(top, top + 256)
            values = self.values[rows]
            mixed = picture.pixels[rows] * np.float32(1 - opacity) + table[values]
            shown[rows] = np.where(values[..., None] > 0, mixed.round().astype(np.uint8), picture.pixels[rows])
        return Image(shown)

    def encode(self, suffix: str) -> bytes:
        from PIL.PngImagePlugin import PngInfo

        self.check_format(suffix)
        text, buffer = PngInfo(), io.BytesIO()
        text.add_itxt(NAMES, json.dumps(self.names, ensure_ascii=False))
        self.pil().save(buffer, format="PNG", pnginfo=text, optimize=False)
        return buffer.getvalue()

    def pil(self) -> PIL.Image.Image:
        """The label map as a Pillow image with a palette."""
        import PIL.Image

        picture = PIL.Image.fromarray(self.values, mode=None).convert("L")
        picture.putpalette([value for colour in palette(256) for value in colour])
        return picture

    def html(self) -> str:
        colours = palette(len(self.names))
        legend = " ".join(
            f'<span><i style="display:inline-block;width:.9em;height:.9em;background:rgb{colours[index]}"></i> '
            f"{html.escape(name)} {100 * share:.1f} %</span>"
            for index, (name, share) in enumerate(self.shares.items())
            if share > 0
        )
        small = ' class="pixelated"' if max(self.size) < 256 else ""
        width, height = self.size
        image = f'<img{small} width="{width}" height="{height}" alt="" src="{data_uri(self, ".png")}">'
        return f"<div>{image}<div>{legend}</div></div>"

    def json(self) -> dict[str, Any]:
        return {
            "width": self.size[0],
            "height": self.size[1],
            "shares": {k: round(v, 6) for k, v in self.shares.items()},
        }


def palette(count: int) -> list[tuple[int, int, int]]:
    """The colours of so many classes, as 8-bit RGB.

    Example:
        >>> len(set(palette(256)))
        256
    """
    chosen = [BACKGROUND, *HUES][:count]
    for number in range(len(chosen), count):
        value = 0.95 - 0.5 * (number % 17) / 16
        rgb = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.45 + 0.5 * (number % 5) / 4, value)
        chosen.append((round(255 * rgb[0]), round(255 * rgb[1]), round(255 * rgb[2])))
    return chosen


def read_indices(picture: PIL.Image.Image, name: str) -> np.ndarray:
    """The values (H, W), uint8, of a PNG or other picture whose pixels are indices: with a palette, or 8-bit grey.

    Raises:
        UserError: For a picture in colour, or with more bits, whose values are no indices.
    """
    import numpy as np

    if picture.mode in ("P", "L"):
        return np.array(picture)
    if picture.mode == "1":
        return np.array(picture).astype(np.uint8)
    if picture.mode in ("I;16", "I"):  # some tools save indices with 16 bits
        values = np.array(picture)
        int(values.max()) <= 255 or reject(f"{name} is a mask with values above 255.", int(values.max()))
        return values.astype(np.uint8)
    reject(f"{name} is no mask: its values are to be indices, in grey or with a palette.", f"colours ({picture.mode})")
