"""``potmeter gallery``: every system as a web page, made from its typed ``run``."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import tempfile
import webbrowser
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from potmeter.errors import UserError, missing_extra, reject

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def gallery(argv: list[str]) -> None:
    """Serve the gallery until Ctrl-C, or write it as a folder for a Hugging Face Space.

    Raises:
        UserError: For flags that do not parse, a port that is taken, or without the extra ``gallery``.
    """
    from potmeter.core.signature import Parameter, Range
    from potmeter.presentation.arguments import parse

    values = parse(
        "potmeter gallery",
        [
            Parameter("port", int, 7860, range=Range(0, 65535), help="where it listens; 0 for any free one"),
            Parameter("host", str, "127.0.0.1", help="this machine only; 0.0.0.0 for everybody in its network"),
            Parameter("share", bool, False, help="make a public address too, through gradio's servers"),
            Parameter(
                "root_path", str, "", help="below which a proxy shows it: /potmeter, or https://example.org/potmeter"
            ),
            Parameter("browser", bool, True, help="open a browser"),
            Parameter("space", Path, None, optional=True, help="write the folder of a Hugging Face Space instead"),
        ],
        argv,
        "Every system as a web page: put something in, see what comes out.",
    )
    if values["space"] is not None:
        from potmeter.gallery.space import write_space

        print(write_space(values["space"]))
        return
    0 <= values["port"] <= 65535 or reject("port lies between 0 and 65535.", values["port"])
    names = ("host", "port", "share", "browser", "root_path")
    serve(**{name: values[name] for name in names})


def configure_libraries() -> None:
    """Settings of the libraries that must stand before they are imported: nothing calls home, uploads have a folder."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ["GRADIO_TEMP_DIR"] = folder = tempfile.mkdtemp(prefix="potmeter-gallery-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def serve(
    host: str = "127.0.0.1", port: int = 7860, *, share: bool = False, browser: bool = False, root_path: str = ""
) -> None:
    """Serve the gallery until it is interrupted.

    Args:
        host: The address to listen at; 127.0.0.1 is reached from this machine only.
        port: 0 for any free one.
        share: Whether to make a public address, through gradio's servers.
        browser: Whether to open a browser.
        root_path: The path, or the whole address, below which a proxy shows it.

    Raises:
        UserError: For a port that is taken, a root path that is none, or without the extra ``gallery``.
    """
    proxy = parse_root_path(root_path)
    bound = bind_socket(host, port)
    configure_libraries()
    try:
        import segno
        import uvicorn

        from potmeter.gallery.server import Gallery
    except ImportError as error:
        bound.close()
        raise missing_extra("The gallery", "gallery", error.name) from None
    port = bound.getsockname()[1]
    local = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else f'[{host}]' if ':' in host else host}:{port}/"
    print(f"The gallery is at {local} (Ctrl-C ends it).", flush=True)
    join = root_path.rstrip("/") + "/" if proxy.scheme else open_tunnel(port) if share else None
    if join is None and host not in LOOPBACK:
        join = f"http://{network_address(host)}:{port}{proxy.path}/"
    if join is not None:
        print(f"Everybody who reaches it can use it, at {join}\n", flush=True)
        segno.make(join, micro=False).terminal(compact=True)
    if browser:
        webbrowser.open(local)
    names = (*LOOPBACK, "[::1]") if host in LOOPBACK and not share and not root_path else ()
    app = Gallery(names, join, proxy.path)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, server_header=False)
    uvicorn.Server(config).run(sockets=[bound])


def parse_root_path(root_path: str) -> SplitResult:
    """The parts of where a proxy shows the gallery. Raises UserError for what is neither a path nor an address."""
    parts = urlsplit(root_path.rstrip("/"))
    good = (parts.scheme in ("http", "https") and parts.netloc) or (not parts.scheme and not parts.netloc)
    plain = re.fullmatch(r"(/[\w.~-]+)*", parts.path) and not parts.query and not parts.fragment
    (good and plain) or reject("--root-path takes /potmeter or https://example.org/potmeter.", root_path)
    return parts


def network_address(host: str) -> str:
    """The address by which others in the network reach a socket that listens at ``host``."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks by which address one would
            return str(probe.getsockname()[0])
        except OSError:  # no network
            return socket.gethostname()


def bind_socket(host: str, port: int) -> socket.socket:
    """A socket at this address. Raises UserError when it cannot be had."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(kind)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(1024)  # who comes before the server is ready waits
    except OSError as error:
        bound.close()
        raise UserError(f"Port {port} of {host} cannot be had: {error.strerror}.", received=f"{host}:{port}") from None
    return bound


def open_tunnel(port: int) -> str:
    """A public address, through gradio's servers. Raises UserError when there is none to be had."""
    import secrets

    try:
        from gradio.networking import setup_tunnel

        return str(setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None))
    except Exception as error:  # whatever the tunnel's transport raises
        raise UserError(f"No public address could be made: {error}.", received="share") from None
