"""Measure the gallery: ``python tools/gallery_figures.py``. A figure a line, with its limit. Needs Linux and Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
USERS, SECONDS = 20, 60.0


def main() -> None:
    """Start a gallery, measure it, end it."""
    print(f"load average before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "potmeter", "gallery", "--no-browser", "--port", "0"],
                               stdout=subprocess.PIPE, encoding="utf-8")  # fmt: skip
    assert process.stdout is not None
    address = re.search(r"http://\S+/", process.stdout.readline())[0]  # type: ignore[index]
    try:
        fetch(address)
        tell("first page after start", time.monotonic() - began, 12, "s")
        fetch(address + "autoencoder/")
        tell("first system's page after start", time.monotonic() - began, 12, "s")
        time.sleep(10)
        tell("anonymous memory when idle", memory(process.pid), 600, "MB")
        tell("latent drag, median round trip", drag(address), 100, "ms")
        crowd(address, process.pid)
    finally:
        process.terminate()
        process.wait(20)
    print(f"load average after: {os.getloadavg()[0]:.2f}")


def tell(what: str, value: float, limit: float, unit: str) -> None:
    """One figure."""
    print(f"{what:36} {value:8.1f} {unit:3} (limit {limit:g}) {'ok' if value <= limit else 'MISSED'}", flush=True)


def fetch(address: str) -> bytes:
    """What is at an address."""
    with urllib.request.urlopen(address, timeout=120) as answer:
        return bytes(answer.read())


def memory(pid: int) -> float:
    """Megabytes of anonymous memory."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))[1]) / 1000  # type: ignore[index]


def drag(address: str) -> float:
    """Milliseconds, in a real browser, from the question a moving point asks to the picture on the page."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or sys.exit("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{address}autoencoder/?task=by-hand")
        page.wait_for_selector(".demo .shown img", timeout=60_000)
        box: Any = page.locator(".demo .map").bounding_box()
        page.mouse.move(box["x"] + 9, box["y"] + 9)
        page.mouse.down()
        for step in range(300):
            page.mouse.move(
                box["x"] + 9 + step * (box["width"] - 18) / 299, box["y"] + 9 + (step * 7) % (box["height"] - 18)
            )
            page.wait_for_timeout(16)
        page.mouse.up()
        trips: list[float] = page.evaluate("potmeter.trips.slice(5)")
        browser.close()
    print(f"  {len(trips)} round trips, 95 % below {sorted(trips)[int(0.95 * len(trips))]:.0f} ms")
    return statistics.median(trips)


def crowd(address: str, pid: int) -> None:
    """Many users of the autoencoder at once, each asking again as soon as it has its answer."""
    from gradio_client import Client, handle_file

    from potmeter.data.samples import sample

    picture = sample("digit-3").save("/tmp/gallery-figures.png")
    before, peak, times, errors = memory(pid), [0.0], list[float](), list[str]()
    end = time.monotonic() + SECONDS

    def use(user: int) -> None:
        try:
            client = Client(
                f"{address}autoencoder/", verbose=False, httpx_kwargs={"timeout": 120}, analytics_enabled=False
            )
            while time.monotonic() < end:
                began = time.monotonic()
                client.predict("digits", handle_file(picture), api_name="/run")
                times.append(time.monotonic() - began)
        except Exception as error:
            errors.append(f"user {user}: {type(error).__name__}: {error}")

    users = [threading.Thread(target=use, args=(user,)) for user in range(USERS)]
    for user in users:
        user.start()
    while any(user.is_alive() for user in users):
        peak[0] = max(peak[0], memory(pid))
        time.sleep(0.5)
    print(f"  {len(times)} answers to {USERS} users in {SECONDS:.0f} s, median {statistics.median(times):.2f} s, "
          f"longest {max(times):.2f} s")  # fmt: skip
    print("  " + json.dumps(errors[:3]) if errors else "  no error")
    tell("errors of 20 users", len(errors), 0, "")
    tell("memory they added at most", peak[0] - before, 200, "MB")


if __name__ == "__main__":
    main()
