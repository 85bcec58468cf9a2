"""Examples as the page offers them: captions to press, and their media as files that the widgets can show."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.core.conversion import to_medium
from potmeter.core.signature import Parameter
from potmeter.core.system import Example
from potmeter.errors import UserError
from potmeter.gallery import limits
from potmeter.gallery.widgets import file_of
from potmeter.registry import Entry

ORIGINS: OrderedDict[str, str] = OrderedDict()
"""Of the media that come from examples, by the SHA-256 of their files, which example that was: ``example-2``."""


def list_examples(_: Entry, system: Any) -> list[Example]:
    """The examples of a system or probe; none where their data must be fetched and cannot be."""
    try:
        return list(system.examples())
    except UserError:
        return []


def make_payloads(declared: list[Parameter], example: Example | None, number: int = 0) -> list[Any]:
    """What the widgets are to hold for an example; without one, their defaults."""
    inputs = example.inputs if example else {}
    return [make_payload(p, inputs.get(p.name, p.default), f"example-{number}") for p in declared]


def make_payload(p: Parameter, value: Any, origin: str) -> Any:
    """What one widget is to hold."""
    if value is MISSING or value is None:
        return None
    if p.many and p.medium:
        items = [store_medium(p, item, f"{p.name}-{n}", origin) for n, item in enumerate(p.convert(value), 1)]
        return [(item, None) for item in items] if p.type is media.Image else items
    if p.many:
        return " ".join(map(str, value))
    if p.type is media.Text:
        return str(to_medium(p.name, media.Text, value))
    return store_medium(p, value, p.name, origin) if p.medium else value


def store_medium(p: Parameter, value: Any, name: str, origin: str) -> str:
    """The file of a medium, in a folder named for what it holds, so that the same is stored once."""
    medium = to_medium(p.name, p.type, value)
    data = medium.encode(medium.suffix)
    digest = hashlib.sha256(data).hexdigest()
    path = limits.upload_folder() / "examples" / digest[:16] / f"{name}{medium.suffix}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    ORIGINS[digest] = origin
    ORIGINS.move_to_end(digest)
    while len(ORIGINS) > 10_000:
        ORIGINS.popitem(last=False)
    return str(path)


def find_origins(declared: list[Parameter], sent: list[Any]) -> dict[str, str]:
    """Of the media that the widgets sent, which example each comes from, where it is the same to the bit."""
    found = {}
    for p, payload in zip(declared, sent, strict=True):
        files = payload if isinstance(payload, list) else [payload]
        if p.medium and p.type is not media.Text and files and payload:
            known = {origin_of(file_of(file)) for file in files}
            if len(known) == 1 and (origin := known.pop()):
                found[p.name] = origin
    return found


def origin_of(file: Any) -> str | None:
    """The example that an uploaded file comes from."""
    path: Path = limits.resolve_upload(file)[0]
    return ORIGINS.get(hashlib.sha256(path.read_bytes()).hexdigest())
