"""What goes into a system and comes out of it: text, pictures, sounds, videos, tables and charts.

Every medium is a frozen dataclass that opens a file, saves itself, and shows itself in a notebook or a page.
Heavy libraries are imported where they are used, so that the command line can know the types without them.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import math
import os
import warnings
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from potmeter.errors import UserError, reject

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    import torch

MAX_BYTES = 512 * 2**20
"""Largest file that is read as a medium."""
PICTURES = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Formats that are decoded; Pillow knows others, some of which start a program."""
MAX_PIXELS = 100_000_000
"""Largest picture, in pixels, that is decoded; and the longest sound or video, in samples or pixels in all, times 10."""


@dataclass(frozen=True, eq=False)
class Medium:
    """Base of the media types: one file format to save in, one way to appear in HTML."""

    suffix: ClassVar[str]
    """Ending of the file that ``save`` writes when the path has none."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings by which a folder is searched for such files."""

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read a file. Raises UserError when it is missing, unreadable or of another kind."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the medium to a file, in the format that the path's ending names, and return the path."""
        path = Path(path)
        path = path if path.suffix else path.with_suffix(self.suffix)
        data = self.encode(path.suffix.lower())  # before anything is opened, so that an error leaves nothing behind
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".saving-{os.getpid()}-{id(data)}")
            try:
                aside.write_bytes(data)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
        return path

    def encode(self, suffix: str) -> bytes:
        """The file's bytes in the format that ``suffix`` names. Raises UserError for an unknown one."""
        raise NotImplementedError

    def html(self) -> str:
        """A self-contained HTML fragment."""
        raise NotImplementedError

    def json(self) -> Any:
        """What ``--json`` prints: plain values, pictures and sounds by their size."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.html()


# Text ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Text(Medium):
    """A piece of text.

    Example:
        >>> Text("It was a truth").json()
        'It was a truth'
    """

    text: str

    suffix = ".txt"
    suffixes = (".txt", ".md")

    @classmethod
    def open(cls, path: str | Path) -> Text:
        """Read a UTF-8 text file, without the byte-order mark that spreadsheets put first."""
        try:
            return cls(read_bytes(path).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 text (byte {error.start}).", received=str(path)) from None

    @property
    def lines(self) -> list[str]:
        """The lines, each ended by a line feed alone: other signs that end lines may stand within a sentence."""
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n") if self.text else []

    def encode(self, suffix: str) -> bytes:
        return self.text.encode()

    def html(self) -> str:
        return f'<pre class="text">{html.escape(self.text)}</pre>'

    def json(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text


# Image -----------------------------------------------------------------------------------------------------------


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


# Audio -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Audio(Medium):
    """A sound with one channel.

    Args:
        samples: float32 array of shape (time,), values in [-1, 1].
        rate: Samples per second.
    """

    samples: np.ndarray
    rate: int

    suffix = ".wav"
    suffixes = (".wav", ".flac", ".ogg", ".mp3")

    @classmethod
    def open(cls, path: str | Path) -> Audio:
        """Read a sound; several channels are averaged into one."""
        import soundfile

        data = read_bytes(path)
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                file.frames > 0 or reject(f"{path} holds no samples.", describe(data))
                size = file.frames * file.channels
                size <= 10 * MAX_PIXELS or reject(f"{path} is too long a sound.", f"{size:,} samples")
                samples = file.read(dtype="float32", always_2d=True).mean(axis=1)
                return cls(samples, file.samplerate)
        except soundfile.LibsndfileError:
            raise UserError(f"{path} is not a sound of a known format.", received=describe(data)) from None

    def resampled(self, rate: int) -> Audio:
        """The same sound at another rate, by polyphase filtering."""
        if rate == self.rate:
            return self
        from math import gcd

        import numpy as np
        from scipy.signal import resample_poly

        divisor = gcd(rate, self.rate)
        samples = resample_poly(self.samples.astype(np.float64), rate // divisor, self.rate // divisor)
        return Audio(samples.astype(np.float32), rate)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    def encode(self, suffix: str) -> bytes:
        import soundfile

        suffix in self.suffixes or reject("A sound is saved as .wav, .flac, .ogg or .mp3.", suffix)
        buffer = io.BytesIO()
        soundfile.write(buffer, self.samples, self.rate, format=suffix[1:].upper())
        return buffer.getvalue()

    def html(self) -> str:
        return f'<audio controls src="{data_uri(self, ".wav")}"></audio>'

    def json(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 3), "rate": self.rate}


# Video -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Video(Medium):
    """A silent video.

    Args:
        frames: uint8 array of shape (time, height, width, 3).
        fps: Frames per second.
    """

    frames: np.ndarray
    fps: float = 12.0

    suffix = ".mp4"
    suffixes = (".mp4", ".webm", ".mov", ".avi", ".mkv")

    @classmethod
    def open(cls, path: str | Path) -> Video:
        """Read the first video stream, whole."""
        import av
        import numpy as np

        data = read_bytes(path)
        try:
            with av.open(io.BytesIO(data), "r") as container:
                stream, frames, pixels = container.streams.video[0], [], 0
                for frame in container.decode(stream):
                    pixels += frame.width * frame.height
                    pixels <= 10 * MAX_PIXELS or reject(
                        f"{path} is too long a video.", f"over {10 * MAX_PIXELS:,} pixels"
                    )
                    frames.append(frame.to_ndarray(format="rgb24"))
                return cls(np.stack(frames), float(stream.average_rate or 12))
        except (av.FFmpegError, IndexError, ValueError):
            raise UserError(f"{path} is not a video of a known format.", received=describe(data)) from None

    def encode(self, suffix: str) -> bytes:
        from fractions import Fraction

        import av

        suffix in (".mp4", ".mov", ".mkv") or reject("A video is saved as .mp4, .mov or .mkv.", suffix)
        buffer, (height, width) = io.BytesIO(), self.frames.shape[1:3]
        with av.open(buffer, "w", format="matroska" if suffix == ".mkv" else suffix[1:]) as container:
            stream = container.add_stream("libx264", rate=Fraction(self.fps).limit_denominator(1000))
            stream.width, stream.height = width - width % 2, height - height % 2  # the codec takes even sizes only
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
            for pixels in self.frames[:, : stream.height, : stream.width]:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return buffer.getvalue()

    def html(self) -> str:
        return f'<video controls loop autoplay muted src="{data_uri(self, ".mp4")}"></video>'

    def json(self) -> dict[str, float]:
        return {
            "frames": len(self.frames),
            "height": self.frames.shape[1],
            "width": self.frames.shape[2],
            "fps": self.fps,
        }


# Table and Chart -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Table(Medium):
    """Rows under named columns.

    Example:
        >>> Table(("word", "similarity"), [("queen", 0.71)]).json()
        [{'word': 'queen', 'similarity': 0.71}]
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    suffix = ".csv"
    suffixes = (".csv",)

    @classmethod
    def open(cls, path: str | Path) -> Table:
        """Read a UTF-8 CSV file with a header; numbers become floats."""
        try:
            rows = [row for row in csv.reader(io.StringIO(Text.open(path).text, newline="")) if row]
        except csv.Error as error:
            raise UserError(f"{path} is not a table: {error}.", received=str(path)) from None
        rows or reject(f"{path} is an empty table.", str(path))
        width = len(rows[0])
        for number, row in enumerate(rows, 1):
            len(row) == width or reject(f"{path} line {number} must have {width} columns.", f"{len(row)} columns")
        return cls(tuple(rows[0]), [tuple(number_or_text(cell) for cell in row) for row in rows[1:]])

    def encode(self, suffix: str) -> bytes:
        suffix in (".csv", ".json") or reject("A table is saved as .csv or .json.", suffix)
        if suffix == ".json":
            return json.dumps(self.json(), ensure_ascii=False, indent=1).encode()
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([self.columns, *self.rows])
        return buffer.getvalue().encode()

    def html(self) -> str:
        head = "".join(f"<th>{html.escape(str(name))}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(brief(v))}</td>" for v in row) + "</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def json(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __str__(self) -> str:
        cells = [[brief(value) for value in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells
        )


@dataclass(frozen=True, eq=False)
class Bars(Medium):
    """Named values between 0 and 1, largest first as a rule: what a classifier thinks.

    Example:
        >>> print(Bars({"cat": 0.9, "dog": 0.1}))
        cat  90.0 %  ██████████████████
        dog  10.0 %  ██
    """

    values: dict[str, float]

    suffix = ".csv"

    def encode(self, suffix: str) -> bytes:
        return Table(("name", "value"), list(self.values.items())).encode(suffix)

    def html(self) -> str:
        rows = "".join(
            f'<div class="bar"><span>{html.escape(name)}</span><b style="width:{100 * value:.1f}%"></b>'
            f"<i>{100 * value:.1f} %</i></div>"
            for name, value in self.values.items()
        )
        return f'<div class="bars">{rows}</div>'

    def json(self) -> dict[str, float]:
        return {name: round(value, 6) for name, value in self.values.items()}

    def __str__(self) -> str:
        wide = max(map(len, self.values), default=0)
        return "\n".join(
            f"{n:{wide}}  {100 * v:4.1f} %  {'█' * round(20 * v)}".rstrip() for n, v in self.values.items()
        )


@dataclass(frozen=True, eq=False)
class Chart(Medium):
    """Lines (or points) over a common horizontal axis.

    Args:
        lines: For each name, the points (x, y) in order.
        x, y: What the axes mean, with units.
        log_x: Whether the horizontal axis is logarithmic.
        points: Draw points instead of lines: a scatter plot, one colour a name.
    """

    lines: dict[str, list[tuple[float, float]]]
    x: str
    y: str
    log_x: bool = False
    points: bool = False

    suffix = ".png"

    def encode(self, suffix: str) -> bytes:
        suffix in (".png", ".svg", ".pdf") or reject("A chart is saved as .png, .svg or .pdf.", suffix)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
        axes = figure.add_subplot()
        for name, line in self.lines.items():
            xs, ys = zip(*line, strict=True) if line else ((), ())
            marker, line_style = (".", "") if self.points else ("o", "-")
            axes.plot(xs, ys, label=verbatim(name), marker=marker, linestyle=line_style, markersize=3)
        axes.set(xlabel=verbatim(self.x), ylabel=verbatim(self.y), xscale="log" if self.log_x else "linear")
        axes.grid(alpha=0.3)
        if len(self.lines) > 1:
            axes.legend(frameon=False, markerscale=3 if self.points else 1)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix[1:])
        return buffer.getvalue()

    def html(self) -> str:
        return f'<img alt="{html.escape(self.y)} over {html.escape(self.x)}" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, list[tuple[float, float]]]:
        return self.lines


