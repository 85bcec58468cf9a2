"""Many pictures as one thing: a file that holds them all, or a folder of them."""

from __future__ import annotations

import html
import io
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePath

from potmeter.errors import UserError, reject
from potmeter.media.image import Image, name_images
from potmeter.media.medium import Medium


@dataclass(frozen=True, eq=False)
class Album(Medium):
    """Pictures in an order, each with its name: that of the file it came from, or its number.

    Args:
        images: At least one.
    """

    images: Sequence[Image]

    suffix = ".zip"
    formats = (".zip",)
    noun = "an album of pictures"
    in_folder = True

    def __post_init__(self) -> None:
        self.images or reject("An album has at least one picture.", 0)

    @property
    def file_names(self) -> list[str]:
        """What the files in it are called: the pictures' names as .png, each once."""
        names: dict[str, None] = {}  # in order
        for stem in (PurePath(name).stem for name in name_images(self.images)):
            numbered = (f"{stem}-{number}" for number in count(2))
            names[next(name for name in chain([stem], numbered) if name not in names)] = None
        return [f"{name}.png" for name in names]

    def save(self, path: str | Path) -> Path:
        """Write the pictures into a folder; or, where the path ends in .zip, into one file. Returns the path."""
        path = Path(path)
        if path.suffix[1:].isalnum() and not path.is_dir():
            return super().save(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            # aside at first: where the disk is full, no half of them stays
            with tempfile.TemporaryDirectory(prefix=".saving-", dir=path) as aside:
                for name, image in zip(self.file_names, self.images, strict=True):
                    (Path(aside) / name).write_bytes(image.encode(".png"))
                for name in self.file_names:
                    (Path(aside) / name).replace(path / name)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
        return path

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:  # PNG is compressed already
            for name, image in zip(self.file_names, self.images, strict=True):
                file.writestr(zipfile.ZipInfo(name), image.encode(".png"))
        return buffer.getvalue()

    def html(self) -> str:
        figures = (
            f"<figure>{image.html()}<figcaption>{html.escape(name)}</figcaption></figure>"
            for name, image in zip(name_images(self.images), self.images, strict=True)
        )
        return f'<div class="potmeter">{"".join(figures)}</div>'

    def json(self) -> list[dict[str, int | str]]:
        return [{"name": name, **image.json()} for name, image in zip(self.file_names, self.images, strict=True)]
