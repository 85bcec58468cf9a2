"""Lines for the user beside the results: on stderr, because stdout belongs to ``--json``."""

from __future__ import annotations

import sys

pending: dict[str, str] = {}
"""What was noted and not told yet, in order, by what it is about."""
told: set[str] = set()


def announce(line: str) -> None:
    """Tell the user something at once: that one has to wait, and for what."""
    print(f"potmeter: {line}", file=sys.stderr, flush=True)


def note(line: str, about: str = "") -> None:
    """Keep a line to tell the user once the work begins, or is done: a mistake that ends it is told in one line alone.

    Args:
        line: The line.
        about: A later line about the same replaces it.
    """
    if line not in told:
        pending[about or line] = line


def tell_notes() -> None:
    """Tell what was noted, each line once."""
    for line in pending.values():
        announce(line)
    told.update(pending.values())
    pending.clear()


def drop_notes() -> None:
    """Forget what was noted, and what was told."""
    pending.clear()
    told.clear()
