"""Results: one medium, or several in a frozen dataclass."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from potmeter.media.medium import Medium, notebook_html


class Result:
    """Base of the frozen dataclasses whose fields are media: what a typed method returns that gives several."""

    def _repr_html_(self) -> str:
        return notebook_html(parts(self))


def parts(result: Any) -> dict[str, Medium]:
    """The media of a result by name: {"": medium} for a single one, the fields of a dataclass of media otherwise."""
    if isinstance(result, Medium):
        return {"": result}
    if is_dataclass(result) and not isinstance(result, type):
        media = {field.name: getattr(result, field.name) for field in fields(result)}
        if all(isinstance(medium, Medium) for medium in media.values()):
            return media
    raise TypeError(f"A result is a medium or a dataclass of media, not {type(result).__name__}.")


def as_json(result: Any) -> Any:
    """A result as plain values: a medium's own, or those of a dataclass's media by their names; None for no result."""
    if result is None:
        return None
    media = parts(result)
    return to_json_value(media[""].json() if "" in media else {name: medium.json() for name, medium in media.items()})


def to_json_value(value: Any) -> Any:
    """A value as JSON knows it: numpy's numbers as Python's, and null for what is not finite."""
    if isinstance(value, dict):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(item) for item in value]
    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int)) or value is None else str(value)
