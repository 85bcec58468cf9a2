"""Speed of the black box: of a training step so small that the loop around it shows."""

from __future__ import annotations

from collections.abc import Iterator

from potmeter.core.bench import Row, compare, is_selected
from potmeter.core.training.overhead import loop_overhead

from .system import Blackbox


def rows() -> Iterator[Row]:
    """The comparison."""
    if not is_selected("loop_ms"):
        return
    config = Blackbox.presets["lecture"]
    ours, bare = loop_overhead(Blackbox, config, Blackbox.data(config), steps=1000)
    note = f"the loop adds {1e6 * (ours - bare):.0f} µs to a step: bookkeeping that a network of 51 knobs does not hide"
    yield compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)
