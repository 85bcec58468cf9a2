"""Progress that every frontend (command line, gallery, tour) can show and cancel."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Whoever watches wants no more: raised by a reporter. What grows may yield what there is before it raises it again."""


Reporter = Callable[[str, int, int | None], None]
"""Called with a label, the number done, and the number in all (None when unknown); may raise ``Stopped``."""


reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def progress(items: Iterable[T], label: str, total: int | None = None, first: int = 0) -> Iterator[T]:
    """Yield the items, reporting each to whichever frontend is watching; of ``total`` the ``first`` are done already."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    for done, item in enumerate(items, first):
        if report := reporter.get():
            report(label, done, total)
        yield item
    if (report := reporter.get()) and total is not None:
        report(label, total, total)


INTERVAL = 10.0
"""Seconds between two lines where there is no terminal."""


def format_duration(seconds: float) -> str:
    """A length of time as one says it.

    Example:
        >>> [format_duration(s) for s in (0.4, 59.7, 600, 7900)]
        ['1 s', '60 s', '10 m', '2 h 12 m']
    """
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} m" if minutes < 90 else f"{minutes // 60} h {minutes % 60} m"


@contextmanager
def progress_in_lines() -> Iterator[None]:
    """Show ``progress`` on standard error as a line each ten seconds, for pipes and logs."""
    last = time.monotonic()

    def report(label: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= INTERVAL:
            print(f"{label}: {done:,}{f' of {total:,}' if total else ''}", file=sys.stderr, flush=True)
            last = time.monotonic()

    token = reporter.set(report)
    try:
        yield
    finally:
        reporter.reset(token)


@contextmanager
def show_progress() -> Iterator[None]:
    """Show ``progress`` on standard error: as a bar on a terminal, else in lines."""
    if not sys.stderr.isatty():
        with progress_in_lines():
            yield
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(label: str, done: int, total: int | None) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done, total=total)

        token = reporter.set(report)
        try:
            yield
        finally:
            reporter.reset(token)
