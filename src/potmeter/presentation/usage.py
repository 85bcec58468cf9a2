"""A typed method as a shell user types it, read from its source: ``potmeter run vae [--count INT] [--seed INT]``."""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass, replace
from typing import Any

from potmeter.core.signature import Range, parse_argument_docs
from potmeter.presentation.flags import flag_name

KINDS = {"str": "TEXT", "int": "INT", "float": "FLOAT", "bool": ""}
"""What stands for a value of a type; of any other its name in capitals."""
OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
"""Those that stand in bounds: ``2**31``."""


@dataclass(frozen=True)
class Input:
    """One input of a typed method, or one field of a Config, as written."""

    name: str
    kind: str
    """``INT``, ``IMAGE``, ``a|b``; empty for a switch."""
    default: str | None = None
    """As it is typed; None where it must be given."""
    positional: bool = False
    many: bool = False
    bounds: str = ""
    help: str = ""

    @property
    def word(self) -> str:
        """As it stands in the usage line."""
        value = f"{self.kind} …" if self.many else self.kind
        word = value if self.positional else f"--{flag_name(self.name)} {value}".rstrip()
        return word if self.default is None else f"[{word}]"

    @property
    def line(self) -> str:
        """Its name, default, meaning and bounds; its choices, where its meaning does not name them."""
        name = self.name.replace("_", " ") if self.positional else f"--{flag_name(self.name)}"
        choices = self.kind.split("|") if "|" in self.kind else []
        named = all(re.search(rf"(?<!\w){re.escape(choice)}(?!\w)", self.help) for choice in choices)
        bounds = self.bounds if named else f"one of {', '.join(choices)}"
        notes = "; ".join(note for note in (self.help.replace("``", "`").rstrip(".;"), bounds) if note)
        return name + (f" = {self.default}" if self.default is not None else "") + (f": {notes}" if notes else "")


def inputs_of(method: ast.FunctionDef) -> list[Input]:
    """The inputs of a typed method; ``stream`` is none, as the command line always follows what grows."""
    helps, given = parse_argument_docs(ast.get_docstring(method) or ""), method.args
    named = given.posonlyargs + given.args
    defaults: list[ast.expr | None] = [
        *[None] * (len(named) - len(given.defaults)),
        *given.defaults,
        *given.kw_defaults,
    ]
    return [
        replace(read_annotation(arg.arg, arg.annotation, default), positional=arg in named, help=helps.get(arg.arg, ""))
        for arg, default in zip([*named, *given.kwonlyargs], defaults, strict=True)
        if arg.arg not in ("self", "stream")
    ]


def read_annotation(name: str, node: ast.expr | None, default: ast.expr | None) -> Input:
    """An annotation and a default, as they are written, as an input."""
    typed = shell_value(default) if default is not None else None
    found = Input(name, "", typed)
    while node is not None:
        if isinstance(node, ast.BinOp):  # of `int | None` the int
            node = node.right if ast.unparse(node.left) == "None" else node.left
            continue
        if not isinstance(node, ast.Subscript):
            written = ast.unparse(node)
            return replace(found, kind=KINDS.get(written, written.rpartition(".")[2].upper()))
        outer, inner = ast.unparse(node.value), node.slice
        elements = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if outer.endswith("Literal"):
            return replace(found, kind="|".join(map(shell_value, elements)))
        if outer.endswith("Annotated"):
            bounds = [text for mark in elements[1:] if (text := read_mark(mark))]
            found = replace(found, bounds="; ".join(bounds))
        elif outer in ("list", "tuple"):
            found = replace(found, many=True)
        node = elements[0]
    return found


def read_mark(mark: ast.expr) -> str:
    """What ``Range(…)`` or ``Choice(…)`` says of a value."""
    if not isinstance(mark, ast.Call):
        return ""
    values = [evaluate(argument) for argument in mark.args]
    named = {keyword.arg: evaluate(keyword.value) for keyword in mark.keywords if keyword.arg}
    if ast.unparse(mark.func).endswith("Range") and None not in values:
        return str(Range(*values, **named))
    if ast.unparse(mark.func).endswith("Choice") and values and isinstance(values[0], str):
        return f"one of the system's {values[0].replace('_', ' ')}"
    return ""


def evaluate(node: ast.expr) -> Any:
    """The value of a constant expression; None for any other."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = evaluate(node.operand)
        return -value if isinstance(value, (int, float)) else None
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = evaluate(node.left), evaluate(node.right)
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        return OPERATORS[type(node.op)](left, right) if numbers else None
    return None


def shell_value(node: ast.expr) -> str:
    """A value as it is typed: ``32 64`` for a tuple, ``none``, ``yes``; of what is no constant its source."""
    if isinstance(node, ast.Tuple | ast.List):
        return " ".join(map(shell_value, node.elts)) or "none"
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Path" and node.args:
        return shell_value(node.args[0])
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
        return {None: "none", True: "yes", False: "no"}[node.value]
    value = evaluate(node)
    if isinstance(value, str):
        return value if value else "''"
    return ast.unparse(node) if value is None else f"{value:g}" if isinstance(value, float) else str(value)
