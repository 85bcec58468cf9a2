"""Speed, measured beside the peer one would otherwise use, in one run, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from potmeter.core.progress import progress
from potmeter.errors import UserError, reject
from potmeter.registry import Entry

selected_rows: ContextVar[tuple[str, ...]] = ContextVar("selected", default=())
"""The rows that the user asked for; none = all."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison. Make it with ``compare``."""

    what: str
    """What is measured, in a few words."""
    ours: float
    peer: float | None
    """None where no peer can do it."""
    peer_name: str
    ratio: float | None
    """How many times better ours is: above 1 we are."""
    limit: float | None
    """What this machine could reach at best, in the same unit; None where it is unknown."""
    unit: str
    note: str = ""
    """Why it is so, from the profile."""


@contextmanager
def one_core() -> Iterator[None]:
    """Let torch work in one thread, as long as this is measured."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def compare(
    what: str, unit: str, ours: float, peer: float | None, peer_name: str, *, limit: float | None = None, note: str = ""
) -> Row:
    """A Row; of a unit that is a rate (``images/s``, ``kimg/h``) more is better, of any other (``s``, ``MB``) less.

    Raises:
        ValueError: There is no peer, and no note that says why not.
    """
    if peer is None and not note:
        raise ValueError(f"{what} has no peer: a note says why.")
    rate = "/s" in unit or "/h" in unit or "per second" in unit
    ratio = None if peer is None else (ours / peer if rate else peer / ours)
    return Row(what=what, ours=ours, peer=peer, peer_name=peer_name, ratio=ratio, limit=limit, unit=unit, note=note)


def interleave(functions: dict[str, Callable[[], float]], rounds: int = 7) -> dict[str, float]:
    """Medians of several functions that each measure once, called in turns, so that all meet the same disturbances.

    Every function is called once before, and not counted. The order turns round from round to round.

    Example:
        >>> interleave({"a": lambda: 1.0, "b": lambda: 2.0}, rounds=3)
        {'a': 1.0, 'b': 2.0}
    """
    values: dict[str, list[float]] = {name: [] for name in functions}
    for measure in functions.values():
        measure()
    for number in progress(range(rounds), " / ".join(functions)):
        for name in list(functions)[:: 1 if number % 2 == 0 else -1]:
            values[name].append(functions[name]())
    return {name: statistics.median(taken) for name, taken in values.items()}


def stopwatch(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
    """The function as one that returns the seconds it takes, for ``interleave``."""

    def measure() -> float:
        started = clock()
        function()
        return clock() - started

    return measure


# What a system's bench.py says ----------------------------------------------------------------------------------


def is_selected(what: str) -> bool:
    """Whether the user asked for this row: a ``rows()`` may skip, before measuring, what nobody wants."""
    return not selected_rows.get() or any(word.lower() in what.lower() for word in selected_rows.get())


def rows(entry: Entry, words: tuple[str, ...] = ()) -> Iterator[Row]:
    """The rows that a system's ``bench.py`` measures, of which ``words`` select some by parts of their names.

    Raises:
        UserError: There is no bench.py, or a peer is not installed.
    """
    (entry.source / "bench.py").is_file() or reject(f"{entry.name} has no bench.py.", entry.name)
    token = selected_rows.set(words)
    try:
        yield from (row for row in entry.import_module("bench").rows() if is_selected(row.what))
    except ModuleNotFoundError as error:
        hint = "the benchmarks' peers are installed by `make bench`"
        raise UserError(f"{error.name} is not installed; {hint}.", received=error.name) from None
    finally:
        selected_rows.reset(token)
