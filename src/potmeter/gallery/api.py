"""The same over HTTP: for each task an endpoint of its name, which gives plain values and files."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from potmeter import media
from potmeter.errors import UserError
from potmeter.gallery import outputs
from potmeter.gallery.call import Call
from potmeter.gallery.job_queue import JobStopped
from potmeter.presentation.errors import explain

if TYPE_CHECKING:
    from potmeter.gallery.form import Form


def add_endpoint(form: Form, weights: Any) -> None:
    """Offer a form's task to programs: ``client.predict("digits", image=handle_file("3.png"), api_name="/run")``.

    It gives ``{"seconds": …, "result": …}``, as ``potmeter run --json`` does, and the files of the result. A task whose
    result grows gives each state of it.
    """

    async def answer(*payloads: Any) -> AsyncIterator[tuple[dict[str, Any], list[str]]]:
        try:
            call = Call(form.entry, form.task, form.declared, payloads[0], list(payloads[1:]), render_for_program)
            queue, seen = form.services.queue, 0
            job = queue.submit(call.key, lambda: call(form.services.models), f"{call.key} {form.task}")
            async for _ in queue.follow(job):
                if job.version > seen and job.error is None:
                    seen, (values, files) = job.version, job.result
                    yield {"seconds": round(call.seconds, 4), "result": values}, files
            if job.error is not None:
                raise job.error
        except JobStopped:
            return
        except Exception as error:  # of whatever task: who asked is told, and the server goes on
            raise gr.Error(explain(error), print_exception=not isinstance(error, UserError)) from None

    first = inspect.Parameter("weights", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name if p.name.isidentifier() else f"_{p.name}" for p in form.declared]
    answer.__signature__ = inspect.Signature([first, *(first.replace(name=name) for name in names)])  # type: ignore[attr-defined]
    answer.__doc__ = inspect.cleandoc(form.method.__doc__ or "").partition("\n")[0]
    button, values = gr.Button(visible=False), gr.JSON(visible=False, label="values")
    files = gr.File(visible=False, file_count="multiple", label="files")
    button.click(answer, [weights, *form.widgets], [values, files], api_name=form.task, preprocess=False,
                 concurrency_limit=None, show_progress="hidden")  # fmt: skip


def render_for_program(value: Any) -> tuple[Any, list[str]]:
    """A result for a program."""
    files = outputs.save_files(value)  # first: then it is known how many frames a film has
    return media.as_json(value), files
