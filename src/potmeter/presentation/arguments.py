"""From Parameters to flags: tyro parses, and its boxed errors become one line."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from dataclasses import MISSING, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.errors import UserError, suggest
from potmeter.presentation.flags import FLAG_NAMES, flag_name


def parse(prog: str, parameters: list[Parameter], argv: list[str], description: str = "") -> dict[str, Any]:
    """The values of the parameters on a command line, unconverted media (paths) included.

    Raises:
        UserError: For anything that does not parse, in one line.
        SystemExit: After ``--help``.
    """
    required = [p for p in parameters if p.default is MISSING]
    members = [
        (p.name, flag_type(p), default_field(p)) for p in [*required, *(p for p in parameters if p not in required)]
    ]
    form = make_dataclass("Form", members, kw_only=True)
    form.__doc__ = description
    console = io.StringIO()
    try:
        with contextlib.redirect_stderr(console):
            values: Any = tyro.cli(form, prog=prog, args=argv, description=description)
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        message = condense(console.getvalue())
        named = re.match(r"Missing value for argument '(\w+)'", message)
        lacks = message.startswith("Missing from") or (named and named[1] in {p.name for p in required})
        if lacks and (text := describe_missing(prog, required)):
            raise UserError(text, received=shlex.join(argv)) from None
        raise UserError(explain(message, prog, parameters), received=shlex.join(argv)) from None
    found = {f.name: expand_home(getattr(values, f.name)) for f in fields(form)}
    if any(p.many and not found[p.name] for p in required) and (text := describe_missing(prog, required)):
        raise UserError(text, received=shlex.join(argv))
    return found


def expand_home(value: Any) -> Any:
    """A value; where it is a path, with the home folder for its ~, which a shell leaves in ``--out=~/runs``."""
    return Path(os.path.expanduser(value)) if isinstance(value, Path) else value


def flag_type(p: Parameter) -> Any:
    """The type by which tyro parses a Parameter: media as paths, positional where the signature says so."""
    kind: Any = str if p.medium else p.type
    kind = tuple[kind, ...] if p.many else kind
    kind = kind | None if p.optional else kind
    help = p.help + (f" ({p.range})" if p.range else "")
    metavar = {Path: "PATH", int: "INT", float: "FLOAT", str: "TEXT"}.get(p.type)
    metavar = p.type.__name__.upper() if p.medium else metavar
    marks = tyro.conf.arg(name=FLAG_NAMES.get(p.name), help=help or None, metavar=None if p.many else metavar)
    return Annotated[kind, marks, tyro.conf.Positional] if p.positional else Annotated[kind, marks]


def default_field(p: Parameter) -> Any:
    """The dataclass field that carries a Parameter's default; a default picture is shown by its kind."""
    if p.default is MISSING:
        return field()
    return field(default=tuple(p.default) if p.many and isinstance(p.default, list) else p.default)


def condense(box: str) -> str:
    """The message of tyro's error box as one line, whether its rules are drawn or typed."""
    words: list[str] = []
    inside = False
    for line in box.splitlines():
        inner = line.strip().strip("│").strip()
        rule = line.startswith("╭") or (len(inner) > 2 and not inner.strip("─-"))
        if rule and inside:
            break
        if inside:
            words.append(inner)
        inside = inside or rule
    return " ".join(" ".join(words).split()).rstrip(".") + "."


INPUTS: dict[Any, tuple[str, str, str]] = {
    media.Image: ("a picture", "pictures", "PHOTO.jpg"),
    media.Audio: ("a sound", "sounds", "SOUND.wav"),
    media.Video: ("a video", "videos", "VIDEO.mp4"),
    media.Table: ("a table", "tables", "TABLE.csv"),
    media.Text: ("a text", "texts", '"TEXT"'),
    str: ("a text", "texts", '"TEXT"'),
    int: ("a whole number", "whole numbers", "1"),
    float: ("a number", "numbers", "1.0"),
    Path: ("a file", "files", "FILE"),
}
"""What an input of a type is called, several of them, and how one is typed."""


