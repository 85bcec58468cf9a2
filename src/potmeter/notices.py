"""Lines for the user beside the results: on stderr, because stdout belongs to ``--json``."""

from __future__ import annotations

import sys

announced: set[str] = set()


def announce(line: str, *, once: bool = False) -> None:
    """Tell the user something.

    Args:
        line: One line.
        once: Not again where this process has said it already: the same folder may be read for every part.
    """
    if not (once and line in announced):
        announced.add(line)
        print(f"potmeter: {line}", file=sys.stderr, flush=True)
