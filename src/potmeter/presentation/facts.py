"""What a page says of a stop besides its results: from the catalogue, the class, the Config and the card."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from potmeter.core.config import BaseConfig
from potmeter.core.signature import parameters
from potmeter.presentation.card import (
    list_measurements,
    list_provenance,
    read_card,
    read_measurements,
    training_command,
)
from potmeter.presentation.markup import Html, prose, tag
from potmeter.presentation.source import config_fields
from potmeter.registry import Entry

Rows = list[tuple[str, str]]
LONGEST_LIST = 30
"""Longer lists are shown by their first values and their length."""


@dataclass(frozen=True)
class Facts:
    """Everything a stop's page tells that is not a result."""

    entry: Entry
    about: str = ""
    """The first sentence of the class's docstring."""
    card: dict[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    config: list[tuple[str, str, str]] = field(default_factory=list)
    """The system's own part of its Config: name, value, meaning."""
    next: Rows = field(default_factory=list)
    """Commands worth trying, each with what it does."""


def collect_facts(entry: Entry, tag: str | None, system: Any = None, known: Facts | None = None) -> Facts:
    """The facts of a stop; those of weights and Config once the system is loaded."""
    known = known or Facts(entry, next=[(f"potmeter show {entry.name}", "what it takes, gives and can be set to")])
    card = getattr(system, "card", None) or known.card
    if not card:
        try:
            card = read_card(entry.name, tag) if tag and entry.kind == "system" else read_measurements(entry)
        except (OSError, ValueError):  # a damaged card is the weights' trouble: loading them will tell
            card = {}
    card = card if isinstance(card, dict) else {}
    config = getattr(system, "config", None)
    count = sum(p.numel() for p in system.parameters()) if hasattr(system, "parameters") else None
    return replace(known, card=card, parameters=count, config=own_fields(entry, config))


def add_class_facts(known: Facts, owner: type, entry: Entry) -> Facts:
    """The facts, with what the class itself tells."""
    name, tries = entry.name, list(known.next)
    if entry.kind == "probe":
        tries.append(
            (f"potmeter run {name} --model MODEL", "on another model: a system, a checkpoint, torchvision:NAME")
        )
        tries.append((f"potmeter eval {name}", "measure it beside what it must beat"))
    else:
        if "tiny" in getattr(owner, "presets", {}):
            tries.append((f"potmeter train {name} --preset tiny", "train a small one of your own: 400 steps, seconds"))
        tries += own_data_commands(name, owner)
        tries.append((f"potmeter eval {name}", "measure it on data it has never seen"))
        tries.append((f"potmeter eject {name} my-{name}/", "its code in a folder of your own, to change"))
    return replace(known, about=first_sentence(owner.__doc__ or ""), next=tries)


def own_data_commands(name: str, owner: type) -> Rows:
    """How the system is trained on data of the user's own, by what its ``data`` takes; empty where it takes none."""
    try:
        taken = {p.name: p for p in parameters(owner.data)}  # type: ignore[attr-defined]
    except (AttributeError, KeyError, NameError, TypeError):  # a class not made like ours
        return []
    if "source" not in taken:
        return []
    help = taken["source"].help.partition(";")[0].rstrip(".")
    words = help.lower()
    place = "FOLDER" if "folder" in words else "TABLE.csv" if "csv" in words or "table" in words else "FILE.txt"
    files = [f" --{p.name.replace('_', '-')} FILE.txt" for p in taken.values() if p.name.endswith("_file")]
    command = f"potmeter train {name} --data {place}{''.join(files)} --budget 10m"
    return [(command, f"on data of your own: {help[:1].lower()}{help[1:]}" if help else "on data of your own")]


def first_sentence(docstring: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) +(?=[A-Z])", paragraph, maxsplit=1)[0]


def own_fields(entry: Entry, config: Any) -> list[tuple[str, str, str]]:
    """The fields of a Config that are the system's own, with their values and docstrings."""
    if not is_dataclass(config) or isinstance(config, type):
        return []
    try:
        docs = {f.name: f.doc for f in config_fields(entry)}
    except Exception:  # somebody else's package may keep its source anywhere: then without docstrings
        docs = {}
    common = {f.name for f in fields(BaseConfig)} - {"dataset"}
    return [
        (f.name, format_setting(getattr(config, f.name)), docs.get(f.name, ""))
        for f in fields(config)
        if f.name not in common
    ]


def format_setting(value: Any) -> str:
    """A Config's value for reading."""
    if isinstance(value, (list, tuple)) and len(value) > LONGEST_LIST:
        return f"{', '.join(map(str, value[:3]))} … ({len(value):,})"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)


# As HTML -----------------------------------------------------------------------------------------------------------


def render_facts(facts: Facts) -> Html | None:
    """The card and the Config: figures first, how the weights were made beside them, the Config to be opened."""
    heading, figures = list_measurements(facts.card, facts.entry.label)
    made = list_provenance(facts.card)
    if facts.parameters:
        made = [("parameters", f"{facts.parameters:,}"), *made]
    blocks = []
    if figures:
        rows = [render_row(name, value, "baseline" if is_baseline else None) for name, value, is_baseline in figures]
        blocks.append(tag("div", tag("h5", heading), tag("dl", *rows)))
    if made:
        blocks.append(
            tag("div", tag("h5", "The weights"), tag("dl", *(render_row(name, value) for name, value in made)))
        )
    command = training_command(facts.card)
    made_by = tag("p", "Made by ", tag("code", command), class_="made") if command else None
    if not blocks and not facts.config:
        return None
    return tag("div", tag("div", *blocks, class_="columns"), made_by, render_config(facts), class_="facts")


def render_row(name: str, value: str, kind: str | None = None) -> Html:
    """A fact: its name and its value."""
    return tag("div", tag("dt", name), tag("dd", value), class_=kind)


def render_config(facts: Facts) -> Html | None:
    """The system's own part of its Config."""
    if not facts.config:
        return None
    rows = [
        tag("tr", tag("td", tag("code", name)), tag("td", value), tag("td", prose(doc)))
        for name, value, doc in facts.config
    ]
    summary = tag("summary", f"Its Config: {len(rows)} settings besides those of training")
    return tag("details", summary, tag("table", tag("tbody", *rows)))
