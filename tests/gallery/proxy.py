"""A reverse proxy that shows a site below a path of its own, as nginx does: ``python proxy.py ADDRESS PATH``."""

import socket
import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

TARGET, PATH = sys.argv[1].rstrip("/"), sys.argv[2]
client = httpx.AsyncClient(timeout=150)


async def forward(request: Request) -> Response:
    path = request.url.path.removeprefix(PATH)
    if not request.url.path.startswith(f"{PATH}/"):
        return PlainTextResponse("nothing here", 404)
    headers = [(key, value) for key, value in request.headers.raw if key not in (b"content-length", b"connection")]
    headers += [(b"x-forwarded-proto", b"http"), (b"x-forwarded-host", request.headers["host"].encode())]
    url = f"{TARGET}{path}" + (f"?{request.url.query}" if request.url.query else "")
    asked = client.build_request(request.method, url, headers=headers, content=await request.body())
    answer = await client.send(asked, stream=True)
    kept = {k: v for k, v in answer.headers.items() if k not in ("content-length", "transfer-encoding", "connection")}
    return StreamingResponse(answer.aiter_raw(), answer.status_code, kept)


if __name__ == "__main__":
    bound = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}{PATH}/", flush=True)
    methods = ["GET", "POST", "HEAD", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", forward, methods=methods)])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[bound])
