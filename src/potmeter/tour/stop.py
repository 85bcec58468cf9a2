"""A stop on the page: what it is, its results with what went in, and, folded, what was measured and what to try next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potmeter.presentation.card import format_duration, list_measurements, sum_up
from potmeter.presentation.facts import render_facts
from potmeter.presentation.figures import render_figure
from potmeter.presentation.markup import Html, join, prose, tag

if TYPE_CHECKING:
    from potmeter.presentation.facts import Facts
    from potmeter.tour.visit import Output, Visit

STATES = {"ok": "ran", "failed": "failed", "unavailable": "not available here"}
"""How a status is called on the page."""
MAX_OPEN = 4
"""Results of a stop that are open; the others are folded."""
KIND_ORDER = ("image", "video", "chart", "audio", "text", "bars")
"""Kinds of media in the order in which a result shows them; the picture comes before the figures."""


def render_stop(visits: list[Visit]) -> Html:
    """A stop with all of its weights."""
    entry = visits[0].entry
    told = next((visit.facts for visit in reversed(visits) if visit.facts.about), visits[-1].facts)
    number = tag("p", tag("span", "slide"), tag("b", entry.slide), class_="number")
    title = tag("h2", entry.name, " ", tag("small", entry.section if entry.kind == "system" else "probe"))
    summary = tag("p", prose(entry.summary.rstrip(".")), ".", class_="summary")
    troubles = [render_error(visit, visit.name) for visit in visits if visit.error is not None]
    results = list_results(visits)
    lead = pick_lead(results)
    cards = render_examples(lead)
    others = render_examples([result for result in results if result not in lead])
    return tag(
        "section",
        tag("header", number, tag("div", title, summary)),
        *troubles,
        cards,
        fold(count_more(len(results) - len(lead)), others, "more") if others else None,
        *(render_measured(visit) for visit in visits),
        fold("Try next", render_suggestions(told), "next") if told.next else None,
        id=entry.name,
        class_="stop",
    )  # fmt: skip


def list_results(visits: list[Visit]) -> list[tuple[Visit, Output]]:
    """The results of a stop; what other weights give again to the letter is told once, and nothing is shown of nothing."""
    results: dict[tuple[str, ...], tuple[Visit, Output]] = {}
    for visit in visits:
        for number, output in enumerate(visit.outputs):
            what = (output.task, output.caption, *(figure.html for figure in [*output.inputs, *output.outputs]))
            if output.error is not None:
                what = (visit.name, str(number))
            if output.outputs or output.error is not None:
                results.setdefault(what, (visit, output))
    return list(results.values())


def pick_lead(results: list[tuple[Visit, Output]]) -> list[tuple[Visit, Output]]:
    """The results that are open: the first of each set of weights, and of each thing that a stop can do; errors too."""
    lead: list[tuple[Visit, Output]] = []
    seen: set[tuple[str, str]] = set()
    for visit, output in results:
        news = {("weights", visit.name), ("task", output.task)} - seen
        if output.error is not None or (news and len(lead) < MAX_OPEN):
            lead.append((visit, output))
            seen |= news
    return lead


def count_more(count: int) -> str:
    """How many results are folded."""
    return f"{count} more result{'s' * (count > 1)}"


def fold(title: object, content: Html, kind: str) -> Html:
    """Something to be opened."""
    return tag("details", tag("summary", title), content, class_=kind)


def render_error(one: Visit | Output, name: str | None = None) -> Html:
    """The one line that says what went wrong."""
    label = f"{f'{name}: ' if name else ''}{'not available here' if one.unavailable else 'failed'}"
    kind = "unavailable" if one.unavailable else "failed"
    return tag(
        "p", tag("b", label[:1].upper() + label[1:] if not name else label), " ", one.error, class_=f"trouble {kind}"
    )


# What came of an example -----------------------------------------------------------------------------------------


def render_examples(results: list[tuple[Visit, Output]]) -> Html | None:
    """Several results, the small ones two in a row; a last one that would stand alone has the whole row."""
    if not results:
        return None
    small = [result for result in results if not is_wide(result[1])]
    alone = small[-1] if len(small) % 2 else None
    cards = [render_example(*result, wide=result not in small or result is alone) for result in results]
    return tag("div", *cards, class_="examples")


def is_wide(output: Output) -> bool:
    """Whether a result wants the whole width of the page."""
    return any(figure.wide for figure in output.outputs) or len(output.outputs) > 1 or len(output.inputs) > 1


def render_example(visit: Visit, output: Output, *, wide: bool) -> Html:
    """A caption, what went in beside what came out, and how to call it."""
    inputs = (
        tag("div", *map(render_figure, output.inputs), class_=f"inputs of-{min(len(output.inputs), 4)}")
        if output.inputs
        else None
    )
    arrow = tag("div", "→", class_="arrow", aria_hidden="true") if output.inputs else None
    figures = sorted(
        output.outputs,
        key=lambda figure: KIND_ORDER.index(figure.kind) if figure.kind in KIND_ORDER else len(KIND_ORDER),
    )
    results = render_error(output) if output.error is not None else join(*map(render_figure, figures))
    flow = tag("div", inputs, arrow, tag("div", results, class_="outputs"), class_="flow")
    facts = tag("small", tag("b", visit.name), " ", format_duration(output.seconds))
    command = tag("code", tag("span", "$ "), output.command)
    python = fold("in Python", tag("code", tag("span", ">>> "), output.python), "python")
    return tag(
        "article",
        tag("h3", prose(output.caption), " ", facts),
        flow,
        tag("div", command, python, class_="calls"),
        class_="example wide" if wide else "example",
    )  # fmt: skip


# What is known of it ---------------------------------------------------------------------------------------------


def render_measured(visit: Visit) -> Html | None:
    """What was measured of the weights, how they came about and what they can be set to: a line, to be opened."""
    facts = render_facts(visit.facts)
    if facts is None:
        return None
    told = sum_up(visit.entry, visit.tag)
    if not told:
        _, rows = list_measurements(visit.facts.card, visit.facts.entry.label)
        best = [f"{name} {value}" for name, value, is_baseline in rows if not is_baseline][:1]
        beside = [f"beside it {name} {value}" for name, value, is_baseline in rows if is_baseline][:1]
        told = "; ".join([*best, *(beside if best else [])])
    line = join(tag("b", visit.name), ": " if told else "", told)
    return tag("details", tag("summary", line), facts, class_="measured", id=visit.name if visit.tag else None)


def render_suggestions(facts: Facts) -> Html:
    """What to try next."""
    lines = [tag("li", tag("code", command), " ", tag("span", what)) for command, what in facts.next]
    return tag("ul", *lines)
