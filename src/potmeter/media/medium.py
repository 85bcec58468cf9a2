"""What every medium has in common: a file it is read from and saved in, and a way to appear in a page."""

from __future__ import annotations

import base64
import html
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from potmeter.errors import UserError, reject

MAX_BYTES = 512 * 2**20
"""Largest file that is read as a medium."""
MAX_PIXELS = 100_000_000
"""Largest picture, in pixels, that is decoded; and the longest sound, or video in memory, in samples or pixels, times 10."""


@dataclass(frozen=True, eq=False)
class Medium:
    """Base of the media types: one file format to save in, one way to appear in HTML."""

    suffix: ClassVar[str]
    """Ending of the file that ``save`` writes when the path has none."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings by which a folder is searched for such files."""

    formats: ClassVar[tuple[str, ...]] = ()
    """Endings of the files that ``save`` writes; none: any."""
    in_folder: ClassVar[bool] = False
    """Whether ``save`` makes a folder of several files where the path is one, or has no ending."""
    noun: ClassVar[str]
    """What one is called: a picture."""

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read a file. Raises UserError when it is missing, unreadable or of another kind."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the medium to a file, in the format that the path's ending names, and return the path."""
        path = Path(path)
        path = path if path.suffix else path.with_suffix(self.suffix)
        data = self.encode(path.suffix.lower())  # before anything is opened, so that an error leaves nothing behind
        with write_aside(path) as aside:
            aside.write_bytes(data)
        return path

    @classmethod
    def check_format(cls, suffix: str) -> None:
        """Raise UserError for an ending that ``save`` does not write."""
        if cls.formats and suffix.lower() not in cls.formats:
            *first, last = cls.formats
            listed = f"{', '.join(first)} or {last}" if first else last
            reject(f"{cls.noun[:1].upper()}{cls.noun[1:]} is saved as {listed}.", suffix)

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
        return notebook_html({"": self})


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A file to write to, which gets its name when all is in it; after an error there is none. Raises UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".saving-{os.getpid()}-{threading.get_ident()}")
        try:
            yield aside
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None


def read_bytes(path: str | Path, first: int | None = None) -> bytes:
    """The bytes of a user's file, of at most ``MAX_BYTES``; or only the first so many of one of any size."""
    path = Path(path)
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder, not a file.", received=str(path))
        if (size := path.stat().st_size) > MAX_BYTES and first is None:
            raise UserError(f"{path} is larger than {MAX_BYTES >> 20} MiB.", received=f"{size:,} bytes")
        with path.open("rb") as file:
            data = file.read(first or (size or MAX_BYTES) + 1)  # a device says that its size is 0, and never ends
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


NOTEBOOK_STYLE = """
.potmeter { display: flex; flex-wrap: wrap; gap: 1em 1.6em; align-items: flex-start }
.potmeter figure { margin: 0; max-width: 100% }
.potmeter figcaption, .potmeter .caption { opacity: .7; margin: .3em 0 0 }
.potmeter img, .potmeter video { max-width: 100%; height: auto }
.potmeter .pixelated { image-rendering: pixelated; min-width: 8em }
.potmeter pre.text { white-space: pre-wrap; max-width: 44em }
.potmeter .bars { display: grid; gap: .3em .8em; align-items: center;
  grid-template-columns: fit-content(16em) minmax(3em, 20em) max-content }
.potmeter .bar { display: contents }
.potmeter .bar b { display: block; height: 1em; background: #a5391b }
.potmeter .bar i { font-style: normal }
"""
"""What pages have in their style sheets."""


def notebook_html(media: dict[str, Medium]) -> str:
    """Media as a notebook shows them: each with its name, side by side where there is room."""
    figures = [
        f"<figure>{medium.html()}{f'<figcaption>{html.escape(name)}</figcaption>' if name else ''}</figure>"
        for name, medium in media.items()
    ]
    return f'<style>{NOTEBOOK_STYLE}</style><div class="potmeter">{"".join(figures)}</div>'
