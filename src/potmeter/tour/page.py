"""The page: what it is, where it was made, the contents, and the stops in the lecture's order."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from potmeter.presentation.card import format_duration
from potmeter.presentation.markup import Html, tag
from potmeter.tour.stop import STATES, render_stop
from potmeter.version import __version__

if TYPE_CHECKING:
    from potmeter.tour.visit import Visit

LEAD = (
    "A neural network is a black box with very many knobs: numbers go in, numbers come out, and training turns the "
    "knobs until the answers suit us. This page opens such boxes one after the other, in the order of the lecture."
)
HOW = (
    "Nothing here is a stored picture. {program} loaded the weights of each stop, gave them the inputs you see, none "
    "of which they were trained on, and wrote down what came out, mistakes included. The command under a result gives it "
    "again, typed in this page's folder, which holds the inputs."
)
KEYS = "Keys: → and ← go from stop to stop."


def page(visits: list[Visit], seconds: float, *, waiting: int = 0, missing: int = 0) -> str:
    """The whole document, self-contained: style, script and media are in it, and nothing is asked of a network.

    Args:
        visits: The stops that ran.
        seconds: How long they took.
        waiting: How many are still to come.
        missing: How many did not run; without any waiting the tour was interrupted.
    """
    stops = [list(group) for _, group in groupby(visits, key=lambda visit: (visit.entry.slide, visit.entry.name))]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"potmeter {__version__}"),
        tag("title", "potmeter: a tour of the lecture"),
        tag("style", Html(read_file("presentation", "style.css") + read_file("tour", "tour.css"))),
    )
    body = tag(
        "body",
        render_contents(stops, waiting),
        tag(
            "div",
            tag("header", *render_opening(visits, seconds, waiting, missing), class_="opening"),
            tag("main", *(render_stop(stop) for stop in stops)),
            tag("footer", tag("p", "This page was written by ", tag("code", "potmeter tour"), ".")),
            class_="column",
        ),
        tag("script", Html(read_file("tour", "tour.js"))),
        data_waiting=waiting or None,
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def read_file(room: str, name: str) -> str:
    """A style sheet or script of the package."""
    return resources.files(f"potmeter.{room}").joinpath(name).read_text(encoding="utf-8")


def render_opening(visits: list[Visit], seconds: float, waiting: int, missing: int) -> list[Html]:
    """The title, what the page is, and when, where and with what it was made."""
    now, threads = datetime.now(UTC), torch.get_num_threads()
    facts = [
        ("made", f"{now.day} {now:%B %Y, %H:%M} UTC"),
        ("in", format_duration(seconds)),
        ("stops", summarise_states(visits)),
        ("with", f"potmeter {__version__}, torch {torch.__version__}, Python {platform.python_version()}"),
        (
            "on",
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads > 1)}",
        ),
    ]
    before, _, after = HOW.partition("{program}")
    news = f"Still running: {waiting} to come. This page grows by itself." if waiting else ""
    news = news or (f"Interrupted: {missing} stops did not run." if missing else "")
    return [
        tag("p", "potmeter ", tag("span", __version__), class_="brand"),
        tag("h1", "The ", tag("span", "deep-learning"), " lecture that runs"),
        *([tag("p", news, class_="running", role="status")] if news else []),
        tag("p", LEAD, class_="lead"),
        tag("p", before, tag("code", "potmeter tour"), after),
        tag("p", KEYS, class_="keys"),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="colophon"),
    ]


def summarise_states(visits: list[Visit]) -> str:
    """How many stops ran, and how many did not."""
    states = [visit.status for visit in visits]
    counts = [f"{states.count(state)} {STATES[state]}" for state in STATES if state in states]
    return ", ".join(counts) or "none"


def render_contents(stops: list[list[Visit]], waiting: int) -> Html:
    """The table of contents in slide order, which stays in sight."""
    lines = []
    for visits in stops:
        entry, wrong = visits[0].entry, [visit for visit in visits if visit.status != "ok"]
        marks = [
            tag("span", f"{visit.tag or entry.name} {STATES[visit.status]}", class_=f"state {visit.status}")
            for visit in wrong
        ]
        link = tag("a", tag("span", entry.slide, class_="slide"), " ", tag("b", entry.name), href=f"#{entry.name}")
        lines.append(tag("li", link, *marks))
    if waiting:
        lines.append(tag("li", f"… {waiting} to come", class_="waiting"))
    top = tag("a", "potmeter ", tag("span", "the tour"), href="#top", class_="brand")
    return tag("nav", tag("details", tag("summary", "Contents"), top, tag("ol", *lines), open="open"), id="top",
               aria_label="Contents")  # fmt: skip
