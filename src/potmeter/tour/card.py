"""A weights card as rows for reading: what was measured, beside what it must beat, and how the weights came about."""

from __future__ import annotations

from typing import Any

Rows = list[tuple[str, str]]


def measured(card: dict[str, Any]) -> tuple[str, list[tuple[str, str, bool]]]:
    """A heading, and the figures: name, value with its error, whether it is a baseline's. A metric's come below it."""
    final = bool(table(card, "metrics"))
    metrics, errors = table(card, "metrics") or table(card, "valid"), table(card, "errors")
    waiting, rows = dict(table(card, "baselines")), []
    for name, value in metrics.items():
        rows.append((words(name), figure(value, errors.get(name)), False))
        beaten = [key for key in waiting if key.endswith(name)]
        rows += [(words(key), figure(waiting.pop(key)), True) for key in beaten]
    rows += [(words(key), figure(value), True) for key, value in waiting.items()]
    samples = card.get("samples")
    count = f", {samples:,} samples" if isinstance(samples, int) else ""
    return (f"Measured on test data{count}" if final else "Measured while training"), rows


def made(card: dict[str, Any]) -> Rows:
    """How the weights came about: data, licence, time, machine, and whatever else the recipe tells."""
    recipe = dict(table(card, "recipe"))
    for key in ("data", "licence", "license", "licences", "paper", "limits"):
        if key in card:
            recipe.setdefault(key, card[key])
    rows: Rows = []
    if recipe.get("data"):
        rows.append(("data", listed(recipe.pop("data"))))
    if isinstance(seconds := recipe.pop("seconds", None), (int, float)):
        rows.append(("training time", duration(seconds)))
    recipe.pop("command", None)
    told = {words(key): listed(value) for key, value in recipe.items() if value not in (None, "", [], {})}
    small = [f"{key} {value}" for key, value in told.items() if len(value) < 24]  # seed, steps, device …: on one line
    rows += [(key, value) for key, value in told.items() if len(value) >= 24]
    return [*rows, ("recipe", ", ".join(small))] if small else rows


def command(card: dict[str, Any]) -> str | None:
    """The command that made the weights, where the card tells it."""
    found = card.get("command") or table(card, "recipe").get("command")
    return found if isinstance(found, str) else None


def table(card: dict[str, Any], key: str) -> dict[str, Any]:
    """A part of the card that should be a dictionary; empty where it is not."""
    value = card.get(key)
    return value if isinstance(value, dict) else {}


def words(name: str) -> str:
    """A key for reading."""
    return str(name).replace("_", " ")


def figure(value: Any, error: Any = None) -> str:
    """A measured value, with its 95 % error."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return listed(value)
    shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return f"{shown} ± {error:.2g}" if isinstance(error, (int, float)) else shown


def duration(seconds: float) -> str:
    """A time for reading."""
    if seconds < 0.995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def listed(value: Any) -> str:
    """Any JSON value as a line: dictionaries and lists with their parts one after the other."""
    if isinstance(value, dict):
        return "; ".join(f"{words(key)}: {listed(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(listed, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return figure(value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)  # 2026 is as likely a year
