"""``potmeter tour``: every stop of the lecture on real input, as one page to read and one file for programs."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter import registry
from potmeter.errors import reject

if TYPE_CHECKING:
    from potmeter.tour.files import Files
    from potmeter.tour.visit import Visit

Stop = tuple[registry.Entry, str | None]
"""An entry of the catalogue, and the tag of the weights to run; None for a probe."""


def tour(argv: list[str]) -> None:
    """Run the stops and write ``index.html`` and ``tour.json`` to the folder that ``--out`` names, after each stop anew.

    Raises:
        UserError: For flags that do not parse, an unknown name, or a folder that cannot be written.
        SystemExit: With 1, after everything is written, when a stop failed. Weights or data that must be fetched and
            cannot be are shown as such and do not count.
    """
    from potmeter.core.signature import Parameter
    from potmeter.presentation.arguments import parse
    from potmeter.presentation.places import check_writable

    values = parse(
        "potmeter tour",
        [
            Parameter("out", Path, Path("tour"), help="folder for index.html and tour.json"),
            Parameter("only", str, None, optional=True, help="names, with commas between them: vae,classifier.digits"),
            Parameter("quick", bool, False, help="one example of each system, in less than a minute"),
            Parameter("json", bool, False, help="print one JSON object on standard output and nothing else"),
        ],
        argv,
        "Run every stop of the lecture on real input and write a page about it, which grows while they run.",
    )
    stops, out = select_stops(values["only"], quick=values["quick"]), values["out"]
    from potmeter.tour.files import Files
    from potmeter.tour.record import Record, is_failure

    check_writable(out, folder=True)  # before the minutes of work, not after them
    record = Record(out, len(stops), Files())
    # What a system prints is not for standard output, where the JSON goes.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            record.write()
            for entry, tag in stops:
                record.visits.append(run_stop(entry, tag, record.files, quick=values["quick"]))
                record.write()
        finally:  # also after Ctrl-C: a whole page of what did run
            record.finish()
    if values["json"]:
        page = {"page": str(out / "index.html"), "seconds": round(record.seconds, 2), "stops": record.as_json()}
        print(json.dumps(page, ensure_ascii=False))
    else:
        print(out / "index.html")
    if any(is_failure(visit) for visit in record.visits):
        raise SystemExit(1)


def select_stops(only: str | None, *, quick: bool = False) -> list[Stop]:
    """The stops to run, in slide order.

    Args:
        only: Those whose ``NAME`` or ``NAME.TAG`` stands in it; None = all.
        quick: Of each system the default weights alone.
    """
    entries = list(registry.entries().values())
    stops = [(entry, tag) for entry in entries for tag in list_tags(entry)[: 1 if quick else None]]
    if only is not None:
        references = [registry.resolve(word.strip()) for word in only.split(",") if word.strip()]
        references or reject("--only takes names with commas between them.", only)
        for reference in references:
            reference.task == "run" or reject(
                "--only takes NAME or NAME.TAG.", f"{reference.entry.name}:{reference.task}"
            )
        stops = [
            (r.entry, tag)
            for r in references
            for tag in list_tags(r.entry)[: 1 if quick and r.tag is None else None]
            if r.tag in (None, tag)
        ]
    unique = {(entry.word, tag): (entry, tag) for entry, tag in stops}
    return sorted(unique.values(), key=lambda stop: (stop[0].slide, stop[0].name))  # stable: tags keep their order


def list_tags(entry: registry.Entry) -> tuple[str | None, ...]:
    """The weights of an entry; None where there are none to name."""
    return tuple(entry.weights) if entry.weights and entry.kind == "system" else (None,)


def run_stop(entry: registry.Entry, tag: str | None, files: Files, *, quick: bool = False) -> Visit:
    """One stop's visit, told on standard error while it goes on."""
    from potmeter.core.progress import show_progress
    from potmeter.tour.visit import visit

    with show_progress():
        done = visit(entry, tag, files, most=1 if quick else None)
    print(
        f"potmeter: stop {entry.slide:2}  {done.name:24} {done.seconds:5.1f} s  {done.status}",
        file=sys.stderr,
        flush=True,
    )
    return done
