"""The state of a page as the end of its address: ``?weights=digits&task=plane&side=12``, and back."""

from __future__ import annotations

import json
from dataclasses import MISSING
from typing import Any
from urllib.parse import urlencode

from potmeter.core.signature import Parameter

MAX_QUERY = 6000
"""Characters of an address: longer ones are not understood everywhere. Values that do not fit are left out."""
RESERVED = ("weights", "task")


def make_query(
    weights: str | None, task: str, declared: list[Parameter], payloads: list[Any], names: dict[str, str]
) -> str:
    """The end of an address that brings the page back to this state.

    Args:
        weights: The weights chosen.
        task: The tab.
        declared: Its parameters, and
        payloads: what their widgets hold.
        names: Of media, by parameter, the example they come from. Uploaded files are in no address.
    """
    pairs = [("weights", weights), ("task", task if task != "run" else None)]
    for p, payload in zip(declared, payloads, strict=True):
        if p.name in names:
            pairs.append((p.name, names[p.name]))
        elif not p.medium and p.name not in RESERVED and not is_default(p, payload):
            pairs.append(
                (p.name, "" if payload is None else payload if isinstance(payload, str) else json.dumps(payload))
            )
    text = ""
    for key, value in pairs:
        more = urlencode({key: value}) if value is not None else ""
        if more and len(text) + len(more) < MAX_QUERY:
            text += ("&" if text else "?") + more
    return text


def is_default(p: Parameter, payload: Any) -> bool:
    """Whether a widget still holds its default."""
    default = None if p.default is MISSING else p.default
    default = " ".join(map(str, default)) if p.many and default is not None else default
    return payload == default or (payload in (None, "") and default in (None, ""))


def parse_value(p: Parameter, text: str) -> Any:
    """What a widget is to hold, from an address. Whatever it is, it is checked when it is used."""
    if p.type is str and not p.many:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text if p.many or p.type not in (int, float, bool) else None
    return value if isinstance(value, (str, int, float, bool)) else None
