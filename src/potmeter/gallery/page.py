"""A system's page: its forms, one for each thing it can do, and what is known of its weights."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from potmeter.core.signature import parameters, tasks
from potmeter.gallery.api import add_endpoint
from potmeter.gallery.call import report_stage
from potmeter.gallery.demos import Demos, has_demo, render_demo
from potmeter.gallery.form import Form
from potmeter.gallery.job_queue import JobQueue
from potmeter.gallery.model_cache import ModelCache, model_key, weight_choices
from potmeter.gallery.outputs import render_error
from potmeter.gallery.widgets import is_askable
from potmeter.presentation.facts import collect_facts, first_sentence, render_facts
from potmeter.presentation.markup import Html, prose, tag
from potmeter.registry import Entry

FEW = 6
"""Weights that are shown side by side; more go into a list."""


class Page:
    """The page of a system or probe, as ``gr.Blocks``."""

    def __init__(self, entry: Entry, queue: JobQueue, models: ModelCache, demos: Demos) -> None:
        self.entry, self.queue, self.models, self.demos = entry, queue, models, demos
        owner, self.choices = entry.load(), weight_choices(entry)
        self.has_demo = has_demo(entry)
        with gr.Blocks(
            title=f"{entry.name} · potmeter", analytics_enabled=False, delete_cache=(600, 7200)
        ) as self.blocks:
            gr.HTML(render_header(entry, owner), elem_classes="head", apply_default_css=False)
            self.weights = self.weights_widget()
            self.note = gr.HTML("", elem_classes="note", apply_default_css=False)
            with gr.Tabs(elem_classes="tasks") as self.tabs:
                self.demo_tab = gr.Tab("by hand", id="by-hand", visible=False, elem_classes="by-hand")
                with self.demo_tab:
                    self.demo = gr.HTML("", apply_default_css=False)
                self.forms = []
                for task, method in tasks(owner).items():
                    if all(is_askable(p) or p.default is not MISSING for p in parameters(method)):
                        with gr.Tab(task.replace("_", " "), id=task):
                            self.forms.append(Form(entry, owner, task, method, queue, models))
                with gr.Tab("about", id="about"):
                    self.facts = gr.HTML(self.render_facts(self.first), elem_classes="about", apply_default_css=False)
                    if (card := entry.source / "card.md").is_file():
                        gr.Markdown(card.read_text(encoding="utf-8"), elem_classes="card")
            self.connect()

    @property
    def first(self) -> str | None:
        """The weights, or the model, one begins with."""
        return self.choices[0] if self.choices else None

    def weights_widget(self) -> Any:
        """The weights, or the models, to choose from."""
        label = "weights" if self.entry.kind == "system" else "the model it works on"
        shown: dict[str, Any] = {"label": label, "visible": len(self.choices) > 1, "elem_classes": "weights"}
        if len(self.choices) > FEW:
            return gr.Dropdown(self.choices, value=self.first, filterable=True, **shown)
        return gr.Radio(self.choices, value=self.first, **shown)

    def connect(self) -> None:
        """Let everything work."""
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "api_name": "page",
                                 "concurrency_limit": None}  # fmt: skip
        for form in self.forms:
            add_endpoint(form, self.weights)  # first, so that the names are theirs
        for form in self.forms:
            form.connect(self.weights)
        parts = [part for form in self.forms for part in (form.samples, *form.widgets)]
        ends = [self.note, self.weights, self.tabs, self.demo_tab, self.demo, self.facts, *parts]
        begin = "() => potmeter.begin()"
        self.blocks.load(self.open_page, None, ends, **quiet).then(None, None, None, js=begin)
        self.weights.input(self.change_weights, self.weights, ends, **quiet).then(None, None, None, js=begin)

    async def open_page(self, request: gr.Request) -> list[Any]:
        """Fill the page in, with the state that stands in its address."""
        query = {str(key): str(value) for key, value in request.query_params.items()}
        weights = query.get("weights") if query.get("weights") in self.choices else self.first
        return await self.fill_page(weights, query)

    async def change_weights(self, weights: str | None) -> list[Any]:
        """Fill the page in for other weights; the tab stays."""
        return await self.fill_page(weights, {}, [gr.skip()])

    async def fill_page(self, weights: str | None, query: dict[str, str], tabs: list[Any] | None = None) -> list[Any]:
        """Updates of everything that depends on the weights."""
        entry, task = self.entry, query.get("task", "run")

        def call() -> list[Any]:
            report_stage(f"Loading {entry.name}")
            thing, demo = self.models.get(entry, weights), self.demos.get(entry, weights)
            updates = [up for form in self.forms for up in form.updates(thing, query if form.task == task else {})]
            names = [form.task for form in self.forms] + ["about"] + ["by-hand"] * (demo is not None)
            selected = tabs or [gr.update(selected=task if task in names else names[0])]
            hand = render_demo(demo, f"demo?{urlencode({'weights': weights or ''})}") if demo else ""
            tab = gr.update(visible=demo is not None, label=demo.title if demo else "by hand")
            return ["", gr.update(value=weights), *selected, tab, hand, self.render_facts(weights, thing), *updates]

        job = self.queue.submit(model_key(entry, weights), call)
        async for _ in self.queue.follow(job):
            pass
        if job.error is not None:
            return [render_error(job.error), *[gr.skip()] * (5 + sum(1 + len(form.widgets) for form in self.forms))]
        updates: list[Any] = job.result
        return updates

    def render_facts(self, weights: str | None, thing: Any = None) -> Html:
        """What the card of the weights tells, and of a loaded system its Config."""
        found = render_facts(collect_facts(self.entry, weights, thing)) if self.entry.kind == "system" else None
        return found or tag("div")


def render_header(entry: Entry, owner: type) -> Html:
    """The way back, the slide's number, the name, and what it is."""
    number = tag("p", tag("span", "slide"), tag("b", entry.slide), class_="number")
    title = tag("h1", entry.name, " ", tag("small", entry.section if entry.kind == "system" else "probe"))
    about = first_sentence(owner.__doc__ or "")
    words = [tag("p", prose(entry.summary.rstrip(".")), ".", class_="summary")]
    words += [tag("p", prose(about), class_="about")] if about else []
    back = tag("a", "potmeter ", tag("span", "all systems"), href="../", class_="brand")
    return tag("div", back, tag("div", tag("header", number, tag("div", title, *words)), class_="stop"))
