"""A gallery in a process of its own, and a browser to look at it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
HERE = Path(__file__).parent
PATIENCE = 150_000
"""Milliseconds that a page may take on a machine that does other things besides."""


class Site:
    """A gallery that has been started."""

    def __init__(self, process: subprocess.Popen, address: str, began: float) -> None:
        self.process, self.address, self.began = process, address, began

    def memory(self) -> float:
        """Megabytes that are the process's own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024


@contextlib.contextmanager
def started(*words, **environment):
    """A program of this folder that serves something, and says where in its first line."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    address = re.search(r"http://\S+/", process.stdout.readline())[0]
    drain = threading.Thread(target=process.stdout.read, daemon=True)
    drain.start()
    try:
        yield Site(process, address, began)
    finally:
        process.terminate()
        process.wait(20)
        drain.join(5)
        process.stdout.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The gallery, where gradio's usual folder for uploads is somebody else's."""
    temporary = tmp_path_factory.mktemp("temporary")
    (temporary / "gradio").touch()  # as useless to us as a folder that may not be written to, also for root
    with started(HERE / "site.py", "0", TMPDIR=str(temporary)) as running:
        yield running


@pytest.fixture(scope="session")
def proxied():
    """The gallery below a path of a proxy."""
    with (
        started(HERE / "site.py", "0", "/slides") as inside,
        started(HERE / "proxy.py", inside.address, "/slides") as proxy,
    ):
        yield proxy


@pytest.fixture
def client(site, tmp_path):
    """A program that talks to a system's page."""
    from gradio_client import Client

    opened = []

    def open(name: str) -> Client:
        opened.append(
            Client(
                f"{site.address}{name}/", verbose=False, httpx_kwargs={"timeout": 150}, download_files=tmp_path,
                analytics_enabled=False,
            )
        )  # fmt: skip
        return opened[-1]

    yield open
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def is_of_leaving(text: str) -> bool:
    """Whether an error is only Gradio's word that a page was left while it asked for something.

    The request that the browser takes back is reported twice, as the abort and as a connection that went;
    a server that is really gone also fails every wait of its test.
    """
    return "AbortError" in text or text.startswith("Unexpected error Connection errored out")


@pytest.fixture
def page(browser, site):
    """A tab. Whatever goes wrong in it, or is asked of anybody else, is an error."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True)
    tab, wrong = context.new_page(), []
    tab.set_default_timeout(PATIENCE)
    tab.on("pageerror", lambda error: None if is_of_leaving(str(error)) else wrong.append(str(error)))
    tab.on(
        "console",
        lambda message: (
            wrong.append(message.text) if message.type == "error" and not is_of_leaving(message.text) else None
        ),
    )
    tab.on(
        "request",
        lambda asked: None if asked.url.startswith((site.address, "data:", "blob:")) else wrong.append(asked.url),
    )
    tab.wrong = wrong
    yield tab
    context.close()
    assert not wrong


def get(address: str, **headers: str) -> str:
    """The text at an address of this machine."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=150) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        error.close()
        raise
