"""What a system's source says of itself, read with ``ast``: nothing is imported, so the command line stays quick."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from potmeter.presentation.definitions import Inline, inline, parse_file
from potmeter.presentation.usage import Input, inputs_of, read_annotation, shell_value
from potmeter.registry import Entry

CORE = Path(__file__).parents[1] / "core"
OPTIONS_FILE = CORE / "training" / "options.py"


@dataclass(frozen=True)
class Field:
    """A field of a Config, as written."""

    name: str
    type: str
    default: str
    doc: str
    flag: Input
    """As it is typed."""


@dataclass(frozen=True)
class Method:
    """A typed method of a system, as written."""

    name: str
    signature: str
    doc: str
    inputs: tuple[Input, ...] = ()


def read_classes(path: Path) -> Iterator[ast.ClassDef]:
    """The classes a file defines at its top level."""
    return (node for node in parse_file(path).body if isinstance(node, ast.ClassDef))


def config_fields(entry: Entry) -> list[Field]:
    """The fields of a system's Config: its own first, then those of its base in ``core/``, and of training in general."""
    files = sorted(entry.source.glob("*.py"))
    own = [(file, node) for file in files for node in read_classes(file) if node.name == "Config"]
    shared = {node.name: (file, node) for file in CORE.rglob("config.py") for node in read_classes(file)}
    bases = [ast.unparse(base) for _, node in own for base in node.bases]
    seen: dict[str, Field] = {}
    for file, node in [*own, *(shared[name] for name in [*bases, "BaseConfig"] if name in shared)]:
        for f in read_fields(node, file):
            seen.setdefault(f.name, f)
    return list(seen.values())


def read_fields(node: ast.ClassDef, file: Path) -> Iterator[Field]:
    """The annotated fields of a dataclass of a file with the docstring under each."""
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if "ClassVar" in (kind := ast.unparse(statement.annotation)):
            continue
        doc = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        default = ast.unparse(statement.value) if statement.value else ""
        text = " ".join(str(doc).split())
        value = inline(file, statement.value) if statement.value else None
        flag = replace(read_annotation(statement.target.id, inline(file, statement.annotation), value), help=text)
        yield Field(statement.target.id, kind, default, text, flag)


def presets(entry: Entry) -> list[str]:
    """The names of a system's presets, wherever in its folder the table stands."""
    for file in sorted(entry.source.glob("*.py")):
        for node in ast.walk(parse_file(file)):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
                continue
            if ast.unparse(node.targets[0]) in ("presets", "PRESETS"):
                return [str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)]
    return []


def preset_values(entry: Entry, preset: str) -> dict[str, str]:
    """The fields that a preset sets, as they are typed; those of a preset that is made by code are not known."""
    for file in sorted(entry.source.glob("*.py")):
        assignments = [node for node in ast.walk(parse_file(file)) if isinstance(node, ast.Assign)]
        names = {ast.unparse(node.targets[0]): node.value for node in assignments}
        for table in (names.get("presets"), names.get("PRESETS")):
            if isinstance(table, ast.Dict):
                known = {key.value: value for key, value in zip(table.keys, table.values, strict=True)
                         if isinstance(key, ast.Constant)}  # fmt: skip
                return set_fields(known.get(preset), names)
    return {}


def set_fields(node: ast.expr | None, names: dict[str, ast.expr]) -> dict[str, str]:
    """The fields that ``Config(lr=…)``, ``replace(BASE, lr=…)`` or the name of either sets."""
    if isinstance(node, ast.Name) and node.id in names:
        return set_fields(names[node.id], {key: value for key, value in names.items() if key != node.id})
    if not isinstance(node, ast.Call):
        return {}
    base = set_fields(node.args[0], names) if ast.unparse(node.func).endswith("replace") and node.args else {}
    return base | {keyword.arg: shell_value(keyword.value) for keyword in node.keywords if keyword.arg}


def read_inputs(file: Path, method: ast.FunctionDef) -> list[Input]:
    """The inputs of a typed method of a file, with what the names in its annotations and defaults stand for."""
    method = copy.copy(method)
    method.args = Inline(file).visit(copy.deepcopy(method.args))
    return inputs_of(method)


def data_inputs(entry: Entry) -> list[Input]:
    """What a system's ``data`` takes besides its Config, all of them flags of ``train`` and ``eval``."""
    name = entry.target.partition(":")[2]
    for file in sorted(entry.source.glob("*.py")):
        for node in (node for node in read_classes(file) if node.name == name):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "data":
                    found = [given for given in read_inputs(file, item) if given.name not in ("cls", "config")]
                    return [replace(given, positional=False) for given in found]
    return []


def methods(entry: Entry) -> list[Method]:
    """``run`` and the tasks of a system or probe, in the file's order."""
    name = entry.target.partition(":")[2]
    found = []
    for file in sorted(entry.source.glob("*.py")):
        for node in read_classes(file):
            if node.name != name:
                continue
            for item in node.body:
                marked = isinstance(item, ast.FunctionDef) and any(
                    "task" in ast.unparse(d) for d in item.decorator_list
                )
                if isinstance(item, ast.FunctionDef) and (item.name == "run" or marked):
                    returns = f" -> {ast.unparse(item.returns)}" if item.returns else ""
                    arguments = ast.unparse(item.args).removeprefix("self, ").removeprefix("self")
                    found.append(
                        Method(
                            item.name,
                            f"({arguments}){returns}",
                            inspect.cleandoc(ast.get_docstring(item) or ""),
                            tuple(read_inputs(file, item)),
                        )
                    )
    return found