def explain(message: str, prog: str, parameters: list[Parameter]) -> str:
    """A message of tyro's in our words: what a flag takes, or which one was meant; any other as it is."""
    known = {f"--{flag_name(p.name)}": p for p in parameters if not p.positional}
    if found := re.match(r"Error parsing (\S+): ", message):  # an input is called by its kind there
        kinds = {int: "INT", float: "FLOAT"}
        named = [p for p in parameters if p.positional and kinds.get(p.type) == found[1]]
        for p in [known[found[1]]] if found[1] in known else named[:1]:
            if p.type in INPUTS:
                return f"{p.name if p.positional else found[1]} takes {INPUTS[p.type][1 if p.many else 0]}."
    if found := re.match(r"invalid choice .* for argument '(\S+)'\. Expected one of \((.*)\)", message):
        return f"{found[1]} is one of {found[2].strip(',').replace(chr(39), '')}."
    if found := re.match(r"Missing value for argument '(\S+)'", message):
        return f"{found[1]} needs a value."
    if found := re.match(r"Unrecognized options: (.*)\.$", message):
        words = found[1].split(", ")
        unknown = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if unknown is None:
            return f"{prog} takes no further input: {words[0]} is too much."
        names = [flag.removeprefix("--") for flag in known]  # dashes would make any two alike
        meant = unknown.strip("-").replace("_", "-")
        return f"There is no flag {unknown}. {suggest(meant, names, f'`{prog} --help` lists all.', prefix='--')}"
    return message


def describe_missing(prog: str, required: list[Parameter]) -> str | None:
    """What a command lacks, and how it is typed: ``classifier needs a picture: `potmeter run classifier PHOTO.jpg`.``.

    None where a required input is of a type that has no plain name.
    """
    if not all(p.positional and p.type in INPUTS for p in required):
        return None
    kinds = [INPUTS[p.type][1] if p.many else INPUTS[p.type][0] for p in required]
    if len(set(kinds)) == 1 and len(kinds) > 1:
        counts = {2: "two", 3: "three", 4: "four"}
        kinds = [f"{counts.get(len(kinds), len(kinds))} {INPUTS[required[0].type][1]}"]
    inputs = " and ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    typed = " ".join(f"{INPUTS[p.type][2]} …" if p.many else INPUTS[p.type][2] for p in required)
    return f"{prog.rpartition(' ')[2]} needs {inputs}: `{prog} {typed}`."


def common_flags(*names: str) -> list[Parameter]:
    """Flags that mean the same for every verb."""
    known = {
        "weights": Parameter("weights", str, None, optional=True, help="tag, folder, training run or hub id"),
        "out": Parameter("out", str, None, optional=True, help="file or folder to write the result to"),
        "device": Parameter("device", str, "cpu", help="cpu, cuda, cuda:N, mps or auto"),
        "seed": Parameter("seed", int, None, optional=True, help="start of all randomness"),
        "json": Parameter("json", bool, False, help="print one JSON object on standard output and nothing else"),
        "full": Parameter("full", bool, False, help="the whole test set instead of 1,000 samples of it"),
    }
    return [known[name] for name in names]


def split_name(verb: str, argv: list[str]) -> tuple[str, list[str]]:
    """The system a verb is about, and the rest. Raises UserError when it is missing."""
    if argv and not argv[0].startswith("-"):
        return argv[0], argv[1:]
    if argv[:1] in (["-h"], ["--help"]):
        print(
            f"usage: potmeter {verb} SYSTEM[.TAG][:TASK] […]\n"
            if verb == "run"
            else f"usage: potmeter {verb} SYSTEM […]\n"
        )
        print(f"`potmeter list` shows the systems, `potmeter {verb} SYSTEM --help` the flags.")
        sys.exit(0)
    raise UserError(
        f"potmeter {verb} needs the name of a system first; `potmeter list` shows them.", received=" ".join(argv)
    )
