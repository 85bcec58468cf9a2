"""Pictures with transparency: a thing cut out of what was around it."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter.errors import reject
from potmeter.media.image import Image, open_safely
from potmeter.media.medium import Medium, data_uri, read_bytes

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Cutout(Medium):
    """A picture whose background is transparent.

    Args:
        pixels: uint8 array of shape (height, width, 3).
        alpha: uint8 array of shape (height, width); 0 = transparent, 255 = opaque.

    Raises:
        UserError: For arrays of other kinds.
    """

    pixels: np.ndarray
    alpha: np.ndarray

    suffix = ".png"
    formats = (".png", ".webp")
    suffixes = (".png", ".webp")
    noun = "a cut-out"

    def __post_init__(self) -> None:
        Image(self.pixels)  # raises
        shape, kind = getattr(self.alpha, "shape", ()), str(getattr(self.alpha, "dtype", type(self.alpha)))
        if shape != self.pixels.shape[:2] or kind != "uint8":
            reject("A cut-out's alpha is uint8 and as large as its pixels.", f"{kind} of shape {tuple(shape)}")

    @classmethod
    def open(cls, path: str | Path) -> Cutout:
        """Read a picture with its transparency; one that has none is opaque."""
        import numpy as np

        with open_safely(read_bytes(path), path) as picture:
            values = np.array(picture.convert("RGBA"))
        return cls(np.ascontiguousarray(values[..., :3]), np.ascontiguousarray(values[..., 3]))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def encode(self, suffix: str) -> bytes:
        import numpy as np
        import PIL.Image

        self.check_format(suffix)
        picture, buffer = PIL.Image.fromarray(np.dstack([self.pixels, self.alpha])), io.BytesIO()
        picture.save(
            buffer, format="PNG" if suffix == ".png" else "WEBP", **({} if suffix == ".png" else {"quality": 90})
        )
        return buffer.getvalue()

    def html(self) -> str:
        squares = "repeating-conic-gradient(#ddd 0 25%, #fff 0 50%) 0 0 / 16px 16px"
        small = ' class="pixelated"' if max(self.size) < 256 else ""
        width, height = self.size
        source = html.escape(data_uri(self, ".png"))
        return f'<img{small} width="{width}" height="{height}" alt="" style="background: {squares}" src="{source}">'

    def json(self) -> dict[str, float]:
        return {"width": self.size[0], "height": self.size[1], "opaque": round(float(self.alpha.mean() / 255), 6)}
