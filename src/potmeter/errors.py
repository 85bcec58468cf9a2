"""The one exception that means "the user can mend this"."""

import re
from collections.abc import Iterable
from typing import NoReturn

NOTHING = object()
"""Stands for no value at all, since ``None`` may be what was received."""


class UserError(Exception):
    """A mistake of the user's, told in one line that names the thing and ends with what was received.

    The command line prints it after ``potmeter: error:`` and exits with 2; the gallery shows it as a message.
    Everything else that is raised is a bug of ours.

    Example:
        >>> raise UserError("steps must be at least 1.", received=-3)
        Traceback (most recent call last):
        potmeter.errors.UserError: steps must be at least 1. Received: -3
    """

    def __init__(self, message: str, *, received: object = NOTHING) -> None:
        line = " ".join(str(message).split())
        if received is not NOTHING:
            line += f" Received: {shorten(received)}"
        super().__init__(line)


def reject(message: str, received: object) -> NoReturn:
    """Raise a UserError; reads well in a ``__post_init__``: ``self.steps > 0 or reject("steps …", self.steps)``."""
    raise UserError(message, received=received)


def suggest(word: str, known: Iterable[str], otherwise: str = "", *, prefix: str = "", cutoff: float = 0.6) -> str:
    """The end of a message about an unknown name: which known one was meant, or ``otherwise``.

    Args:
        word: What was received.
        known: The names there are.
        otherwise: Where none of them is near.
        prefix: What every name is written with, and which makes no two alike: the dashes of a flag.
        cutoff: From 0 to 1: how alike a name must be, as ``difflib`` measures it.

    Example:
        >>> suggest("hopper", ["Hopper", "Walker"]), suggest("ant", ["Hopper"], "There is one.")
        ('Did you mean Hopper?', 'There is one.')
    """
    import difflib  # only when something is wrong

    near = difflib.get_close_matches(word, list(known), 1, cutoff)
    return f"Did you mean {prefix}{near[0]}?" if near else otherwise


def missing_extra(what: str, extra: str, missing: str | None) -> UserError:
    """The error to raise where ``what`` needs an optional dependency; how it is installed is said here and nowhere else.

    Example:
        >>> str(missing_extra("The gallery", "gallery", "gradio"))
        "The gallery needs an extra: in the checkout, pip install -e '.[gallery]'. Received: no gradio"
    """
    return UserError(f"{what} needs an extra: in the checkout, pip install -e '.[{extra}]'.", received=f"no {missing}")


def out_of_memory(error: BaseException) -> bool:
    """Whether the memory does not suffice, in the words of Python, NumPy or torch."""
    words = "allocate|out of memory|calculation overflowed|Overflow when unpacking"
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(re.search(words, str(error))))


def shorten(value: object, limit: int = 120) -> str:
    """The value on one line, cut in the middle where it is longer than ``limit`` characters."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split()) or "''"
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 3 :]}"