# Page ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Page(Medium):
    """A sheet of paper to print: a picture at its physical size, and a 5 cm rule that shows whether it came out so.

    Args:
        picture: What is printed, in the middle.
        width: Of the picture on paper, in centimetres; its height follows.
        note: A line below it.
        sheet: Width and height of the paper in centimetres; A4 by default.

    Raises:
        UserError: When the picture does not fit on the sheet.
    """

    picture: Image
    width: float
    note: str = ""
    sheet: tuple[float, float] = (21.0, 29.7)

    suffix = ".pdf"

    def __post_init__(self) -> None:
        fits = 0 < self.width <= self.sheet[0] - 1 and self.height <= self.sheet[1] - 5
        fits or reject(f"The picture must fit on a sheet of {self.sheet[0]:g} × {self.sheet[1]:g} cm.", self.width)

    @property
    def height(self) -> float:
        """Of the picture on paper, in centimetres."""
        return self.width * self.picture.size[1] / self.picture.size[0]

    def encode(self, suffix: str) -> bytes:
        suffix in (".pdf", ".png", ".svg") or reject("A page is saved as .pdf, .png or .svg.", suffix)
        from matplotlib.figure import Figure

        (across, down), buffer = self.sheet, io.BytesIO()
        figure = Figure(figsize=(across / 2.54, down / 2.54), dpi=72 if suffix == ".png" else 100)
        left, bottom = (across - self.width) / 2, (down - self.height) / 2 + 1
        place = (left / across, bottom / down, self.width / across, self.height / down)
        axes = figure.add_axes(place, frameon=False, xticks=(), yticks=())
        axes.imshow(self.picture.pixels, interpolation="none" if suffix != ".png" else "antialiased", aspect="auto")
        rule = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(0, across), ylim=(0, down), xticks=(), yticks=())
        rule.plot([across / 2 - 2.5, across / 2 + 2.5], [2.2, 2.2], color="black", linewidth=1, marker="|")
        rule.text(across / 2, 1.5, "5 cm: print without scaling", ha="center", va="center", fontsize=9)
        rule.text(across / 2, bottom - 1, verbatim(self.note), ha="center", va="center", fontsize=11)
        dated = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
        figure.savefig(buffer, format=suffix[1:], metadata=dated[suffix])
        return buffer.getvalue()

    def html(self) -> str:
        return f'<img alt="{html.escape(self.note)}" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, Any]:
        return {"width_cm": self.width, "height_cm": round(self.height, 3), "sheet_cm": list(self.sheet)}


