"""A system's page: something to touch, a form for each thing it can do, and what is known of its weights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import fastapi
import gradio as gr

from potmeter import registry
from potmeter.core.signature import parameters, tasks
from potmeter.gallery import limits
from potmeter.gallery.api import add_endpoint
from potmeter.gallery.call import report_stage
from potmeter.gallery.demos import has_demo, render_demo
from potmeter.gallery.form import Form
from potmeter.gallery.index import read_files
from potmeter.gallery.model_cache import model_key, weight_choices
from potmeter.gallery.outputs import render_error, render_progress
from potmeter.gallery.widgets import is_askable
from potmeter.presentation.facts import collect_facts, first_sentence, render_facts
from potmeter.presentation.markup import Html, join, prose, tag
from potmeter.registry import Entry

if TYPE_CHECKING:
    from potmeter.gallery.services import Services

ICON = '<link rel="icon" href="../icon.svg" type="image/svg+xml">'
IDLE_INTERVAL = 0.05
"""Seconds after which gradio's queue of a page looks for work again; by its own milliseconds thirty idle pages take a quarter
of a core."""
MAX_RADIO = 6
"""Weights that are shown side by side; more go into a list."""


class Page:
    """The page of a system or probe, as ``gr.Blocks``."""

    def __init__(self, entry: Entry, services: Services) -> None:
        self.entry, self.services = entry, services
        owner, self.choices = entry.load(), weight_choices(entry)
        self.opening: str | None = None
        with gr.Blocks(
            title=f"{entry.name} · potmeter", analytics_enabled=False, delete_cache=(600, 7200)
        ) as self.blocks:
            gr.HTML(render_header(entry, owner), elem_classes="head", apply_default_css=False)
            self.weights = self.weights_widget()
            self.note = gr.HTML("", elem_classes="note", apply_default_css=False)
            with gr.Tabs(elem_classes="tasks", selected="by-hand" if has_demo(entry) else "run"):
                self.demo_tab = gr.Tab("by hand", id="by-hand", visible=has_demo(entry), elem_classes="by-hand")
                with self.demo_tab:
                    self.demo = gr.HTML("", apply_default_css=False)
                self.forms = []
                for task, method in tasks(owner).items():
                    if all(is_askable(p) or p.default is not MISSING for p in parameters(method)):
                        with gr.Tab(task.replace("_", " "), id=task):
                            self.forms.append(Form(entry, owner, task, method, services))
                with gr.Tab("about", id="about"):
                    first = self.choices[0] if self.choices else None
                    self.facts = gr.HTML(self.render_facts(first), elem_classes="about", apply_default_css=False)
                    if (card := entry.source / "card.md").is_file():
                        gr.Markdown(card.read_text(encoding="utf-8"), elem_classes="card")
            self.connect()

    def weights_widget(self) -> Any:
        """The weights, or the models, to choose from."""
        label = "weights" if self.entry.kind == "system" else "the model it works on"
        shown: dict[str, Any] = {"label": label, "visible": len(self.choices) > 1, "elem_classes": "weights"}
        first = self.choices[0] if self.choices else None
        if len(self.choices) > MAX_RADIO:
            return gr.Dropdown(self.choices, value=first, filterable=True, **shown)
        return gr.Radio(self.choices, value=first, **shown)

    def connect(self) -> None:
        """Let everything work."""
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "api_name": "page",
                                 "concurrency_limit": None}  # fmt: skip
        for form in self.forms:
            add_endpoint(form, self.weights)  # first, so that the names are theirs
        for form in self.forms:
            form.connect(self.weights)
        parts = [part for form in self.forms for part in form.parts]
        ends = [self.note, self.weights, self.demo_tab, self.demo, self.facts, *parts]
        begin = "() => potmeter.begin()"
        self.blocks.load(self.open_page, None, ends, **quiet).then(None, None, None, js=begin)
        self.weights.input(self.change_weights, self.weights, ends, **quiet).then(None, None, None, js=begin)

    def mount(self) -> fastapi.FastAPI:
        """The page as an application of its own, at ``/NAME`` below the root path."""
        root = self.services.root_path
        self.blocks.queue(max_size=500, default_concurrency_limit=None, api_open=False)
        queue = self.blocks._queue
        queue.sleep_when_free = queue.progress_update_sleep_when_free = IDLE_INTERVAL
        path = f"{root}/{self.entry.name}"
        app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        look = read_files("presentation/style.css", "gallery/page.css", "gallery/slides.css")
        script = read_files("gallery/page.js", "gallery/demos.js", "gallery/slides.js")
        gr.mount_gradio_app(
            app, self.blocks, path, footer_links=[], run_history=False, show_error=True, ssr_mode=False,
            max_file_size=limits.MAX_UPLOAD, theme=gr.themes.Base(font=["sans-serif"], font_mono=["monospace"]),
            mcp_server=False, pwa=False, enable_monitoring=False, head=f"{ICON}<style>{look}</style><script>{script}</script>",
            root_path=path if root else None,
        )  # fmt: skip
        return app

    async def open_page(self, request: gr.Request) -> AsyncIterator[list[Any]]:
        """Fill the page in, with the state that stands in its address."""
        query = {str(key): str(value) for key, value in request.query_params.items()}
        named = query["weights"] if query.get("weights") in self.choices else None
        async for updates in self.fill_page(named, query):
            yield updates

    async def change_weights(self, weights: str | None) -> AsyncIterator[list[Any]]:
        """Fill the page in for other weights."""
        async for updates in self.fill_page(weights, {}):
            yield updates

    async def fill_page(self, named: str | None, query: dict[str, str]) -> AsyncIterator[list[Any]]:
        """Updates of everything that depends on the weights, after news of the place in the queue where there is one."""
        services, task = self.services, query.get("task", "run")
        weights = named or self.opening or (self.choices[0] if self.choices else None)
        waiting = [gr.skip()] * (4 + sum(len(form.parts) for form in self.forms))

        def fill() -> list[Any]:
            report_stage(f"Loading {self.entry.name}")
            weights = named or self.opening_weights()
            model, demo = services.models.get(self.entry, weights), services.demos.get(self.entry, weights)
            updates = [
                up for form in self.forms for up in form.updates(weights, model, query if form.task == task else {})
            ]
            address = urlencode({"weights": weights or ""})
            state = tag("span", data_weights=weights or "", data_demo="" if demo else None, hidden="hidden")
            tab = gr.update(label=demo.title if demo else "by hand")  # which the page itself hides where there is none
            hand = render_demo(demo, f"demo?{address}") if demo else ""
            return [state, gr.update(value=weights), tab, hand, self.render_facts(weights, model), *updates]

        try:
            if (named or self.opening) and services.models.is_ready(self.entry, weights):
                yield await services.prepare(self.entry, weights, fill)
                return
            job = services.queue.submit(model_key(self.entry, weights), fill, f"open {model_key(self.entry, weights)}")
            async for _ in services.queue.follow(job):
                yield [render_progress(job, *services.queue.forecast(job)), *waiting]
            if job.error is not None:
                raise job.error
            yield job.result
        except (Exception, SystemExit) as error:
            yield [render_error(error), *waiting]

    def opening_weights(self) -> str | None:
        """The weights a visitor begins with who names none: the first that has something to touch, else the first."""
        if self.opening is None and self.choices:
            weights = self.entry.weights  # of a probe there are none: its choices are models
            tried = [tag for tag in self.choices if tag in weights and not weights[tag].fetched]
            self.opening = next(
                (tag for tag in tried if has_demo(self.entry) and self.services.demos.get(self.entry, tag)),
                self.choices[0],
            )
        return self.opening

    def render_facts(self, weights: str | None, model: Any = None) -> Html:
        """What the card of the weights tells, and of a loaded system its Config."""
        found = render_facts(collect_facts(self.entry, weights, model)) if self.entry.kind == "system" else None
        return found or tag("div")


def render_header(entry: Entry, owner: type) -> Html:
    """The way back and to the neighbours in the lecture, the slide's number, the name, and what it is."""
    number = tag("p", tag("span", "slide"), tag("b", entry.slide), class_="number")
    title = tag("h1", entry.name, " ", tag("small", entry.section if entry.kind == "system" else "probe"))
    about = first_sentence(owner.__doc__ or "")
    words = [tag("p", prose(entry.summary.rstrip(".")), ".", class_="summary")]
    words += [tag("p", prose(about), class_="about")] if about else []
    back = tag("a", "potmeter ", tag("span", "all systems"), href="../", class_="brand")
    way = tag("div", back, render_neighbours(entry), class_="way")
    return tag("div", way, tag("div", tag("header", number, tag("div", title, *words)), class_="stop"))


def render_neighbours(entry: Entry) -> Html:
    """Links to the stops before and after, in the lecture's order."""
    names = list(registry.entries())
    place = names.index(entry.name) if entry.name in names else 0
    links = []
    if place:
        links.append(tag("a", f"← {names[place - 1]}", href=f"../{names[place - 1]}/", rel="prev"))
    if place + 1 < len(names):
        links.append(tag("a", f"{names[place + 1]} →", href=f"../{names[place + 1]}/", rel="next"))
    return tag("nav", join(*links, between=" "), class_="neighbours", aria_label="stops before and after")
