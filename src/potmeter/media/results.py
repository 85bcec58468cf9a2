"""Results: one medium, or a frozen dataclass of media."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from potmeter.media.medium import Medium


def parts(result: Any) -> dict[str, Medium]:
    """The media of a result by name: {"": medium} for a single one, the fields of a dataclass of media otherwise."""
    if isinstance(result, Medium):
        return {"": result}
    if is_dataclass(result) and not isinstance(result, type):
        media = {field.name: getattr(result, field.name) for field in fields(result)}
        if all(isinstance(medium, Medium) for medium in media.values()):
            return media
    raise TypeError(f"A result is a medium or a dataclass of media, not {type(result).__name__}.")
