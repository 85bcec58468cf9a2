"""An example as one would type it: the command line and the Python call."""

from __future__ import annotations

import shlex
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.cli.arguments import FLAG_NAMES
from potmeter.core.signature import Parameter

LISTED = 3
"""Up to so many files are named one by one; more stand in a folder, which the command line expands."""


def command_line(word: str, declared: list[Parameter], inputs: dict[str, Any], model: str | None = None) -> str:
    """The command that does what the example does; media that have no file are named for their parameter.

    Args:
        word: The system and task as they are typed.
        declared: The method's parameters.
        inputs: What it is given.
        model: Of a probe, what it works on, where that is not its usual model.
    """
    places: list[str] = []
    flags: list[str] = []
    given = [p for p in declared if p.name in inputs]
    positional = [p for p in declared if p.positional]
    reach = max((place for place, p in enumerate(positional, 1) if p in given), default=0)
    for p in positional[:reach]:  # one that is left out before another must still be there
        places += words(p, inputs[p.name] if p in given else default(p))
    for p in given:
        if not p.positional and inputs[p.name] != default(p):
            flags += flag(p, inputs[p.name])
    flags += ["--model", model] if model else []
    return shlex.join(["potmeter", "run", word, *places, *flags])


def flag(p: Parameter, value: Any) -> list[str]:
    """A flag and its values, as the command line's parser takes them."""
    name = FLAG_NAMES.get(p.name, p.name).replace("_", "-")
    if p.type is bool and not p.many:
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *words(p, value)]


def words(p: Parameter, value: Any) -> list[str]:
    """The words that stand for one value on the command line."""
    if p.many and isinstance(value, (list, tuple)):
        if p.medium and len(value) > LISTED:
            return [f"{p.name}/"]
        return [word(p, item, f"-{number}") for number, item in enumerate(value, 1)]
    return [word(p, value)]


def word(p: Parameter, value: Any, number: str = "") -> str:
    """A value as one word: a text as it is, a file by its name without its folder, a medium by its parameter's name."""
    if isinstance(value, media.Text):
        return value.text
    if p.medium and p.type is not media.Text and isinstance(value, (str, Path)):
        return Path(value).name
    if isinstance(value, (str, int, float, Path)) or value is None:
        return str(value)
    return f"{p.name}{number}{getattr(p.type, 'suffix', '')}"


def python_call(
    name: str, task: str, declared: list[Parameter], inputs: dict[str, Any], model: str | None = None
) -> str:
    """The call that does what the example does; arguments as of ``command_line``."""
    arguments, gap = [], False  # after one that is left out, the others go by name
    for p in declared:
        if p.name not in inputs:
            gap = gap or p.positional
        elif p.positional and not gap:
            arguments.append(literal(p, inputs[p.name]))
        elif inputs[p.name] is not default(p):
            arguments.append(f"{p.name}={literal(p, inputs[p.name])}")
    loaded = ", ".join(quoted(word) for word in (name, model) if word)
    return f"potmeter.load({loaded}).{task}({', '.join(arguments)})"


def literal(p: Parameter, value: Any) -> str:
    """A value as Python source: media by the path to their file."""
    if p.many and isinstance(value, (list, tuple)):
        if p.medium and len(value) > LISTED:
            return quoted(words(p, value)[0])
        items = words(p, value) if p.medium else value
        return f"[{', '.join(map(quoted, items))}]"
    return quoted(word(p, value) if p.medium else value)


def quoted(value: Any) -> str:
    """The value's ``repr``, in double quotes where it is a text without any."""
    source = repr(str(value) if isinstance(value, Path) else value)
    return f'"{source[1:-1]}"' if source[0] == "'" and '"' not in source else source


def default(p: Parameter) -> Any:
    """A Parameter's default; None where it has none."""
    return None if p.default is MISSING else p.default
