"""Pictures, 8-bit sRGB whatever the file holds."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter.errors import UserError, reject
from potmeter.media.medium import MAX_PIXELS, Medium, data_uri, describe, read_bytes

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    import torch

PICTURES = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are decoded; Pillow knows others, some of which start a program."""


@dataclass(frozen=True, eq=False)
class Image(Medium):
    """A picture, 8-bit sRGB.

    Whatever the file holds comes to this form by fixed rules: EXIF rotation is applied, transparency is laid over
    white, 16-bit channels are scaled to 8, CMYK and palettes are converted, grey is repeated in the three channels,
    and of an animation the first frame is taken.

    Args:
        pixels: uint8 array of shape (height, width, 3).
    """

    pixels: np.ndarray

    suffix = ".png"
    suffixes = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.pixels, "shape", ())
        kind = str(getattr(self.pixels, "dtype", type(self.pixels)))
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind != "uint8":
            reject("Image takes uint8 pixels of shape (height, width, 3).", f"{kind} of shape {tuple(shape)}")

    @classmethod
    def open(cls, path: str | Path) -> Image:
        """Read a picture of any common format; ``MAX_PIXELS`` bounds its size."""
        import PIL.Image

        data = read_bytes(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's own, smaller, warning limit; ours is checked below
                with PIL.Image.open(io.BytesIO(data), formats=PICTURES) as picture:
                    if picture.width * picture.height > MAX_PIXELS:
                        reject(f"{path} is larger than {MAX_PIXELS:,} pixels.", f"{picture.width} × {picture.height}")
                    return cls.from_pil(picture)
        except UserError:
            raise
        except PIL.Image.DecompressionBombError:
            raise UserError(f"{path} is larger than {MAX_PIXELS:,} pixels.", received=str(path)) from None
        except PIL.UnidentifiedImageError:
            raise UserError(f"{path} is not a picture of a known format.", received=describe(data)) from None
        except Exception as error:  # decoders raise whatever they like on broken files
            raise UserError(f"{path} is a broken picture: {error}.", received=describe(data)) from None

    @classmethod
    def from_pil(cls, picture: PIL.Image.Image) -> Image:
        """Convert a Pillow image by the rules above."""
        import numpy as np
        import PIL.Image
        import PIL.ImageOps

        picture.seek(0) if getattr(picture, "n_frames", 1) > 1 else None
        picture = PIL.ImageOps.exif_transpose(picture)
        if picture.mode.startswith(("I", "F")):  # 16- and 32-bit grey: Pillow's own conversion would clip, not scale
            values = np.asarray(picture, dtype=np.float64)
            top = 65535.0 if picture.mode.startswith("I") else 1.0
            picture = PIL.Image.fromarray((np.nan_to_num(values / top).clip(0, 1) * 255).round().astype(np.uint8))
        if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
            picture = picture.convert("RGBA")
            picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture)
        return cls(np.array(picture.convert("RGB")))

    @classmethod
    def from_tensor(cls, x: torch.Tensor) -> Image:
        """Convert a float tensor of shape (C, H, W) or (H, W), C = 1 or 3, values in [0, 1] (clipped)."""
        x = x.detach().float().cpu()
        x = x[None] if x.ndim == 2 else x
        if x.ndim != 3 or x.shape[0] not in (1, 3):
            reject("A picture's tensor has shape (1 or 3, height, width).", tuple(x.shape))
        return cls((x.clamp(0, 1) * 255).round().byte().expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy())

    def tensor(self, size: int | tuple[int, int] | None = None, channels: int = 3) -> torch.Tensor:
        """Convert to a float tensor in [0, 1] of shape (channels, H, W).

        Args:
            size: If given, a side or (H, W): the picture is scaled to cover that shape and its middle is cut out.
            channels: 3 for RGB, 1 for luminance (ITU-R 601).
        """
        import numpy as np
        import torch

        picture = self.pil()
        if size is not None:
            picture = centre(picture, *((size, size) if isinstance(size, int) else size))
        values = np.array(picture.convert("L") if channels == 1 else picture)
        x = torch.from_numpy(values).float().div_(255)
        return x[None] if channels == 1 else x.permute(2, 0, 1).contiguous()

    def pil(self) -> PIL.Image.Image:
        """The picture as a Pillow image."""
        import PIL.Image

        return PIL.Image.fromarray(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def enlarged(self, factor: int) -> Image:
        """The picture with every pixel repeated, so that small ones can be seen."""
        return Image(self.pixels.repeat(factor, axis=0).repeat(factor, axis=1))

    def encode(self, suffix: str) -> bytes:
        import PIL.Image

        suffix in self.suffixes or reject("A picture is saved as .png, .jpg, .webp, .bmp, .gif or .tif.", suffix)
        kind, buffer = PIL.Image.registered_extensions()[suffix], io.BytesIO()
        self.pil().save(buffer, format=kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
        return buffer.getvalue()

    def html(self) -> str:
        small = ' class="pixelated"' if max(self.size) < 256 else ""
        return f'<img{small} width="{self.size[0]}" height="{self.size[1]}" alt="" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, int]:
        return {"width": self.size[0], "height": self.size[1]}


def centre(picture: PIL.Image.Image, height: int, width: int) -> PIL.Image.Image:
    """Scale a picture (antialiased) until it just covers this shape, and cut out the middle."""
    import PIL.Image
    import PIL.ImageOps

    return PIL.ImageOps.fit(picture, (width, height), PIL.Image.Resampling.BICUBIC)
