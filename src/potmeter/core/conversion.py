"""Media from whatever a user has at hand: a path, a text, a Pillow image, an array, a tensor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.errors import UserError, reject


def require_utf8(name: str, text: str) -> str:
    """The text itself. Raises UserError where a command line's bytes were not UTF-8: Python keeps them as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(f"{name} is not UTF-8 text.", received=ascii(text)) from None
    return text


def to_medium(name: str, kind: type[media.Medium], value: Any) -> media.Medium:
    """A medium from itself, a path, or (pictures) a Pillow image, an array or a tensor; a Text also from the text."""
    if isinstance(value, kind):
        return value
    if kind is media.Text and isinstance(value, str) and not os.path.isfile(value):
        return media.Text(require_utf8(name, value))
    if isinstance(value, (str, Path)):
        return kind.open(value)
    if kind is media.Image:
        if hasattr(value, "getexif"):
            return media.Image.from_pil(value)
        if hasattr(value, "detach"):
            return media.Image.from_tensor(value)
        if hasattr(value, "dtype"):
            return media.Image.from_array(value)
    raise UserError(f"{name} takes {kind.__name__} or a path to one.", received=type(value).__name__)


def expand_folder(value: Any, kind: type[media.Medium]) -> list[Any]:
    """A folder as the sorted files of that kind in it; anything else as itself."""
    if not isinstance(value, (str, Path)) or not os.path.isdir(
        value
    ):  # os.path: a text may be too long or odd for a path
        return [value]
    try:
        files = sorted(p for p in Path(value).iterdir() if p.suffix.lower() in kind.suffixes and p.name[0] != ".")
    except OSError as error:
        raise UserError(f"{value} cannot be read: {error.strerror}.", received=str(value)) from None
    return files or reject(f"The folder holds no file of kind {', '.join(kind.suffixes)}.", str(value))
