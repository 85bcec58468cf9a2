"""What the tour leaves behind: ``tour.json`` for programs and ``index.html`` for people, each whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import UserError
from potmeter.media import to_json_value
from potmeter.tour.page import page

if TYPE_CHECKING:
    from potmeter.tour.files import Files
    from potmeter.tour.visit import Output, Visit


class Record:
    """What a tour leaves behind in its folder: the page, ``tour.json``, and the files that the commands name.

    Args:
        out: The folder.
        total: How many stops there will be.
        files: What the examples were given.
    """

    def __init__(self, out: Path, total: int, files: Files) -> None:
        self.out, self.total, self.files = out, total, files
        self.visits: list[Visit] = []
        self.begun = time.perf_counter()
        self.seconds = 0.0
        self.running = True
        self.written: set[str] = set()

    def write(self) -> None:
        """Write all files aside, then rename them, the page last: whoever sees it sees the whole of what ran so far."""
        self.seconds = time.perf_counter() - self.begun
        waiting = self.total - len(self.visits) if self.running else 0
        # A lone surrogate in a caption is no UTF-8: it is shown as a question mark.
        record = json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        text = page(self.visits, self.seconds, waiting=waiting, missing=self.total - len(self.visits))
        contents = {name: data for name, data in self.files.contents.items() if name not in self.written}
        contents |= {"tour.json": record.encode("utf-8", "replace"), "index.html": text.encode("utf-8", "replace")}
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.out, prefix=".tour-") as aside:
                for number, data in enumerate(contents.values()):
                    with open(Path(aside, str(number)), "wb") as file:
                        file.write(data)
                        file.flush()
                        os.fsync(file.fileno())
                for number, name in enumerate(contents):
                    (self.out / name).parent.mkdir(parents=True, exist_ok=True)
                    os.replace(Path(aside, str(number)), self.out / name)
            self.written |= contents.keys()
        except OSError as error:
            raise UserError(f"{self.out} cannot be written: {error.strerror}.", received=str(self.out)) from None

    def finish(self) -> None:
        """Write the page for the last time: nothing runs any more."""
        self.running = False
        self.write()

    def as_json(self) -> list[dict[str, Any]]:
        """The visits as plain values: ``[{"stop", "system", "ok", "seconds", "outputs"}]``, and ``error``."""
        return [
            {
                "stop": visit.entry.slide,
                "system": visit.name,
                "ok": visit.status == "ok",
                "seconds": round(visit.seconds, 2),
                "outputs": [output_json(output) for output in visit.outputs],
                **error_fields(visit),
            }
            for visit in self.visits
        ]


def output_json(output: Output) -> dict[str, Any]:
    """One example's output; its ``result`` is what ``potmeter run --json`` gives."""
    single = len(output.outputs) == 1 and not output.outputs[0].name
    values = output.outputs[0].json if single else {figure.name: figure.json for figure in output.outputs}
    return {
        "caption": output.caption,
        "task": output.task,
        "command": output.command,
        "result": to_json_value(values) if output.outputs else None,
        **error_fields(output),
    }


def error_fields(one: Visit | Output) -> dict[str, Any]:
    """The error, and whether it is that something must be fetched and cannot be."""
    return ({} if one.error is None else {"error": one.error}) | ({"unavailable": True} if one.unavailable else {})


def is_failure(visit: Visit) -> bool:
    """Whether the stop counts as failed: what must be fetched and cannot be does not."""
    return visit.status == "failed"
