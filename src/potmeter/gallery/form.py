"""One task as a form: widgets for what goes in, a button, what comes out, and examples to press."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from potmeter.core.signature import Parameter, parameters
from potmeter.gallery import examples, links, outputs
from potmeter.gallery.call import Call, report_stage
from potmeter.gallery.job_queue import JobQueue, JobStopped
from potmeter.gallery.model_cache import ModelCache
from potmeter.gallery.widgets import is_askable, list_choices, make_widget, needs_loaded_system
from potmeter.presentation.markup import prose, tag
from potmeter.registry import Entry

FEW = 4
"""Settings shown at once; more are folded away."""


class Form:
    """A task on the page. Made inside the page's ``gr.Blocks``.

    Args:
        entry: The system or probe, whose
        owner: class it is.
        task: ``run``, or the name of a task, and
        method: the typed method.
        queue, models: Where work is done, and models are.
    """

    def __init__(
        self, entry: Entry, owner: type, task: str, method: Callable, queue: JobQueue, models: ModelCache
    ) -> None:
        self.entry, self.owner, self.task, self.method = entry, owner, task, method
        self.queue, self.models = queue, models
        self.declared: list[Parameter] = [p for p in parameters(method) if is_askable(p)]
        about = inspect.cleandoc(method.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        with gr.Row(elem_classes="task"):
            with gr.Column(scale=4, min_width=280, elem_classes="into"):
                gr.HTML(tag("p", prose(about), class_="about"))
                self.widgets = self.make_widgets()
                with gr.Row(elem_classes="buttons"):
                    self.go = gr.Button("Run", variant="primary", elem_id=f"go-{task}", elem_classes="go")
                    self.stop = gr.Button("Stop", visible=False, elem_classes="halt")
                self.samples = gr.Dataset(components=["textbox"], samples=[], type="index", label="Try",
                                          visible=False, elem_classes="examples", samples_per_page=12)  # fmt: skip
            with gr.Column(scale=8, min_width=320, elem_classes="out"):
                self.status = gr.HTML("", elem_classes="status", apply_default_css=False)
                self.result = gr.HTML("", elem_classes="result", apply_default_css=False)
                self.calls = gr.HTML("", elem_classes="call", apply_default_css=False)

    def make_widgets(self) -> list[Any]:
        """The widgets: media and what stands before ``*`` first, of many settings the later ones folded away."""
        order = sorted(self.declared, key=lambda p: not (p.positional or p.medium))
        made = {p.name: make_widget(p, self.owner) for p in order[: FEW + 1]}
        if order[FEW + 1 :]:
            with gr.Accordion("More settings", open=False):
                made |= {p.name: make_widget(p, self.owner) for p in order[FEW + 1 :]}
        return [made[p.name] for p in self.declared]

    def connect(self, weights: Any) -> None:
        """Let the buttons work; called when the whole page is there."""
        ends = [self.status, self.result, self.calls, self.go, self.stop]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "api_name": "page",
                                 "preprocess": False, "concurrency_limit": None}  # fmt: skip
        self.go.click(self.run, [weights, *self.widgets], ends, **quiet)
        filled = self.samples.click(self.fill_widgets, [weights, self.samples], self.widgets, concurrency_limit=None,
                                    show_progress="hidden", api_visibility="private", api_name="page")  # fmt: skip
        filled.then(self.run, [weights, *self.widgets], ends, **quiet)
        self.stop.click(self.stop_job, None, None, **quiet)

    # What happens ------------------------------------------------------------------------------------------------

    async def run(self, request: gr.Request, weights: str | None, *payloads: Any) -> AsyncIterator[dict[Any, Any]]:
        """Do what the widgets say, and show how it goes on."""
        sent = list(payloads)
        try:
            call = Call(self.entry, self.task, self.declared, weights, sent, outputs.render_result)
            job = self.queue.submit(call.key, lambda: call(self.models), request.session_hash)
            shown = -1
            async for _ in self.queue.follow(job):
                if job.stopped:
                    raise JobStopped  # at once; the work itself ends when it next reports
                news: dict[Any, Any] = {self.status: outputs.render_progress(job, self.queue.position(job))}
                if shown < 0:
                    news |= {self.go: gr.update(visible=False), self.stop: gr.update(visible=True)}
                if job.version > max(shown, 0):
                    news[self.result] = job.result
                shown = job.version
                yield news
            if job.error is not None:
                raise job.error
            query = links.make_query(weights, self.task, self.declared, fill_in_seed(self.declared, sent, call.values),
                                   examples.find_origins(self.declared, sent))  # fmt: skip
            word = call.name if self.task == "run" else f"{call.name}:{self.task}"
            lines = outputs.render_calls(word, call.name, self.task, self.declared, call.typed_values(), call.model)
            yield {self.status: outputs.render_done(call.seconds, query), self.calls: lines, **self.reset_buttons()}
        except (Exception, SystemExit) as error:
            yield {self.status: outputs.render_error(error), **self.reset_buttons()}

    def reset_buttons(self) -> dict[Any, Any]:
        """Run can be pressed, Stop cannot."""
        return {self.go: gr.update(visible=True), self.stop: gr.update(visible=False)}

    async def stop_job(self, request: gr.Request) -> None:
        """Stop was pressed: what runs is told, and says so itself, after all that it had said before."""
        self.queue.stop(request.session_hash)

    async def fill_widgets(self, weights: str | None, number: int) -> list[Any]:
        """Put an example into the widgets."""

        def call() -> list[Any]:
            report_stage(f"Loading {self.entry.name}")
            thing = self.models.get(self.entry, weights)
            return examples.make_payloads(self.declared, examples.examples_of(thing, self.task)[number], number)

        job = self.queue.submit(f"{self.entry.name} {weights or ''}", call)
        async for _ in self.queue.follow(job):
            pass
        return job.result if job.error is None else [gr.skip() for _ in self.widgets]

    def updates(self, thing: Any, query: dict[str, str]) -> list[Any]:
        """Updates of the examples and the widgets, in that order, for a system that has been loaded, and an address."""
        known = examples.examples_of(thing, self.task)
        values = examples.make_payloads(self.declared, known[0] if known else None)
        captions = [str(example.caption) for example in known]
        updates = [gr.update(samples=[[c] for c in captions], sample_labels=captions, visible=bool(known))]
        for p, value in zip(self.declared, values, strict=True):
            text = query.get(p.name)
            if text is not None and p.medium:
                place = text.removeprefix("example-")
                number = int(place) if place.isdecimal() and int(place) < len(known) else 0
                value = examples.make_payload(p, known[number].inputs.get(p.name), text) if known else None
            elif text is not None:
                value = links.parse_value(p, text)
            choices: dict[str, Any] = {"choices": list_choices(p, thing)} if needs_loaded_system(p, self.owner) else {}
            updates.append(gr.update(value=value, **choices))
        return updates


def fill_in_seed(declared: list[Parameter], payloads: list[Any], values: dict[str, Any]) -> list[Any]:
    """What the widgets sent, with the seed that was drawn in place of an empty one."""
    return [
        values.get("seed", v) if p.name == "seed" and v is None else v for p, v in zip(declared, payloads, strict=True)
    ]
