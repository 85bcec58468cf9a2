"""What may come in: files from the upload folder only, of known kinds and bounded size, and texts of bounded length."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.errors import UserError, reject

MAX_UPLOAD = 16 * 2**20
"""Bytes of one file."""
MAX_PIXELS = 25_000_000
"""Of one picture: decoded it takes three bytes each."""
MAX_FILES = 100
"""In one list."""
MAX_TEXT = 20_000
"""Characters of one text."""
MAX_SECONDS = 600
"""Of one sound or video."""


def upload_folder() -> Path:
    """Where uploads are, and the only place from which a file is read for a user."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder()).resolve()


def resolve_upload(payload: Any) -> tuple[Path, str]:
    """The file behind what the page or a program sent, and the name it had. Raises UserError for any other path."""
    path = payload.get("path") if isinstance(payload, dict) else payload
    if not isinstance(path, str) or not path:
        reject("A file must be uploaded first.", payload)
    try:
        real = Path(path).resolve()
    except (OSError, ValueError):  # a null byte, a name without end
        reject("Only uploaded files are read.", path)
    if not (real.is_relative_to(upload_folder()) and real.is_file()):
        reject("Only uploaded files are read.", path)
    name = payload.get("orig_name") if isinstance(payload, dict) else None
    "\0" not in str(name) or reject("A file's name has no null byte.", ascii(name))
    return real, Path(str(name or real.name).replace("\\", "/")).name


def open_upload(p: Parameter, payload: Any) -> media.Medium:
    """An uploaded file as the medium that a parameter takes. Raises UserError for what is too large or of no known kind."""
    path, name = resolve_upload(payload)
    if path.suffix.lower() not in p.type.suffixes:
        reject(f"{p.name} takes a file of kind {', '.join(p.type.suffixes)}.", name)
    if (size := path.stat().st_size) > MAX_UPLOAD:
        reject(f"{name} is larger than {MAX_UPLOAD >> 20} MiB.", f"{size:,} bytes")
    try:
        if p.type is media.Image:
            check_picture(path, name)
        elif p.type in (media.Audio, media.Video):
            check_duration(path, name)
        medium: media.Medium = p.type.open(path)
    except UserError as error:  # which knows the file by its place on this machine
        raise UserError(str(error).replace(str(path), name)) from None
    if isinstance(medium, media.Text):
        check_text(p.name, medium.text)
    return medium


def check_picture(path: Path, name: str) -> None:
    """Refuse by its header a picture that would be too large when decoded, or is of a format not meant for pictures."""
    import warnings

    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit, above ours
            with PIL.Image.open(path, formats=media.PICTURES) as picture:
                width, height = picture.size
    except PIL.Image.DecompressionBombError:
        reject(f"{name} is larger than {MAX_PIXELS:,} pixels.", name)
    except Exception:  # decoders raise whatever they like on broken files
        reject(f"{name} is not a picture of a known format.", media.describe(path.read_bytes()[:64]))
    width * height <= MAX_PIXELS or reject(f"{name} is larger than {MAX_PIXELS:,} pixels.", f"{width} × {height}")


def check_duration(path: Path, name: str) -> None:
    """Refuse by its header a sound or video that is too long."""
    import av

    try:
        with av.open(str(path)) as container:
            seconds = (container.duration or 0) / av.time_base
    except av.FFmpegError:
        reject(f"{name} is not a sound or video of a known format.", name)
    seconds <= MAX_SECONDS or reject(f"{name} is longer than {MAX_SECONDS} s.", f"{seconds:.0f} s")


def check_text(name: str, text: str) -> str:
    """The text itself. Raises UserError when it is too long, or holds a null byte, which no text does."""
    "\0" not in text or reject(f"{name} has no null byte.", ascii(text))
    len(text) <= MAX_TEXT or reject(f"{name} has at most {MAX_TEXT:,} characters.", f"{len(text):,} characters")
    return text


def check_word(name: str, word: str) -> str:
    """A text that a system may take for the name of a file. Raises UserError when it is one, or looks like one."""
    is_path = (
        os.path.exists(word) or "\0" in word or (len(word.split()) == 1 and word.startswith(("/", "\\", "~", ".")))
    )
    not is_path or reject(f"{name} names a file of the machine, and the gallery reads none but uploaded ones.", word)
    return check_text(name, word)
