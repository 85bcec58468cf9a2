"""A stop on the page: what it is, its facts, and its examples with what went in and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potmeter.presentation.card import format_duration
from potmeter.presentation.facts import render_facts
from potmeter.presentation.figures import render_figure
from potmeter.presentation.markup import Html, join, prose, tag

if TYPE_CHECKING:
    from potmeter.presentation.facts import Facts
    from potmeter.tour.visit import Output, Visit

STATES = {"ok": "ran", "failed": "failed", "unavailable": "not available here"}
"""How a status is called on the page."""
SIDE_BY_SIDE = 3
"""Up to so many inputs stand left of the output; more stand above it."""


def render_stop(visits: list[Visit]) -> Html:
    """A stop with all of its weights."""
    entry = visits[0].entry
    told = next((visit.facts for visit in reversed(visits) if visit.facts.about), visits[-1].facts)
    number = tag("p", tag("span", "slide"), tag("b", entry.slide), class_="number")
    title = tag("h2", entry.name, " ", tag("small", entry.section if entry.kind == "system" else "probe"))
    about = [tag("p", prose(entry.summary.rstrip(".")), ".", class_="summary")]
    about += [tag("p", prose(told.about), class_="about")] if told.about else []
    runs = [render_weights(visit, named=len(visits) > 1 or visit.tag is not None) for visit in visits]
    return tag(
        "section",
        tag("header", number, tag("div", title, *about)),
        *runs,
        render_suggestions(told),
        id=entry.name,
        class_="stop",
    )


def render_weights(visit: Visit, *, named: bool) -> Html:
    """One set of weights: its name, card and examples."""
    state = tag("span", f"{STATES[visit.status]}, {format_duration(visit.seconds)}", class_=f"state {visit.status}")
    head = tag("h3", visit.name if named else "Results", " ", state)
    error = render_error(visit) if visit.error is not None else None
    examples = (
        tag("div", *(render_example(output) for output in visit.outputs), class_="examples") if visit.outputs else None
    )
    anchor = visit.name if visit.tag else None  # a probe's is its section's
    return tag("div", head, error, render_facts(visit.facts), examples, id=anchor, class_="run")


def render_error(one: Visit | Output) -> Html:
    """The one line that says what went wrong."""
    label = "Not available here" if one.unavailable else "Failed"
    return tag("p", tag("b", label), " ", one.error, class_=f"trouble {'unavailable' if one.unavailable else 'failed'}")


# What came of an example -----------------------------------------------------------------------------------------


def render_example(output: Output) -> Html:
    """A caption, input → output, and how to call it."""
    wide = any(shown.wide for shown in output.outputs) or len(output.outputs) > 1
    many = len(output.inputs) > SIDE_BY_SIDE
    inputs = tag("div", *map(render_figure, output.inputs), class_="inputs") if output.inputs else None
    arrow = tag("div", "↓" if many else "→", class_="arrow", aria_hidden="true") if output.inputs else None
    results = render_error(output) if output.error is not None else join(*map(render_figure, output.outputs))
    flow = tag("div", inputs, arrow, tag("div", results, class_="outputs"), class_="flow" + " stacked" * many)
    calls = tag("pre", tag("span", "$ "), output.command, "\n", tag("span", ">>> "), output.python)
    caption = tag("h4", prose(output.caption), " ", tag("small", format_duration(output.seconds)))
    return tag(
        "article",
        caption,
        flow,
        tag("div", calls, class_="calls"),
        class_="example wide" if wide or many else "example",
    )


def render_suggestions(known: Facts) -> Html | None:
    """What to try next."""
    if not known.next:
        return None
    lines = [tag("li", tag("code", command), tag("span", what)) for command, what in known.next]
    return tag("aside", tag("h5", "Try next"), tag("ul", *lines), class_="next")
