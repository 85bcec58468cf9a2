"""What the tour leaves behind: ``tour.json`` for programs and ``index.html`` for people, each whole or not there."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import UserError, reject
from potmeter.tour.page import page

if TYPE_CHECKING:
    from potmeter.tour.visit import Output, Visit


def record(visits: list[Visit]) -> list[dict[str, Any]]:
    """The visits as plain values: ``[{"stop", "system", "ok", "seconds", "outputs"}]``, and ``error``."""
    return [
        {
            "stop": visit.entry.slide,
            "system": visit.name,
            "ok": visit.status == "ok",
            "seconds": round(visit.seconds, 2),
            "outputs": [record_output(output) for output in visit.outputs],
            **error_fields(visit),
        }
        for visit in visits
    ]


def record_output(output: Output) -> dict[str, Any]:
    """One example's output; a result that is one medium goes by the name ``result``, as in ``run --json``."""
    return {
        "caption": output.caption,
        "task": output.task,
        "command": output.command,
        "media": {shown.name or "result": plain(shown.json) for shown in output.outputs},
        **error_fields(output),
    }


def error_fields(one: Visit | Output) -> dict[str, Any]:
    """The error, and whether it is that something must be fetched and cannot be."""
    return ({} if one.error is None else {"error": one.error}) | ({"unavailable": True} if one.unavailable else {})


def is_failure(visit: Visit) -> bool:
    """Whether the stop counts as failed: what must be fetched and cannot be does not."""
    return visit.status == "failed"


def plain(value: Any) -> Any:
    """A medium's values as JSON knows them: numpy's numbers as Python's, and null for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int)) or value is None else str(value)


def check_writable(out: Path) -> None:
    """Refuse a folder that the results could not be written to, without making it yet."""
    if out.exists() and not out.is_dir():
        reject("--out is a folder.", str(out))
    nearest = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    nearest.is_dir() or reject("--out lies in a file.", str(out))
    os.access(nearest, os.W_OK | os.X_OK) or reject(f"{nearest} cannot be written.", str(out))


def write(out: Path, visits: list[Visit], seconds: float) -> None:
    """Write both files aside, then rename them, the page last: whoever sees it sees the whole tour."""
    texts = {
        "tour.json": json.dumps(record(visits), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "index.html": page(visits, seconds),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        # A lone surrogate in a caption is no UTF-8: it is shown as a question mark.
        with tempfile.TemporaryDirectory(dir=out, prefix=".tour-") as aside:
            for name, text in texts.items():
                with open(Path(aside, name), "wb") as file:
                    file.write(text.encode("utf-8", "replace"))
                    file.flush()
                    os.fsync(file.fileno())
            for name in texts:
                os.replace(Path(aside, name), out / name)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.", received=str(out)) from None
