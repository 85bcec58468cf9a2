"""The page: what it is, where it was made, the contents, and the stops in the lecture's order."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

import torch

import potmeter
from potmeter.presentation.card import format_duration
from potmeter.presentation.markup import Html, join, tag
from potmeter.tour.stop import STATES, render_stop

if TYPE_CHECKING:
    from potmeter.tour.visit import Visit

LEAD = (
    "A neural network is a black box with very many knobs: numbers go in, numbers come out, and training turns the "
    "knobs until the answers suit us. This page opens such boxes one after the other, in the order of the lecture."
)
HOW = (
    "Nothing here is a stored picture. {program} loaded the weights of each stop, gave them the inputs you see, none "
    "of which they were trained on, and wrote down what came out, mistakes included. Below each result stands the "
    "command that gives it again; where it names a file such as image.png, put one of your own there."
)


def page(visits: list[Visit], seconds: float) -> str:
    """The whole document, self-contained: style and media are in it, and nothing is asked of a network or a script."""
    stops = [list(group) for _, group in groupby(visits, key=lambda visit: (visit.entry.slide, visit.entry.name))]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"potmeter {potmeter.__version__}"),
        tag("title", "potmeter: a tour of the lecture"),
        tag("style", style()),
    )
    body = tag(
        "body",
        tag("header", *opening(visits, seconds), class_="opening"),
        contents(stops),
        tag("main", *(render_stop(stop) for stop in stops)),
        tag("footer", tag("p", "This page was written by ", tag("code", "potmeter tour"), ".")),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def style() -> Html:
    """The style sheet."""
    return Html(resources.files("potmeter.presentation").joinpath("style.css").read_text(encoding="utf-8"))


def opening(visits: list[Visit], seconds: float) -> list[Html]:
    """The title, what the page is, and when, where and with what it was made."""
    now, threads = datetime.now(UTC), torch.get_num_threads()
    facts = [
        ("made", f"{now.day} {now:%B %Y, %H:%M} UTC"),
        ("in", format_duration(seconds)),
        ("stops", summary(visits)),
        ("with", f"potmeter {potmeter.__version__}, torch {torch.__version__}, Python {platform.python_version()}"),
        (
            "on",
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads > 1)}",
        ),
    ]
    return [
        tag("p", "potmeter ", tag("span", potmeter.__version__), class_="brand"),
        tag("h1", "The ", tag("span", "deep-learning"), " lecture that runs"),
        tag("p", LEAD, class_="lead"),
        tag("p", *around(HOW, tag("code", "potmeter tour"))),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="colophon"),
    ]


def around(text: str, program: Html) -> list[object]:
    """The text with the program's name, as code, in its place."""
    before, _, after = text.partition("{program}")
    return [before, program, after]


def summary(visits: list[Visit]) -> str:
    """How many stops ran, and how many did not."""
    states = [visit.status for visit in visits]
    counts = [f"{states.count(state)} {STATES[state]}" for state in STATES if state in states]
    return ", ".join(counts) or "none"


def contents(stops: list[list[Visit]]) -> Html:
    """The table of contents in slide order, each with the state of its weights."""
    lines = []
    for visits in stops:
        entry = visits[0].entry
        marks = [tag("a", mark(visit), href=f"#{visit.name}", class_=f"state {visit.status}") for visit in visits]
        link = tag("a", tag("b", entry.name), tag("span", entry.summary), href=f"#{entry.name}", class_="entry")
        lines.append(tag("li", tag("span", entry.slide, class_="slide"), link, tag("span", *marks, class_="states")))
    return tag("nav", tag("h2", "Stops"), tag("ol", *lines), aria_label="Contents")


def mark(visit: Visit) -> Html:
    """A visit's name and state, in words, not only in colour."""
    state = format_duration(visit.seconds) if visit.status == "ok" else STATES[visit.status]
    return join(tag("b", visit.tag or visit.entry.name), " ", state)
