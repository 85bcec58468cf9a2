"""What went wrong in a stop: in one line, and whether it is ours or a matter of what can be fetched here."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from potmeter import registry
from potmeter.errors import UserError, shorten

FETCHERS = {("potmeter.data.fetching.fetch", None), ("potmeter.core.weights", "download_from_hub")}
"""The places that raise when something must be fetched and cannot be: a module, and a function of it (None = any)."""


def explain(error: BaseException) -> str:
    """The error in one line, without the paths of this machine; of ours the whole goes to standard error."""
    if isinstance(error, UserError):
        line = str(error)
    else:
        traceback.print_exception(error, file=sys.stderr)
        line = f"{type(error).__name__}: {shorten(str(error), 300)}" if str(error) else type(error).__name__
    for path, name in ((registry.WEIGHTS.parent, "potmeter"), (Path.cwd(), "."), (Path.home(), "~")):
        line = line.replace(str(path), name) if len(path.parts) > 1 else line
    return line


def is_unavailable(error: BaseException) -> bool:
    """Whether what went wrong is that data or weights must be fetched and cannot be."""
    if not isinstance(error, UserError):
        return False
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    frames = [frame for one in chain for frame, _ in traceback.walk_tb(one.__traceback__)]
    places = [(frame.f_globals.get("__name__"), frame.f_code.co_name) for frame in frames]
    return any((module, None) in FETCHERS or (module, function) in FETCHERS for module, function in places)
