"""What comes out, as the page shows it and as a program gets it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.errors import UserError
from potmeter.gallery.job_queue import Job, JobStopped
from potmeter.gallery.limits import upload_folder
from potmeter.presentation.calls import command_line, python_call
from potmeter.presentation.card import format_duration
from potmeter.presentation.errors import explain
from potmeter.presentation.figures import make_figure, render_figure
from potmeter.presentation.markup import Html, join, tag


def render_result(value: Any) -> Html:
    """A result's media, each with its name."""
    figures = [render_figure(make_figure(one, name)) for name, one in media.parts(value).items()]
    return tag("div", *figures, class_="outputs")


def save_files(value: Any) -> list[str]:
    """A result's media as files, for a program to fetch."""
    folder = Path(tempfile.mkdtemp(prefix="result-", dir=upload_folder()))
    return [str(one.save(folder / (name or "result"))) for name, one in media.parts(value).items()]


# One line on where the work stands -------------------------------------------------------------------------------


def render_progress(job: Job, place: int = 0, seconds: float | None = None) -> Html:
    """How far a job has come; of one that waits, its place in the queue and in how many seconds it will begin."""
    if not job.started:
        begins = f", begins in about {format_wait(seconds)}" if seconds else ""
        return render_status(f"Number {place} in the queue{begins}" if place else "Waiting")
    if job.total:
        share = min(job.done / job.total, 1)
        bar = tag("i", tag("b", style=f"width: {100 * share:.1f}%"))
        return render_status(join(bar, f"{job.label} {job.done} of {job.total}"))
    return render_status(job.label or "Working")


def format_wait(seconds: float) -> str:
    """A time to wait, no finer than it is known: 1, 2, 5, 10, 20, 30 … s, then minutes."""
    if seconds < 90:
        return f"{next(round for round in (1, 2, 5, 10, 20, 30, 40, 60, 90) if seconds <= round)} s"
    return f"{round(seconds / 60)} min"


def render_status(text: object, kind: str = "busy", **data: object) -> Html:
    """The line below the button."""
    return tag("p", text, class_=f"job {kind}", role="status", **data)


def render_error(error: BaseException) -> Html:
    """What went wrong, in one line."""
    if isinstance(error, JobStopped):
        return render_status("Stopped.", "stopped")
    return tag("p", tag("b", "Not possible" if isinstance(error, UserError) else "Failed"), " ", explain(error),
               class_="trouble", role="alert")  # fmt: skip


def render_done(seconds: float, query: str, sound: float = 0.0) -> Html:
    """That it is done, how long it took, and of so many seconds of sound how fast; the page puts ``query`` into its address."""
    took = f"Took {format_duration(seconds)}"
    if sound and seconds:
        times = sound / seconds
        took += f" for {format_duration(sound)} of sound: {times:{'.2g' if times < 10 else ',.0f'}} × real time"
    return render_status(took, "done", data_query=query)


def render_calls(
    word: str, name: str, task: str, declared: list[Parameter], given: dict[str, Any], model: str | None
) -> Html:
    """The command and the Python call that do the same, each with a button to copy it."""
    lines = [
        ("$ ", command_line(word, declared, given, model)),
        (">>> ", python_call(name, task, declared, given, model)),
    ]
    rows = [tag("div", tag("span", mark), tag("code", line), tag("button", "copy", type="button", class_="copy"))
            for mark, line in lines]  # fmt: skip
    return tag("div", *rows, class_="calls")
