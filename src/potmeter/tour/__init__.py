"""``potmeter tour``: every stop of the lecture on real input, as one page to read and one file for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter import registry
from potmeter.errors import reject

if TYPE_CHECKING:
    from potmeter.tour.visit import Visit

Stop = tuple[registry.Entry, str | None]
"""An entry of the catalogue, and the tag of the weights to run; None for a probe."""


def tour(argv: list[str]) -> None:
    """Run the stops and write ``index.html`` and ``tour.json`` to the folder that ``--out`` names.

    Raises:
        UserError: For flags that do not parse, an unknown name, or a folder that cannot be written.
        SystemExit: With 1, after everything is written, when a stop failed. Weights or data that must be fetched and
            cannot be are shown as such and do not count.
    """
    from potmeter.core.signature import Parameter
    from potmeter.presentation.arguments import parse

    values = parse(
        "potmeter tour",
        [
            Parameter("out", Path, Path("tour"), help="folder for index.html and tour.json"),
            Parameter("only", str, None, optional=True, help="names, with commas between them: vae,classifier.digits"),
            Parameter("json", bool, False, help="print one JSON object on standard output and nothing else"),
        ],
        argv,
        "Run every stop of the lecture on real input and write a page about it.",
    )
    stops, out = select_stops(values["only"]), values["out"]
    from potmeter.tour.record import check_writable, is_failure, record, write

    check_writable(out)  # before the minute of work, not after it
    started = time.perf_counter()
    # What a system prints is not for standard output, where the JSON goes.
    with contextlib.redirect_stdout(sys.stderr):
        visits = [run_stop(entry, tag) for entry, tag in stops]
    seconds = time.perf_counter() - started
    write(out, visits, seconds)
    if values["json"]:
        report = {"page": str(out / "index.html"), "seconds": round(seconds, 2), "stops": record(visits)}
        print(json.dumps(report, ensure_ascii=False))
    else:
        print(out / "index.html")
    if any(is_failure(visit) for visit in visits):
        raise SystemExit(1)


def select_stops(only: str | None) -> list[Stop]:
    """The stops to run, in slide order: all, or those whose ``NAME`` or ``NAME.TAG`` stands in ``only``."""
    entries = list(registry.entries().values())
    stops = [(entry, tag) for entry in entries for tag in list_tags(entry)]
    if only is not None:
        references = [registry.resolve(word.strip()) for word in only.split(",") if word.strip()]
        references or reject("--only takes names with commas between them.", only)
        for reference in references:
            reference.task == "run" or reject(
                "--only takes NAME or NAME.TAG.", f"{reference.entry.name}:{reference.task}"
            )
        stops = [(r.entry, tag) for r in references for tag in list_tags(r.entry) if r.tag in (None, tag)]
    unique = {(entry.word, tag): (entry, tag) for entry, tag in stops}
    return sorted(unique.values(), key=lambda stop: (stop[0].slide, stop[0].name))  # stable: tags keep their order


def list_tags(entry: registry.Entry) -> tuple[str | None, ...]:
    """The weights of an entry; None where there are none to name."""
    return tuple(entry.weights) if entry.weights and entry.kind == "system" else (None,)


def run_stop(entry: registry.Entry, tag: str | None) -> Visit:
    """One stop's visit, told on standard error while it goes on."""
    from potmeter.core.progress import show_progress
    from potmeter.tour.visit import visit

    with show_progress():
        done = visit(entry, tag)
    print(
        f"potmeter: stop {entry.slide:2}  {done.name:24} {done.seconds:5.1f} s  {done.status}",
        file=sys.stderr,
        flush=True,
    )
    return done
