"""Errors in a user's own program: told with the user's own lines, as Python would, and not as a bug of ours."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

from potmeter.errors import UserError

LIBRARIES = tuple(
    {str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))}
)
"""Where files lie that are not the user's: this package, and what is installed."""


def find_user_code(error: BaseException) -> TracebackType | None:
    """The part of an error's traceback that begins in a file of the user's; None where no file of the user's takes part."""
    frames = error.__traceback__
    while frames is not None:
        name = frames.tb_frame.f_code.co_filename
        if not name.startswith((*LIBRARIES, "<")) and Path(name).resolve() != Path(sys.argv[0]).resolve():
            return frames
        frames = frames.tb_next
    return None


def describe_user_error(error: BaseException, received: str) -> UserError | None:
    """An error of the user's own program as one line; its traceback goes to standard error. None where it is ours.

    Args:
        error: What was raised.
        received: What was asked for.
    """
    own = find_user_code(error)
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith(LIBRARIES):
        place = f"{error.filename}, line {error.lineno}"
    elif own is None:
        return None
    else:
        last = own
        while last.tb_next is not None and not last.tb_next.tb_frame.f_code.co_filename.startswith(LIBRARIES):
            last = last.tb_next
        place = f"{last.tb_frame.f_code.co_filename}, line {last.tb_lineno}"
    traceback.print_exception(type(error), error, own, chain=False, file=sys.stderr)
    return UserError(f"{place}: {type(error).__name__}: {error}.", received=received)
