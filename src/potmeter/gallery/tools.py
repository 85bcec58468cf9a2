"""What all pages share: one desk, one shelf, and how a page is put on the site."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import fastapi
import gradio as gr
import torch

from potmeter.gallery import limits
from potmeter.gallery.demos import Demos
from potmeter.gallery.index import style
from potmeter.gallery.page import Page
from potmeter.gallery.shelf import Shelf, check, choices, key_of
from potmeter.gallery.work import PLACES, Desk
from potmeter.registry import Entry
from potmeter.tour.trouble import explain

ICON = '<link rel="icon" href="../icon.svg" type="image/svg+xml">'


class Tools:
    """Desk, shelf and demos of a gallery."""

    def __init__(self) -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // PLACES))  # jobs run side by side: cores are shared out
        self.desk, self.shelf = Desk(), Shelf()
        self.demos = Demos(self.shelf)
        self.hands = asyncio.Semaphore(PLACES)

    def mounted(self, entry: Entry) -> fastapi.FastAPI:
        """A system's page as an application of its own, at ``/NAME``."""
        page = Page(entry, self.desk, self.shelf, self.demos)
        page.blocks.queue(max_size=500, default_concurrency_limit=None, api_open=False)
        app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        look = style("tour/style.css", "gallery/page.css")
        script = style("gallery/page.js", "gallery/demos.js")
        gr.mount_gradio_app(
            app, page.blocks, f"/{entry.name}", footer_links=[], run_history=False, show_error=True, ssr_mode=False,
            max_file_size=limits.MAX_UPLOAD, theme=gr.themes.Base(font=["sans-serif"], font_mono=["monospace"]),
            mcp_server=False, pwa=False, enable_monitoring=False, head=f"{ICON}<style>{look}</style><script>{script}</script>",
        )  # fmt: skip
        return app

    def first(self, entry: Entry) -> str | None:
        """The weights, or the model, where none are named."""
        return next(iter(choices(entry)), None)

    async def act(self, entry: Entry, weights: str | None, value: Any, action: Any) -> AsyncIterator[str]:
        """The lines of a demo's action, which waits its turn at the desk like any work."""
        try:
            check(entry, weights)
            job, seen = (
                self.desk.submit(key_of(entry, weights), lambda: self.demos.act(entry, weights, value, action)),
                0,
            )
            async for _ in self.desk.follow(job):
                if job.version > seen:
                    seen = job.version
                    yield json.dumps(job.result) + "\n"
            if job.error is not None:
                raise job.error
        except Exception as error:
            yield json.dumps({"error": explain(error)}) + "\n"
