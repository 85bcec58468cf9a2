"""From Parameters to flags: tyro parses, and its boxed errors become one line."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import MISSING, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from potmeter.core.signature import Parameter
from potmeter.errors import UserError

FLAG_NAMES = {"source": "data", "from_": "from"}
"""Parameters whose flag is called otherwise."""


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
        raise UserError(condense(console.getvalue()), received=" ".join(argv)) from None
    return {f.name: getattr(values, f.name) for f in fields(form)}


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
    """The message of tyro's error box as one line."""
    words: list[str] = []
    for line in box.splitlines():
        inner = line.strip().strip("│").strip()
        if line.startswith(("╭", "╰")):
            continue
        if inner.startswith("───"):
            break
        words.append(inner)
    return " ".join(words).rstrip(".") + "."


def common_flags(*names: str) -> list[Parameter]:
    """Flags that mean the same for every verb."""
    known = {
        "weights": Parameter("weights", str, None, optional=True, help="tag, folder, training run or hub id"),
        "out": Parameter("out", Path, None, optional=True, help="file or folder to write the result to"),
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
        print(f"usage: potmeter {verb} SYSTEM […]\n")
        print(f"`potmeter list` shows the systems, `potmeter {verb} SYSTEM --help` the flags.")
        sys.exit(0)
    raise UserError(
        f"potmeter {verb} needs the name of a system first; `potmeter list` shows them.", received=" ".join(argv)
    )
