"""An example as one would type it: the command line and the Python call."""

from __future__ import annotations

import shlex
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.presentation.flags import flag_name

MAX_FILES = 3
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
        places += as_words(p, inputs[p.name] if p in given else default(p))
    for p in given:
        if not p.positional and inputs[p.name] != default(p):
            flags += as_flag(p, inputs[p.name])
    flags += ["--model", model] if model else []
    return shlex.join(["potmeter", "run", word, *places, *flags])


def as_flag(p: Parameter, value: Any) -> list[str]:
    """A flag and its values, as the command line's parser takes them."""
    name = flag_name(p.name)
    if p.type is bool and not p.many:
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *as_words(p, value)]


def as_words(p: Parameter, value: Any) -> list[str]:
    """The words that stand for one value on the command line."""
    if p.many and isinstance(value, (list, tuple)):
        if p.medium and len(value) > MAX_FILES:
            return [f"{p.name}/"]
        return [as_word(p, item, f"-{number}") for number, item in enumerate(value, 1)]
    return [as_word(p, value)]


def as_word(p: Parameter, value: Any, number: str = "") -> str:
    """A value as one word: a text as it is, a file by its path, a medium by its parameter's name.

    Of an absolute path only the name: it is a place on this machine and no other.
    """
    if isinstance(value, media.Text):
        return value.text
    if p.medium and p.type is not media.Text and isinstance(value, (str, Path)):
        return Path(value).name if Path(value).is_absolute() else str(value)
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
            arguments.append(as_literal(p, inputs[p.name]))
        elif inputs[p.name] is not default(p):
            arguments.append(f"{p.name}={as_literal(p, inputs[p.name])}")
    loaded = ", ".join(as_source(part) for part in (name, model) if part)
    return f"potmeter.load({loaded}).{task}({', '.join(arguments)})"


def as_literal(p: Parameter, value: Any) -> str:
    """A value as Python source: media by the path to their file."""
    if p.many and isinstance(value, (list, tuple)):
        if p.medium and len(value) > MAX_FILES:
            return as_source(as_words(p, value)[0])
        items = as_words(p, value) if p.medium else value
        return f"[{', '.join(map(as_source, items))}]"
    return as_source(as_word(p, value) if p.medium else value)


def as_source(value: Any) -> str:
    """The value's ``repr``, in double quotes where it is a text without any."""
    source = repr(str(value) if isinstance(value, Path) else value)
    return f'"{source[1:-1]}"' if source[0] == "'" and '"' not in source else source


def default(p: Parameter) -> Any:
    """A Parameter's default; None where it has none."""
    return None if p.default is MISSING else p.default
