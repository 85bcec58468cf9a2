"""A stop on the page: what it is, its facts, and its examples with what went in and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potmeter.tour import card as cards
from potmeter.tour.card import duration
from potmeter.tour.markup import Html, join, prose, tag

if TYPE_CHECKING:
    from potmeter.tour.facts import Facts
    from potmeter.tour.shown import Shown
    from potmeter.tour.visit import Output, Visit

STATES = {"ok": "ran", "failed": "failed", "unavailable": "not available here"}
"""How a status is called on the page."""
SIDE_BY_SIDE = 3
"""Up to so many inputs stand left of the output; more stand above it."""


def section(visits: list[Visit]) -> Html:
    """A stop with all of its weights."""
    entry = visits[0].entry
    told = next((visit.facts for visit in reversed(visits) if visit.facts.about), visits[-1].facts)
    number = tag("p", tag("span", "slide"), tag("b", entry.slide), class_="number")
    title = tag("h2", entry.name, " ", tag("small", entry.section if entry.kind == "system" else "probe"))
    about = [tag("p", prose(entry.summary.rstrip(".")), ".", class_="summary")]
    about += [tag("p", prose(told.about), class_="about")] if told.about else []
    runs = [run(visit, named=len(visits) > 1 or visit.tag is not None) for visit in visits]
    return tag(
        "section",
        tag("header", number, tag("div", title, *about)),
        *runs,
        following(told),
        id=entry.name,
        class_="stop",
    )


def run(visit: Visit, *, named: bool) -> Html:
    """One set of weights: its name, card and examples."""
    state = tag("span", f"{STATES[visit.status]}, {duration(visit.seconds)}", class_=f"state {visit.status}")
    head = tag("h3", visit.name if named else "Results", " ", state)
    error = trouble(visit) if visit.error is not None else None
    examples = tag("div", *(example(output) for output in visit.outputs), class_="examples") if visit.outputs else None
    anchor = visit.name if visit.tag else None  # a probe's is its section's
    return tag("div", head, error, facts(visit.facts), examples, id=anchor, class_="run")


def trouble(one: Visit | Output) -> Html:
    """The one line that says what went wrong."""
    label = "Not available here" if one.unavailable else "Failed"
    return tag("p", tag("b", label), " ", one.error, class_=f"trouble {'unavailable' if one.unavailable else 'failed'}")


# What came of an example -----------------------------------------------------------------------------------------


def example(output: Output) -> Html:
    """A caption, input → output, and how to call it."""
    wide = any(shown.wide for shown in output.outputs) or len(output.outputs) > 1
    many = len(output.inputs) > SIDE_BY_SIDE
    inputs = tag("div", *map(medium, output.inputs), class_="inputs") if output.inputs else None
    arrow = tag("div", "↓" if many else "→", class_="arrow", aria_hidden="true") if output.inputs else None
    results = trouble(output) if output.error is not None else join(*map(medium, output.outputs))
    flow = tag("div", inputs, arrow, tag("div", results, class_="outputs"), class_="flow" + " stacked" * many)
    calls = tag("pre", tag("span", "$ "), output.command, "\n", tag("span", ">>> "), output.python)
    caption = tag("h4", prose(output.caption), " ", tag("small", duration(output.seconds)))
    return tag(
        "article",
        caption,
        flow,
        tag("div", calls, class_="calls"),
        class_="example wide" if wide or many else "example",
    )


def medium(shown: Shown) -> Html:
    """A medium with its name below it."""
    if shown.kind == "quoted":
        return tag("blockquote", shown.html)
    if shown.kind == "more":
        return tag("p", shown.html, class_="more")
    label = tag("figcaption", shown.name.replace("_", " ")) if shown.name else None
    width = f"--width: {shown.width}px" if shown.width else None
    return tag("figure", shown.html, label, class_=f"medium {shown.kind}", style=width)


# Facts -----------------------------------------------------------------------------------------------------------


def facts(known: Facts) -> Html | None:
    """The card and the Config: figures first, how the weights were made beside them, the Config to be opened."""
    heading, figures = cards.measured(known.card)
    made = cards.made(known.card)
    if known.parameters:
        made = [("knobs", f"{known.parameters:,}"), *made]
    blocks = []
    if figures:
        rows = [row(name, value, "baseline" if lesser else None) for name, value, lesser in figures]
        blocks.append(tag("div", tag("h5", heading), tag("dl", *rows)))
    if made:
        blocks.append(tag("div", tag("h5", "The weights"), tag("dl", *(row(name, value) for name, value in made))))
    command = cards.command(known.card)
    made_by = tag("p", "Made by ", tag("code", command), class_="made") if command else None
    if not blocks and not known.config:
        return None
    return tag("div", tag("div", *blocks, class_="columns"), made_by, config(known), class_="facts")


def row(name: str, value: str, kind: str | None = None) -> Html:
    """A fact: its name and its value."""
    return tag("div", tag("dt", name), tag("dd", value), class_=kind)


def config(known: Facts) -> Html | None:
    """The system's own part of its Config."""
    if not known.config:
        return None
    rows = [
        tag("tr", tag("td", tag("code", name)), tag("td", value), tag("td", prose(doc)))
        for name, value, doc in known.config
    ]
    summary = tag("summary", f"Its Config: {len(rows)} settings besides those of training")
    return tag("details", summary, tag("table", tag("tbody", *rows)))


def following(known: Facts) -> Html | None:
    """What to try next."""
    if not known.next:
        return None
    lines = [tag("li", tag("code", command), tag("span", what)) for command, what in known.next]
    return tag("aside", tag("h5", "Try next"), tag("ul", *lines), class_="next")
