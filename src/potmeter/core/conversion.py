"""Media from whatever a user has at hand: a path, a text, a Pillow image, an array, a tensor."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.data.files import is_hidden
from potmeter.errors import UserError, reject

FILE_NAME = re.compile(
    r"[^\s.]\.(?:txt|text|md|rst|csv|tsv|json|jsonl|html?|xml|ya?ml|tex|srt|pdf|docx?|odt|rtf|epub|log|py|png|jpe?g|wav|mp3|zip)$",
    re.IGNORECASE,
)
"""How the names of files end that somebody may want to be read as a text."""
MOST_SPACES = 3
"""Spaces in the name of a file; what has more is a sentence that ends in one."""


def require_utf8(name: str, text: str) -> str:
    """The text itself. Raises UserError where a command line's bytes were not UTF-8: Python keeps them as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(f"{name} is not UTF-8 text.", received=ascii(text)) from None
    return text


def expand_home(value: Any) -> Any:
    """A path or text; where it begins with ~/ and that is a file or folder, its path."""
    if isinstance(value, (str, Path)) and str(value).startswith("~/"):
        path = os.path.expanduser(value)
        return path if os.path.exists(path) else value
    return value


def to_medium(name: str, kind: type[media.Medium], value: Any) -> media.Medium:
    """A medium from itself or a path; a Text from the text; a picture also from a Pillow image, an array, a tensor, a file's
    bytes, or the file opened.

    Raises:
        UserError: For a file that cannot be read, a value of another kind, and for a text that looks like the path of a file
            which is not there; with a space behind it, it is the text.
    """
    if isinstance(value, kind):
        return value
    value = expand_home(value)
    if kind is media.Text and isinstance(value, str) and not os.path.isfile(value):
        if looks_like_path(value):
            message = f"There is no file of this name for {name}; if it is the text itself, put a space behind it."
            raise UserError(message, received=value)
        return media.Text(require_utf8(name, value.rstrip(" ") if looks_like_path(value.rstrip(" ")) else value))
    if isinstance(value, (str, Path)):
        return kind.open(value)
    if kind is media.Image:
        if callable(getattr(value, "read", None)):
            value = value.read()
        if isinstance(value, (bytes, bytearray, memoryview)):
            return media.Image.decode(bytes(value), name)
        if hasattr(value, "getexif"):
            return media.Image.from_pil(value)
        if hasattr(value, "detach"):
            return media.Image.from_tensor(value)
        if hasattr(value, "dtype"):
            return media.Image.from_array(value)
    others = ", or a Pillow image, an array, a tensor or a file's bytes" if kind is media.Image else ""
    raise UserError(f"{name} takes {kind.__name__} or a path to one{others}.", received=type(value).__name__)


def looks_like_path(text: str) -> bool:
    """Whether somebody who wrote this meant a file: by its ending, by how it begins, or by a folder that there is.

    Example:
        >>> [looks_like_path(text) for text in ("novel.txt", "./novel", "and/or", "It ended. Then", "letters.txt ")]
        [True, True, False, False, False]
    """
    if not text or len(text) > 4096 or "\n" in text or text != text.strip():
        return False
    if FILE_NAME.search(text) and text.count(" ") <= MOST_SPACES:
        return True
    folder = os.path.dirname(text)
    return " " not in text and (
        text.startswith(("./", "../", "~/")) or (folder.strip("/") != "" and os.path.isdir(folder))
    )


def refuse_path(name: str, text: str) -> str:
    """A text that is never read from a file.

    Raises:
        UserError: Where it is one word that looks like a file's path; with a space behind it, it is the text.
    """
    message = f"{name} takes a text, and reads no file; if this is the text, put a space behind it."
    return reject(message, text) if " " not in text and looks_like_path(text) else text


def expand_folder(value: Any, kind: type[media.Medium]) -> list[Any]:
    """A folder as the sorted files of that kind in it; anything else as itself."""
    value = expand_home(value)
    if not isinstance(value, (str, Path)) or not os.path.isdir(value):  # os.path: a text may be too odd for a path
        return [value]
    try:
        entries = sorted(p for p in Path(value).iterdir() if not is_hidden(p.name))
        files = [p for p in entries if p.suffix.lower() in kind.suffixes and not p.is_dir()]
    except OSError as error:
        raise UserError(f"{value} cannot be read: {error.strerror}.", received=str(value)) from None
    return files or reject(f"The folder holds no file of kind {', '.join(kind.suffixes)}.", str(value))
