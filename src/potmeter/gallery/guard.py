"""What stands before every request: by which name the site is addressed, how much is sent, and whom a page may ask."""

from __future__ import annotations

from typing import Any

MAX_BODY = 2 * 2**20
"""Bytes of a request that is no upload."""
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'"
)
"""The browser asks nobody but this site."""
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


class TooLarge(Exception):
    """More was sent than is read."""


class Guard:
    """An ASGI application around another.

    Args:
        app: The one inside.
        hosts: Names by which the site may be addressed: a page of somebody else's that makes its own name point to this
            machine is refused. None = any name.
    """

    def __init__(self, app: Any, hosts: tuple[str, ...] = ()) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        if self.hosts and host not in self.hosts:
            await refuse(send, 421, f"This gallery answers to {', '.join(self.hosts)}.")
            return
        uploading, started, read = scope["path"].endswith("/upload"), False, 0

        async def limited() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY and not uploading:  # of uploads, gradio counts the bytes
                raise TooLarge
            return message

        async def guarded(message: Any) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                ours = {name for name, _ in HEADERS}
                kept = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
                message = message | {"headers": [*kept, *HEADERS]}
            await send(message)

        try:
            await self.app(scope, limited, guarded)
        except TooLarge:
            if not started:
                await refuse(send, 413, f"A request has at most {MAX_BODY >> 20} MiB; files are uploaded first.")


async def refuse(send: Any, status: int, text: str) -> None:
    """Answer with one line of text."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
