"""Pictures, 8-bit sRGB whatever the file holds."""

from __future__ import annotations

import functools
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from potmeter.errors import UserError, reject
from potmeter.media.colour_profiles import convert_to_srgb
from potmeter.media.medium import MAX_PIXELS, Medium, data_uri, describe, read_bytes
from potmeter.media.pixels import deep_grey_to_uint8, to_uint8
from potmeter.media.provenance import Provenance, mark_jpeg, read_provenance

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    import torch

PICTURES = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Formats that are decoded; Pillow knows others, some of which start a program."""
TAIL_BYTES = 2**16
"""Bytes at the end of a file in which the mark of a picture's end is looked for."""


@dataclass(frozen=True, eq=False)
class Image(Medium):
    """A picture, 8-bit sRGB.

    Whatever the file holds comes to this form by fixed rules: EXIF rotation is applied, colours are converted
    by an embedded ICC profile, transparency is laid over white, channels of more than 8 bits are scaled by the range that
    the type or the file's tags state, CMYK and palettes are converted, grey is repeated in the three channels, and of an
    animation the first frame is taken.

    Args:
        pixels: uint8 array of shape (height, width, 3).
        name: That of the file it was opened from, without its folder; empty where there was none.
        provenance: What its file says, or will say, of how it came about; None where that is nothing.
    """

    pixels: np.ndarray
    name: str = ""
    provenance: Provenance | None = None

    suffix = ".png"
    formats: ClassVar[tuple[str, ...]] = (
        ".png",
        ".jpg",
        ".jpeg",
        ".jfif",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
    )
    noun: ClassVar[str] = "a picture"
    suffixes = (
        *(".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    )

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.pixels, "shape", ())
        kind = str(getattr(self.pixels, "dtype", type(self.pixels)))
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind != "uint8":
            reject("Image takes uint8 pixels of shape (height, width, 3).", f"{kind} of shape {tuple(shape)}")

    @classmethod
    def open(cls, path: str | Path) -> Image:
        """Read a picture of any common format; ``MAX_PIXELS`` bounds its size."""
        data = read_bytes(path)
        return replace(cls.decode(data, path), name=Path(path).name, provenance=read_provenance(data))

    @classmethod
    def decode(cls, data: bytes, name: str | Path = "the picture") -> Image:
        """A picture from the bytes of its file; ``name`` is how an error calls it."""
        with open_safely(data, name) as picture:
            return cls.from_pil(picture, str(name))

    @classmethod
    def check(cls, path: str | Path) -> None:
        """Raise the UserError with which ``open`` would refuse a file, where possible without decoding the picture.

        What counts as whole: a known header, and for PNG its sums, for JPEG, GIF and WebP the end where it should be.
        """
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            cls.open(path)  # raises
        else:
            check_file(str(path), status.st_size, status.st_mtime_ns)

    @classmethod
    def from_pil(cls, picture: PIL.Image.Image, name: str = "the picture") -> Image:
        """Convert a Pillow image by the rules above; ``name`` is how an error calls it."""
        import numpy as np
        import PIL.Image
        import PIL.ImageOps

        picture.seek(0) if getattr(picture, "n_frames", 1) > 1 else None
        if picture.mode.startswith(("I", "F")):  # Pillow's own conversion would clip, not scale
            deep, exif = picture, picture.getexif()
            picture = PIL.Image.fromarray(deep_grey_to_uint8(deep, name))
            picture.getexif().update(exif)
            picture.info["icc_profile"] = deep.info.get("icc_profile")
        picture = convert_to_srgb(PIL.ImageOps.exif_transpose(picture))
        if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
            picture = picture.convert("RGBA")
            picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture)
        return cls(np.array(picture.convert("RGB")))

    @classmethod
    def from_array(cls, values: np.ndarray) -> Image:
        """Convert an array of shape (height, width) or (height, width, C), C = 1 (grey), 3 (RGB) or 4 (RGB and alpha).

        Args:
            values: uint8, uint16, bool, or floats in [0, 1].

        Raises:
            UserError: For another shape or type, and for floats out of [0, 1].
        """
        import PIL.Image

        if values.ndim not in (2, 3) or 0 in values.shape or (values.ndim == 3 and values.shape[2] not in (1, 3, 4)):
            reject("A picture's array has shape (height, width) or (height, width, 1, 3 or 4).", values.shape)
        values = to_uint8(values)
        return cls.from_pil(PIL.Image.fromarray(values[..., 0] if values.shape[2:] == (1,) else values))

    @classmethod
    def from_tensor(cls, x: torch.Tensor) -> Image:
        """Convert a tensor of shape (C, H, W) or (H, W), C = 1 (grey), 3 (RGB) or 4 (RGB and alpha).

        Args:
            x: uint8 (as ``torchvision.io`` reads files), uint16, bool, or floats in [0, 1].

        Raises:
            UserError: For another shape or type, and for floats out of [0, 1].
        """
        x = x.detach().cpu()
        x = x[None] if x.ndim == 2 else x
        if x.ndim != 3 or x.shape[0] not in (1, 3, 4) or 0 in x.shape:
            reject("A picture's tensor has shape (1, 3 or 4, height, width).", tuple(x.shape))
        x = x.float() if x.is_floating_point() else x  # numpy has no bfloat16
        x.is_complex() and reject("A picture's values are no complex numbers.", str(x.dtype))
        return cls.from_array(x.permute(1, 2, 0).numpy())

    def tensor(self, size: int | tuple[int, int] | None = None, channels: int = 3) -> torch.Tensor:
        """Convert to a float tensor in [0, 1] of shape (channels, H, W).

        Args:
            size: If given, a side or (H, W): the picture is scaled to cover that shape and its middle is cut out.
            channels: 3 for RGB, 1 for luminance (ITU-R 601).
        """
        return self.uint8_tensor(size, channels).float().div_(255)

    def uint8_tensor(self, size: int | tuple[int, int] | None = None, channels: int = 3) -> torch.Tensor:
        """As ``tensor``, but uint8, a quarter of the memory."""
        import numpy as np
        import torch

        picture = self.pil()
        if size is not None:
            picture = resize_and_crop(picture, *((size, size) if isinstance(size, int) else size))
        values = torch.from_numpy(np.array(picture.convert("L") if channels == 1 else picture))
        return values[None] if channels == 1 else values.permute(2, 0, 1).contiguous()

    def pil(self) -> PIL.Image.Image:
        """The picture as a Pillow image."""
        import PIL.Image

        return PIL.Image.fromarray(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def resize(self, side: int) -> Image:
        """A copy whose longer side has so many pixels, smoothed (Lanczos)."""
        import numpy as np
        import PIL.Image

        width, height = (max(1, round(n * side / max(self.size))) for n in self.size)
        return Image(np.array(self.pil().resize((width, height), PIL.Image.Resampling.LANCZOS)), self.name)

    def enlarge(self, factor: int) -> Image:
        """The picture with every pixel repeated, so that small ones can be seen."""
        return Image(self.pixels.repeat(factor, axis=0).repeat(factor, axis=1))

    def encode(self, suffix: str) -> bytes:
        import PIL.Image

        (MarkedImage if self.provenance else type(self)).check_format(suffix)
        kind, buffer = PIL.Image.registered_extensions()[suffix], io.BytesIO()
        picture = self.pil().convert("L") if suffix == ".pgm" else self.pil()
        options: dict[str, Any] = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
        if self.provenance:
            options |= mark_options(kind, self.provenance)
        picture.save(buffer, format=kind, **options)
        data = buffer.getvalue()
        return mark_jpeg(data, self.provenance) if self.provenance and kind == "JPEG" else data

    def html(self) -> str:
        small = ' class="pixelated"' if max(self.size) < 256 else ""
        return f'<img{small} width="{self.size[0]}" height="{self.size[1]}" alt="" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, int]:
        return {"width": self.size[0], "height": self.size[1]}


class MarkedImage(Image):
    """A picture with a provenance mark, which is saved in files that have a place for it."""

    formats = (".png", ".jpg", ".jpeg", ".jfif", ".webp")
    noun = "a marked picture"


def mark_options(kind: str, provenance: Provenance) -> dict[str, Any]:
    """What Pillow takes to write a mark into a PNG or WebP; JPEG's is put in afterwards."""
    import PIL.PngImagePlugin

    if kind == "PNG":
        chunks = PIL.PngImagePlugin.PngInfo()
        chunks.add_itxt("XML:com.adobe.xmp", provenance.xmp())
        return {"pnginfo": chunks}
    return {"xmp": provenance.xmp().encode()} if kind == "WEBP" else {}


@contextmanager
def open_safely(data: bytes, name: str | Path) -> Iterator[PIL.Image.Image]:
    """Open a file's bytes with Pillow: known formats only, of bounded size, every error told in one line."""
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own, smaller, warning limit; ours is checked below
            with PIL.Image.open(io.BytesIO(data), formats=PICTURES) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    reject(f"{name} is larger than {MAX_PIXELS:,} pixels.", f"{picture.width} × {picture.height}")
                yield picture
    except UserError:
        raise
    except PIL.Image.DecompressionBombError:
        raise UserError(f"{name} is larger than {MAX_PIXELS:,} pixels.", received=str(name)) from None
    except PIL.UnidentifiedImageError:
        raise UserError(f"{name} is not a picture of a known format.", received=describe(data)) from None
    except Exception as error:  # decoders raise whatever they like on broken files
        raise UserError(f"{name} is a broken picture: {error}.", received=describe(data)) from None


@functools.lru_cache(maxsize=2**20)
def check_file(path: str, size: int, modified: int) -> None:
    """``Image.check`` of a file in this state, done once."""
    data = read_bytes(path)
    with open_safely(data, path) as picture:
        kind, mode = picture.format, picture.mode
        picture.verify()
    tail = data[-TAIL_BYTES:]
    whole = {
        "PNG": True,  # verified
        "JPEG": b"\xff\xd9" in tail[max(0, tail.rfind(b"\xff\xda")) :],
        "GIF": tail.rstrip(b"\0").endswith(b";"),
        "WEBP": int.from_bytes(data[4:8], "little") + 8 <= len(data),
    }.get(kind or "", False)
    if not whole or mode.startswith(("I", "F")):
        Image.decode(data, path)  # a phone may put a video behind a picture; a value may be out of range


def resize_and_crop(picture: PIL.Image.Image, height: int, width: int) -> PIL.Image.Image:
    """Scale a picture (antialiased) until it just covers this shape, and cut out the middle."""
    import PIL.Image
    import PIL.ImageOps

    return PIL.ImageOps.fit(picture, (width, height), PIL.Image.Resampling.BICUBIC)


def name_images(images: Sequence[Image]) -> list[str]:
    """What the rows of a table of pictures are called: their files' names, and the places, from 0, of those from no file."""
    return [image.name or str(number) for number, image in enumerate(images)]
