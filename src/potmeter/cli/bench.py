"""``potmeter bench``: speed beside the peer one would otherwise use."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from potmeter import registry
from potmeter.errors import reject
from potmeter.presentation.arguments import common_flags, parse, split_name

if TYPE_CHECKING:
    from potmeter.core.bench import Row


def bench(argv: list[str]) -> None:
    """Measure what a system's ``bench.py`` compares, or with ``--all`` every system's; print tables or one JSON object."""
    everything = "--all" in argv
    name, rest = ("--all", [word for word in argv if word != "--all"]) if everything else split_name("bench", argv)
    entries = entries_with_bench() if everything else [registry.resolve(name).entry]
    from potmeter.core.signature import Parameter

    own = [
        Parameter("rows", str, None, optional=True, help="parts of names of rows, separated by commas; default: all")
    ]
    what = "every system" if everything else name
    doc = f"Measure {what} beside its peers; a ratio above 1 means that ours is better."
    values = parse(f"potmeter bench {name}", [*own, *common_flags("json")], rest, doc)
    words = tuple(word.strip() for word in (values["rows"] or "").split(",") if word.strip())
    for entry in entries:
        (entry.source / "bench.py").is_file() or reject(f"{entry.name} has no bench.py.", name)

    from potmeter.core import bench as measure
    from potmeter.core.progress import show_progress

    reports = []
    for entry in entries:
        with show_progress():
            rows = list(measure.rows(entry, words))
        if rows and not values["json"]:  # at once: the next system's take minutes
            print(f"{entry.name}\n{format_rows(rows)}\n" if everything else format_rows(rows), flush=True)
        reports += [{"system": entry.name, "rows": [as_json(row) for row in rows]}] if rows else []
    reports or reject(f"{what} has no such row.", values["rows"])
    if values["json"]:
        print(json.dumps({"systems": reports} if everything else reports[0], ensure_ascii=False))


def entries_with_bench() -> list[registry.Entry]:
    """The systems and probes that have a ``bench.py``, in the lecture's order."""
    return [entry for entry in registry.entries().values() if (entry.source / "bench.py").is_file()]


def as_json(row: Row) -> dict[str, object]:
    """A row as it is promised to programs: without the note, which is for reading."""
    return {key: value for key, value in asdict(row).items() if key != "note"}


def format_rows(rows: Iterable[Row]) -> str:
    """Rows for reading, each note below its row."""
    lines: list[tuple[list[str], str]] = [(["", "ours", "peer", "ratio", "limit", "unit", "peer"], "")]
    for row in rows:
        numbers = ["–" if n is None else f"{n:.4g}" for n in (row.ours, row.peer, row.ratio, row.limit)]
        lines.append(([row.what, *numbers, row.unit, row.peer_name], row.note))
    widths = [max(len(cells[i]) for cells, _ in lines) for i in range(7)]
    text = []
    for cells, note in lines:
        aligned = [
            c.rjust(w) if 1 <= i <= 4 else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        text += ["  ".join(aligned).rstrip(), *([f"    {note}"] if note else [])]
    return "\n".join(text)
