"""A weights card as rows for reading: what was measured, beside what it must beat, and how the weights came about."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from potmeter import registry

Rows = list[tuple[str, str]]


def read_card(name: str, tag: str) -> dict[str, Any]:
    """The card of shipped weights; empty for fetched ones."""
    path: Path = registry.WEIGHTS / f"{name}.{tag}" / "card.json"
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return card


def read_measurements(entry: registry.Entry) -> dict[str, Any]:
    """A probe's figures: as ``potmeter eval`` gave them, or those of what it made; empty where none are kept."""
    path = entry.source / "measured.json"
    if path.is_file():
        measured: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return measured
    return next((card for tag in entry.artefacts if (card := read_card(entry.name, tag))), {})


def fill(text: str, figures: dict[str, Any]) -> str:
    """A text with figures of a card in the place of ``{accuracy:.1%}``; a space before the sign for per cent."""
    return re.sub(r"(\d)%", r"\1 %", text.format_map(figures)) if figures else text


def read_figures(name: str, tag: str) -> dict[str, Any]:
    """The figures of a card by name: metrics, their errors (``_error``), baselines, samples, minutes of training."""
    card = read_card(name, tag)
    if not card:
        return {}
    errors = {f"{metric}_error": value for metric, value in card.get("errors", {}).items()}
    seconds = card.get("training", {}).get("seconds")
    minutes = {"minutes": seconds / 60} if seconds else {}
    return card | card["metrics"] | errors | card["baselines"] | minutes


def sum_up(entry: registry.Entry, tag: str | None) -> str:
    """In a line, what the catalogue says was measured, beside what; empty where it says nothing."""
    places: list[tuple[registry.Entry | registry.Weights, str | None]] = [(entry, None)]
    places += [(facts, name) for name, facts in entry.artefacts.items()]
    places = [(entry.weights[tag], tag)] if tag in entry.weights else places
    for facts, name in places:
        if facts.measured:
            figures = read_figures(entry.name, name) if name else {}
            text = fill(facts.comparison, figures)
            comparison = f"; compared with {text}" if text and not text.startswith("–") else ""
            return f"{fill(facts.measured, figures)}{comparison}".replace("`", "")
    return ""


def list_measurements(
    card: dict[str, Any], label: Callable[[str], str] | None = None
) -> tuple[str, list[tuple[str, str, bool]]]:
    """A heading, and the figures: name, value with its error, whether it is a baseline's. A metric's come below it.

    Args:
        card: The card of weights, or a probe's ``measured.json``.
        label: What a name is called on a page; see ``Entry.label``.
    """
    label = label or format_name
    final = bool(read_part(card, "metrics"))
    metrics, errors = read_part(card, "metrics") or read_part(card, "valid"), read_part(card, "errors")
    baselines = read_part(card, "baselines")
    owners = {name: owner_of(name, list(metrics)) for name in baselines}
    rows: list[tuple[str, str, bool]] = []
    for metric, value in metrics.items():
        rows.append((label(metric), format_figure(value, errors.get(metric)), False))
        below = [name for name, owner in owners.items() if owner == metric]
        rows += [(label(name.removesuffix(f"_{metric}")), format_figure(baselines[name]), True) for name in below]
    rows += [(label(name), format_figure(baselines[name]), True) for name, owner in owners.items() if owner is None]
    samples = card.get("samples")
    count = f", {samples:,} samples" if isinstance(samples, int) else ""
    return (f"Measured on test data{count}" if final else "Measured while training"), rows


def owner_of(baseline: str, metrics: list[str]) -> str | None:
    """The metric that a baseline's name ends in, of several the longest: ``retrieval_en_hu_bleu`` is no ``bleu``'s."""
    return max((metric for metric in metrics if baseline.endswith(f"_{metric}")), key=len, default=None)


def list_provenance(card: dict[str, Any]) -> Rows:
    """How the weights came about: data, licence, time, machine, and whatever else the card tells of the training."""
    training = dict(read_part(card, "training"))
    for key in ("data", "licence", "license", "licences", "paper", "limits"):
        if key in card:
            training.setdefault(key, card[key])
    rows: Rows = []
    if training.get("data"):
        rows.append(("data", format_value(training.pop("data"))))
    if isinstance(seconds := training.pop("seconds", None), (int, float)):
        rows.append(("training time", format_duration(seconds)))
    training.pop("command", None)
    told = {format_name(key): format_value(value) for key, value in training.items() if value not in (None, "", [], {})}
    small = [f"{key} {value}" for key, value in told.items() if len(value) < 24]  # seed, steps, device …: on one line
    rows += [(key, value) for key, value in told.items() if len(value) >= 24]
    return [*rows, ("training", ", ".join(small))] if small else rows


def training_command(card: dict[str, Any]) -> str | None:
    """The command that made the weights, where the card tells it."""
    found = card.get("command") or read_part(card, "training").get("command")
    return found if isinstance(found, str) else None


def read_part(card: dict[str, Any], key: str) -> dict[str, Any]:
    """A part of the card that should be a dictionary; empty where it is not."""
    value = card.get(key)
    return value if isinstance(value, dict) else {}


def format_name(name: str) -> str:
    """A key for reading."""
    return str(name).replace("_", " ")


def format_figure(value: Any, error: Any = None) -> str:
    """A measured value, with its 95 % error."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return format_value(value)
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return f"{shown} ± {error:.2g}" if isinstance(error, (int, float)) else shown


def format_duration(seconds: float) -> str:
    """A time for reading."""
    if seconds < 0.995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def format_value(value: Any) -> str:
    """Any JSON value as a line: dictionaries and lists with their parts one after the other."""
    if isinstance(value, dict):
        return "; ".join(f"{format_name(key)}: {format_value(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(format_value, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return format_figure(value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)  # 2026 is as likely a year
