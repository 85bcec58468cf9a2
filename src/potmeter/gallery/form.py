"""One task as a form: widgets for what goes in, a button, what comes out, and examples to press."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from potmeter.core.signature import Parameter, parameters
from potmeter.gallery import examples, links, outputs
from potmeter.gallery.call import Call, report_stage
from potmeter.gallery.job_queue import Job, JobStopped
from potmeter.gallery.result_cache import Result
from potmeter.gallery.widgets import file_of, is_askable, list_choices, make_widget, needs_loaded_system
from potmeter.media import Text
from potmeter.presentation.markup import prose, tag
from potmeter.registry import Entry

if TYPE_CHECKING:
    from potmeter.gallery.services import Services

MAX_SHOWN = 4
"""Settings shown at once; more are folded away."""
News = dict[Any, Any]
"""Updates by the part of the page that they change."""


class Form:
    """A task on the page. Made inside the page's ``gr.Blocks``.

    Args:
        entry: The system or probe, whose
        owner: class it is.
        task: ``run``, or the name of a task, and
        method: the typed method.
        services: Where work is done, and models and results are kept.
    """

    def __init__(self, entry: Entry, owner: type, task: str, method: Callable, services: Services) -> None:
        self.entry, self.owner, self.task, self.method, self.services = entry, owner, task, method, services
        self.declared: list[Parameter] = [p for p in parameters(method) if is_askable(p)]
        about = inspect.cleandoc(method.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        with gr.Row(elem_classes="task"):
            with gr.Column(scale=4, min_width=280, elem_classes="into"):
                gr.HTML(tag("p", prose(about), class_="about"))
                self.widgets = self.make_widgets()
                with gr.Row(elem_classes="buttons"):
                    self.go = gr.Button("Run", variant="primary", elem_id=f"go-{task}", elem_classes="go")
                    self.stop = gr.Button("Stop", visible=False, elem_classes="halt")
                    # pressed by the page itself: show what the widgets' values give, or only if that is known already
                    self.show = gr.Button(visible="hidden", elem_id=f"show-{task}")
                    self.peek = gr.Button(visible="hidden", elem_id=f"peek-{task}")
                self.samples = gr.Dataset(components=["textbox"], samples=[], type="index", label="Try",
                                          visible=False, elem_classes="examples", samples_per_page=12)  # fmt: skip
            with gr.Column(scale=8, min_width=320, elem_classes="out"):
                self.status = gr.HTML("", elem_classes="status", apply_default_css=False)
                self.result = gr.HTML("", elem_classes="result", apply_default_css=False)
                self.calls = gr.HTML("", elem_classes="call", apply_default_css=False)

    def make_widgets(self) -> list[Any]:
        """The widgets: media and what stands before ``*`` first, of many settings the later ones folded away."""
        order = sorted(self.declared, key=lambda p: not (p.positional or p.medium))
        made = {p.name: make_widget(p, self.owner) for p in order[: MAX_SHOWN + 1]}
        if order[MAX_SHOWN + 1 :]:
            with gr.Accordion("More settings", open=False, elem_classes="setting"):
                made |= {p.name: make_widget(p, self.owner) for p in order[MAX_SHOWN + 1 :]}
        return [made[p.name] for p in self.declared]

    def connect(self, weights: Any) -> None:
        """Let the buttons work; called when the whole page is there."""
        ends = [self.status, self.result, self.calls, self.go, self.stop]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "api_name": "page",
                                 "concurrency_limit": None}  # fmt: skip
        values = [weights, *self.widgets]
        self.go.click(self.compute, values, ends, preprocess=False, **quiet)
        self.show.click(self.look_up, values, ends, preprocess=False, **quiet)
        self.peek.click(self.recall, values, ends, preprocess=False, **quiet)
        example = self.samples.click(self.fill_widgets, [weights, self.samples], self.widgets, **quiet)
        example.then(self.look_up, values, ends, preprocess=False, **quiet)
        self.stop.click(self.stop_job, None, None, preprocess=False, **quiet)
        widgets = {p.name: widget for p, widget in zip(self.declared, self.widgets, strict=True)}
        if consent := widgets.get("consent"):  # an example's is not one for a visitor's own files
            for p in self.declared:
                if p.medium and p.type is not Text:
                    widgets[p.name].upload(lambda: False, None, consent, **quiet)

    # What happens ------------------------------------------------------------------------------------------------

    async def compute(self, request: gr.Request, weights: str | None, *payloads: Any) -> AsyncIterator[News]:
        """Run was pressed: do what the widgets say, and show how it goes on."""
        async for news in self.follow(request, weights, list(payloads), fresh=True):
            yield news

    async def look_up(self, request: gr.Request, weights: str | None, *payloads: Any) -> AsyncIterator[News]:
        """The page was opened, or an example pressed: show what that gives, computed once for all who look."""
        async for news in self.follow(request, weights, list(payloads), fresh=False):
            yield news

    async def recall(self, weights: str | None, *payloads: Any) -> News:
        """The tab was opened: show what its first example gives, where that is known already."""
        result = self.services.results.get(self.key(weights, list(payloads)))
        return self.finish(result) if result else {self.status: gr.skip()}

    async def follow(
        self, request: gr.Request, weights: str | None, sent: list[Any], *, fresh: bool
    ) -> AsyncIterator[News]:
        """Updates of what comes out until it is there, from a new job or, unless ``fresh``, from one that others follow."""
        queue, results = self.services.queue, self.services.results
        try:
            key = self.key(weights, sent)
            result = None if fresh or key is None else results.get(key)
            if result is None:
                call, job = (
                    self.start(weights, sent) if fresh else results.share(key, lambda: self.start(weights, sent))
                )
                version = -1
                try:
                    async for _ in queue.follow(job, request.session_hash):
                        news: News = {self.status: outputs.render_progress(job, *queue.forecast(job))}
                        if version < 0:
                            news |= {self.go: gr.update(visible=False), self.stop: gr.update(visible=True)}
                        if job.version > max(version, 0):
                            news[self.result] = job.result
                        version = job.version
                        yield news
                except JobStopped:
                    await queue.settle(job)
                    if job.version > max(version, 0):
                        yield {self.result: job.result}
                    raise
                if job.error is not None:
                    raise job.error
                result = self.describe(call, job)
                if key is not None:
                    filled = fill_in_seed(self.declared, sent, call.values)
                    for one in {key, self.key(weights, filled)} if not fresh else {self.key(weights, filled)}:
                        results.put(one, result)
            yield self.finish(result)
        except (Exception, SystemExit) as error:
            yield {self.status: outputs.render_error(error), **self.reset_buttons()}

    def start(self, weights: str | None, sent: list[Any]) -> tuple[Call, Job]:
        """Queue a call of what the widgets say."""
        call = Call(self.entry, self.task, self.declared, weights, sent, outputs.render_result)
        return call, self.services.queue.submit(call.key, lambda: call(self.services.models), f"{call.key} {self.task}")

    def describe(self, call: Call, job: Job) -> Result:
        """What a finished call leaves on the page."""
        sent = fill_in_seed(self.declared, call.payloads, call.values)
        origins = examples.find_origins(self.declared, sent)
        query = links.make_query(call.weights, self.task, self.declared, sent, origins)
        word = call.name if self.task == "run" else f"{call.name}:{self.task}"
        lines = outputs.render_calls(word, call.name, self.task, self.declared, call.typed_values(), call.model)
        return Result(job.result, lines, query, call.seconds, call.sound)

    def finish(self, result: Result) -> News:
        """The updates that show a result."""
        done = outputs.render_done(result.seconds, result.query, result.sound)
        return {self.status: done, self.result: result.html, self.calls: result.calls, **self.reset_buttons()}

    def key(self, weights: str | None, sent: list[Any]) -> str | None:
        """What names a result: all that goes in. None where a file of the visitor's own does, which is nobody else's."""
        origins, values = examples.find_origins(self.declared, sent), []
        for p, payload in zip(self.declared, sent, strict=True):
            if isinstance(payload, (dict, list)) and payload:
                if p.medium and p.name not in origins:
                    return None
                files = [file_of(file) for file in (payload if isinstance(payload, list) else [payload])]
                values.append([file.get("path") if isinstance(file, dict) else file for file in files])
            else:
                values.append(payload)
        text = json.dumps([self.entry.name, weights, self.task, values], default=str)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

    def reset_buttons(self) -> News:
        """Run can be pressed, Stop cannot."""
        return {self.go: gr.update(visible=True), self.stop: gr.update(visible=False)}

    async def stop_job(self, request: gr.Request) -> None:
        """Stop was pressed: what runs is told, and says so itself, after all that it had said before."""
        self.services.queue.stop(request.session_hash)

    async def fill_widgets(self, weights: str | None, number: int) -> list[Any]:
        """Put an example into the widgets."""

        def fill() -> list[Any]:
            report_stage(f"Loading {self.entry.name}")
            return examples.make_payloads(self.declared, self.list_examples(weights)[number], number)

        try:
            return await self.services.prepare(self.entry, weights, fill)
        except (Exception, SystemExit):
            return [gr.skip() for _ in self.widgets]

    @property
    def parts(self) -> list[Any]:
        """What ``updates`` updates."""
        return [self.status, self.result, self.calls, self.samples, *self.widgets]

    def list_examples(self, weights: str | None) -> list[Any]:
        """The examples of this task; loads the system where it is not."""
        made = self.services.models.derive(self.entry, weights, "examples", examples.list_examples)
        return [example for example in made if example.task == self.task]

    def updates(self, weights: str | None, thing: Any, query: dict[str, str]) -> list[Any]:
        """Updates of what comes out, the examples and the widgets, in that order, for loaded weights and an address."""
        known = self.list_examples(weights)
        values = examples.make_payloads(self.declared, known[0] if known else None)
        captions = [str(example.caption) for example in known]
        empty = ["", "", ""]  # what came out of other weights
        updates = [*empty, gr.update(samples=[[c] for c in captions], sample_labels=captions, visible=bool(known))]
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
