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
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        if self.hosts and host not in self.hosts:
            await refuse(send, 421, f"This gallery answers to {', '.join(self.hosts)}.")
            return
        uploading, read = scope["path"].endswith("/upload"), 0  # of uploads, gradio counts the bytes
        length = headers.get(b"content-length", b"0")
        if not uploading and int(length if length.isdigit() else 0) > MAX_BODY:
            await refuse(send, 413, f"A request has at most {MAX_BODY >> 20} MiB; files are uploaded first.")
            return

        async def receive_limited() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if uploading or read <= MAX_BODY else {"type": "http.disconnect"}

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in HEADERS}
                kept = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
                message = message | {"headers": [*kept, *HEADERS]}
            await send(message)

        await self.app(scope, receive_limited, send_guarded)


async def refuse(send: Any, status: int, text: str) -> None:
    """Answer with one line of text."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