# Results: one medium, or a frozen dataclass of media -------------------------------------------------------------


def parts(result: Any) -> dict[str, Medium]:
    """The media of a result by name: {"": medium} for a single one, the fields of a dataclass of media otherwise."""
    if isinstance(result, Medium):
        return {"": result}
    if is_dataclass(result) and not isinstance(result, type):
        media = {field.name: getattr(result, field.name) for field in fields(result)}
        if all(isinstance(medium, Medium) for medium in media.values()):
            return media
    raise TypeError(f"A result is a medium or a dataclass of media, not {type(result).__name__}.")


# Small helpers ---------------------------------------------------------------------------------------------------


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a user's file, of at most ``MAX_BYTES``."""
    path = Path(path)
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder, not a file.", received=str(path))
        if (size := path.stat().st_size) > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES >> 20} MiB.", received=f"{size:,} bytes")
        with path.open("rb") as file:
            data = file.read((size or MAX_BYTES) + 1)  # a device says that its size is 0, and never ends
        len(data) <= MAX_BYTES or reject(f"{path} is larger than {MAX_BYTES >> 20} MiB.", "a file without end")
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be read: {reason}.", received=str(path)) from None
    return data or reject(f"{path} is empty.", "0 bytes")


def describe(data: bytes) -> str:
    """A few words about a file's bytes, for an error message."""
    return f"{len(data):,} bytes that begin {data[:16]!r}"


def data_uri(medium: Medium, suffix: str) -> str:
    """The medium as a ``data:`` address, to stand inside a page."""
    kind = {".png": "image/png", ".wav": "audio/wav", ".mp4": "video/mp4"}[suffix]
    return f"data:{kind};base64,{base64.b64encode(medium.encode(suffix)).decode()}"


def centre(picture: PIL.Image.Image, height: int, width: int) -> PIL.Image.Image:
    """Scale a picture (antialiased) until it just covers this shape, and cut out the middle."""
    import PIL.Image
    import PIL.ImageOps

    return PIL.ImageOps.fit(picture, (width, height), PIL.Image.Resampling.BICUBIC)


def number_or_text(cell: str) -> float | str:
    """A table's cell as a number where it is one; ``nan``, ``infinity`` and ``1_000`` are words."""
    try:
        return number if math.isfinite(number := float(cell)) and "_" not in cell else cell
    except ValueError:
        return cell


def verbatim(text: str) -> str:
    """A text as matplotlib shows it unchanged: between two dollar signs it would see a formula."""
    return text.replace("$", r"\$")


def brief(value: object) -> str:
    """A table's value as a reader wants it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
