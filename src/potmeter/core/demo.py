"""What a system can show when it is touched: a place in a plane, knobs to turn, a sheet, words, a board to play on.

A ``demo.py`` in a system's folder has one function, ``demo(system) -> Demo | None``, which describes the interaction as
data and a function; None when these weights have none. A frontend draws it: so a system knows no frontend, and one
implementation serves all demos.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from potmeter.errors import reject
from potmeter.media import Image


@dataclass(frozen=True, kw_only=True)
class Demo:
    """An interaction: something the user sets, and what the system makes of it, at once."""

    title: str
    """Two or three words: ``drag a point``."""
    help: str
    """A sentence that says what to do and what to look for."""
    show: Callable[[Any], Any]
    """From the value that the user sets to a result (a medium, or a dataclass of media), in well under 100 ms."""
    actions: Mapping[str, Callable[[Any], Iterator[tuple[Any, Any]]]] = field(default_factory=dict)
    """Buttons: from the present value to ever new values, each with its result."""

    def check(self, value: Any) -> Any:
        """The value in the demo's form and bounds. Raises UserError for anything else."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Plane(Demo):
    """A point is dragged over a map. The value is (x, y)."""

    map: Image
    """What lies under the finger."""
    low: tuple[float, float]
    """x and y of the map's lower left corner."""
    high: tuple[float, float]
    """x and y of its upper right corner."""
    start: tuple[float, float]

    def check(self, value: Any) -> tuple[float, float]:
        x, y = check_numbers(value, 2)
        (left, bottom), (right, top) = self.low, self.high
        return min(max(x, left), right), min(max(y, bottom), top)


@dataclass(frozen=True, kw_only=True)
class Knobs(Demo):
    """Numbers, each with a slider of its own. The value is a tuple of them."""

    names: tuple[str, ...]
    low: float | tuple[float, ...]
    """Where the sliders begin, all or each."""
    high: float | tuple[float, ...]
    """Where they end."""
    start: tuple[float, ...]

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Where each slider begins and ends."""
        low, high = (v if isinstance(v, tuple) else (v,) * len(self.names) for v in (self.low, self.high))
        return list(zip(low, high, strict=True))

    def check(self, value: Any) -> tuple[float, ...]:
        return check_numbers(value, len(self.names))


@dataclass(frozen=True, kw_only=True)
class Sketch(Demo):
    """A sheet to draw on, white on black. The value is the picture."""

    pen_width: float = 0.07
    """Width of the stroke, as a share of the sheet."""

    def check(self, value: Any) -> Image:
        return value if isinstance(value, Image) else reject("A sketch is a picture.", type(value).__name__)


@dataclass(frozen=True, kw_only=True)
class Board(Demo):
    """A board on whose cells pieces are put. The value is the moves so far, each the number of an action.

    What is shown is a picture of the board that fills it with ``rows`` × ``columns`` equal cells, within ``margins``; a touch
    of one calls the action ``answer`` with the move added.
    """

    rows: int
    columns: int
    margins: tuple[float, float, float, float]
    """What lies left of, above, right of and below the cells, as a share of the picture's width, or height."""
    by_column: bool = False
    """Whether a move is a column, where pieces fall, and not a cell, counted row by row from the top."""
    actions: Mapping[str, Callable[[Any], Iterator[tuple[Any, Any]]]]
    """Buttons; the one called ``answer`` is none: it is called at a touch."""

    def check(self, value: Any) -> tuple[int, ...]:
        good = isinstance(value, (list, tuple)) and all(type(v) is int and 0 <= v < 1000 for v in value)
        (good and len(value) <= 2000) or reject("This takes the numbers of moves.", value)
        return tuple(value)


@dataclass(frozen=True, kw_only=True)
class Words(Demo):
    """A text that is written. The value is the text."""

    start: str
    max_length: int
    """Characters."""

    def check(self, value: Any) -> str:
        isinstance(value, str) or reject("This takes a text.", type(value).__name__)
        len(value) <= self.max_length or reject(f"A text has at most {self.max_length:,} characters here.", len(value))
        return str(value)


def check_numbers(value: Any, count: int) -> tuple[float, ...]:
    """So many finite numbers. Raises UserError for anything else."""
    good = isinstance(value, (list, tuple)) and len(value) == count
    if not good or not all(type(v) in (int, float) and abs(v) < 1e6 and math.isfinite(v) for v in value):
        reject(f"This takes {count} numbers, each below a million.", value)
    return tuple(map(float, value))
