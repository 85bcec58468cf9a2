"""The server: the first page at once, each system's page when it is first asked for."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from potmeter import registry
from potmeter.errors import UserError
from potmeter.gallery.guard import Guard
from potmeter.gallery.index import ICON, render_index

ASGI = Any
"""An application that speaks ASGI."""


class Gallery:
    """The whole site as an ASGI application.

    Args:
        hosts: Names by which it may be addressed; none = any.
        address: Where others in the network find it, for them to join; None = nowhere.
        root_path: The path below which a proxy shows it: ``/potmeter``.
    """

    def __init__(self, hosts: tuple[str, ...] = (), address: str | None = None, root_path: str = "") -> None:
        self.address, self.root_path = address, root_path
        routes = [
            Route("/", self.index),
            Route("/icon.svg", self.icon),
            Route("/favicon.ico", self.icon),
            Route("/join", self.join),
            Route("/join.svg", self.join_code),
            Route("/{name}", self.add_slash),
            Route("/{name}/cover", self.cover),
            Route("/{name}/demo", self.demo, methods=["POST"]),
        ]
        self.site = Starlette(routes=routes, lifespan=self.lifespan)
        self.guard = Guard(self.route, hosts)
        self.pages: dict[str, ASGI] = {}
        self.building = asyncio.Lock()  # gradio keeps the page that is being built in one global place
        self.loading = threading.Lock()
        self.loaded: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.guard(scope, receive, send)

    async def route(self, scope: Any, receive: Any, send: Any) -> None:
        """A system's own page, or one of the few others."""
        path = scope.get("path", "")
        if self.root_path and path.startswith(f"{self.root_path}/"):  # some proxies leave their own part in
            path = path.removeprefix(self.root_path)
        _, _, rest = path.partition("/")
        name, slash, rest = rest.partition("/")
        own = scope["type"] == "http" and slash and name in registry.entries() and rest not in ("demo", "cover")
        app, path = (await self.page(name), self.root_path + path) if own else (self.site, path)
        await app(scope | {"path": path, "raw_path": path.encode()} if self.root_path else scope, receive, send)

    # Starting and ending -----------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Load what is slow to import while the first page is being read; end the pages' own tasks at the end."""
        self.ending, self.tasks = asyncio.Event(), set[asyncio.Task[None]]()
        threading.Thread(target=self.services, daemon=True).start()
        yield
        self.ending.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def services(self) -> Any:
        """The job queue, the models and the demos, which need torch; made once."""
        with self.loading:
            if self.loaded is None:
                from potmeter.gallery.services import Services

                self.loaded = Services(self.root_path)
            return self.loaded

    async def page(self, name: str) -> ASGI:
        """The application of a system's page, built when it is first asked for."""
        async with self.building:
            if name not in self.pages:
                app = await run_in_threadpool(self.build_page, name)
                ready = asyncio.Event()
                task = asyncio.create_task(self.keep_alive(app, ready))
                self.tasks.add(task)
                await ready.wait()
                self.pages[name] = app
            return self.pages[name]

    def build_page(self, name: str) -> ASGI:
        """The application of a system's page."""
        services = self.services()  # which imports what is slow
        from potmeter.gallery.page import Page

        return Page(registry.entries()[name], services).mount()

    async def keep_alive(self, app: Any, ready: asyncio.Event) -> None:
        """Keep the tasks that a page starts (its queue, the removal of old files) until the end."""
        async with app.router.lifespan_context(app):
            ready.set()
            await self.ending.wait()

    # The few pages of our own ------------------------------------------------------------------------------------

    async def index(self, _: Request) -> Response:
        return HTMLResponse(render_index(self.address))

    async def icon(self, _: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml")

    async def join(self, _: Request) -> Response:
        """Where others find the gallery."""
        return PlainTextResponse(self.address or "")

    async def join_code(self, _: Request) -> Response:
        """The same as a QR code."""
        if self.address is None:
            return PlainTextResponse("Not found", 404)
        return Response(qr_code(self.address), media_type="image/svg+xml")

    async def add_slash(self, request: Request) -> Response:
        """``/vae`` is ``/vae/``."""
        name = request.path_params["name"]
        return RedirectResponse(f"{name}/") if name in registry.entries() else HTMLResponse("Not found", 404)

    async def cover(self, request: Request) -> Response:
        """The picture on a system's card."""
        entry = registry.entries().get(request.path_params["name"])
        path = entry.source / "cover.webp" if entry else None
        if path is None or not path.is_file():
            return HTMLResponse("Not found", 404)
        return FileResponse(path, media_type="image/webp", headers={"cache-control": "max-age=3600"})

    async def demo(self, request: Request) -> Response:
        """What a demo shows for a value; with an action, a line for each value that it goes through."""
        entry = registry.entries().get(request.path_params["name"])
        try:
            asked = json.loads(await request.body())
            if entry is None or not isinstance(asked, dict):
                raise UserError("There is no such demo.", received=request.path_params["name"])
            services = await run_in_threadpool(self.services)
            weights = request.query_params.get("weights") or services.default_weights(entry)
            if asked.get("action") is not None:
                lines = services.run_action(entry, weights, asked.get("value"), asked["action"])
                return StreamingResponse(lines, media_type="application/x-ndjson")
            async with services.demo_slots:
                shown = await run_in_threadpool(services.demos.show, entry, weights, asked.get("value"))
            return JSONResponse(shown)
        except (UserError, ValueError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, 400)


def qr_code(address: str) -> bytes:
    """An address as a QR code, in SVG."""
    import segno

    buffer = io.BytesIO()
    segno.make(address, micro=False).save(buffer, kind="svg", scale=8, border=2, xmldecl=False, light="#fff")
    return buffer.getvalue()
