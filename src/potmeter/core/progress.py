"""Progress that every face can show and cancel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")


Reporter = Callable[[str, int, int | None], None]
"""Called with a label, the number done, and the number in all (None when unknown); may raise to cancel."""


reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items, reporting each to whichever face is watching."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    for done, item in enumerate(items):
        if report := reporter.get():
            report(label, done, total)
        yield item
    if (report := reporter.get()) and total is not None:
        report(label, total, total)


@contextmanager
def progress_on_terminal() -> Iterator[None]:
    """Show ``progress`` as a bar on standard error, when that is a terminal."""
    if not sys.stderr.isatty():
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
