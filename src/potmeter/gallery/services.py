"""What all pages share: the job queue, the loaded models, the demos, known results; and how a page is put on the site."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import fastapi
import gradio as gr
import torch
from starlette.concurrency import run_in_threadpool

from potmeter.gallery import limits
from potmeter.gallery.demos import Demos
from potmeter.gallery.index import read_files
from potmeter.gallery.job_queue import WORKERS, JobQueue
from potmeter.gallery.model_cache import ModelCache, check_weights, model_key, weight_choices
from potmeter.gallery.page import Page
from potmeter.gallery.result_cache import ResultCache
from potmeter.presentation.errors import explain
from potmeter.registry import Entry

T = TypeVar("T")
ICON = '<link rel="icon" href="../icon.svg" type="image/svg+xml">'


class Services:
    """Job queue, models, demos and results of a gallery."""

    def __init__(self, root_path: str = "") -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // WORKERS))  # jobs run side by side: cores are shared out
        self.root_path = root_path
        self.queue, self.models, self.results = JobQueue(), ModelCache(), ResultCache()
        self.demos = Demos(self.models)
        self.demo_slots = asyncio.Semaphore(WORKERS)

    def mount_page(self, entry: Entry) -> fastapi.FastAPI:
        """A system's page as an application of its own, at ``/NAME`` below the root path."""
        page = Page(entry, self)
        page.blocks.queue(max_size=500, default_concurrency_limit=None, api_open=False)
        path = f"{self.root_path}/{entry.name}"
        app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        look = read_files("presentation/style.css", "gallery/page.css", "gallery/slides.css")
        script = read_files("gallery/page.js", "gallery/demos.js", "gallery/slides.js")
        gr.mount_gradio_app(
            app, page.blocks, path, footer_links=[], run_history=False, show_error=True, ssr_mode=False,
            max_file_size=limits.MAX_UPLOAD, theme=gr.themes.Base(font=["sans-serif"], font_mono=["monospace"]),
            mcp_server=False, pwa=False, enable_monitoring=False, head=f"{ICON}<style>{look}</style><script>{script}</script>",
            root_path=path if self.root_path else None,
        )  # fmt: skip
        return app

    def default_weights(self, entry: Entry) -> str | None:
        """The weights, or the model, where none are named."""
        return next(iter(weight_choices(entry)), None)

    async def prepare(self, entry: Entry, weights: str | None, work: Callable[[], T]) -> T:
        """Do a little work on a model: at once where it is loaded, else in the queue's turn, which loads it."""
        if self.models.is_ready(entry, weights):
            return await run_in_threadpool(work)
        job = self.queue.submit(model_key(entry, weights), work)
        async for _ in self.queue.follow(job):
            pass
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    async def run_action(self, entry: Entry, weights: str | None, value: Any, action: Any) -> AsyncIterator[str]:
        """The lines of a demo's action, which waits its turn in the queue like any work."""
        try:
            check_weights(entry, weights)
            key, seen = model_key(entry, weights), 0
            job = self.queue.submit(key, lambda: self.demos.run_action(entry, weights, value, action))
            async for _ in self.queue.follow(job):
                if job.version > seen:
                    seen = job.version
                    yield json.dumps(job.result) + "\n"
            if job.error is not None:
                raise job.error
        except Exception as error:
            yield json.dumps({"error": explain(error)}) + "\n"
