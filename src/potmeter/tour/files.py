"""The files beside the page: what the examples were given, so that the command under a result gives it again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter

FOLDER = "files"
"""Where they are, beside the page."""
MAX_LOOSE = 3
"""More of one list get a folder of their own, which the command line expands."""
LONGEST_WORD = 300
"""Characters of a text that stands in a command itself; longer ones are files."""


class Files:
    """The files of a tour by their paths, each content once."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.paths: dict[str, str] = {}

    def add(self, medium: media.Medium, name: str) -> str:
        """Keep a medium under a name, unless the same is kept already, and return its path from the page's folder."""
        data = medium.encode(medium.suffix)
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self.paths:
            self.paths[digest] = path = self.unused_path(f"{FOLDER}/{name}", medium.suffix)
            self.contents[path] = data
        return self.paths[digest]

    def add_folder(self, many: list[media.Medium], name: str) -> str:
        """Keep several media in a folder of their own, and return its path."""
        data = [medium.encode(medium.suffix) for medium in many]
        digest = hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in data)).hexdigest()
        if digest not in self.paths:
            self.paths[digest] = folder = self.unused_path(f"{FOLDER}/{name}", "/")
            width = len(str(len(many)))
            for number, (medium, one) in enumerate(zip(many, data, strict=True), 1):
                self.contents[f"{folder}{number:0{width}}{medium.suffix}"] = one
        return self.paths[digest]

    def unused_path(self, stem: str, ending: str) -> str:
        """A path that nothing has yet."""
        known, path, number = set(self.paths.values()), f"{stem}{ending}", 1
        while path in known:
            number += 1
            path = f"{stem}-{number}{ending}"
        return path


def store_inputs(files: Files, declared: list[Parameter], values: dict[str, Any], stem: str) -> dict[str, Any]:
    """The inputs of an example with a path in place of each medium that a command cannot hold itself."""
    return values | {
        p.name: store_input(files, p, values[p.name], f"{stem}-{p.name}")
        for p in declared
        if p.medium and values.get(p.name) is not None
    }


def store_input(files: Files, p: Parameter, value: Any, name: str) -> Any:
    """One input: the path of its file, of more than a few the path of a folder, of a short text the text."""
    if p.many:
        items = list(value)
        if len(items) > MAX_LOOSE:
            return files.add_folder(items, name)
        return [store_input(files, replace(p, many=False), item, name) for item in items]
    if isinstance(value, media.Text) and len(value.text) <= LONGEST_WORD and not Path(value.text[:200]).is_file():
        return value
    return Path(files.add(value, name))
