"""What a name in a source file stands for, read with ``ast``: ``Score`` is ``Annotated[float, Range(0.05, 1)]``."""

from __future__ import annotations

import ast
import copy
import functools
from pathlib import Path

from potmeter.errors import UserError

PACKAGE = Path(__file__).parents[1]


@functools.cache
def parse_file(path: Path) -> ast.Module:
    """The parsed file. Raises UserError when it is no Python."""
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.", received=str(path)) from None


def find_definition(path: Path, name: str) -> tuple[Path, ast.expr | ast.ClassDef] | None:
    """What a name is at the top level of a file, and the file where that stands: imports within potmeter are followed."""
    for node in parse_file(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return path, node
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return path, node.value
        if isinstance(node, ast.ImportFrom):
            for imported in node.names:
                if name == (imported.asname or imported.name) and (file := imported_file(path, node)):
                    return find_definition(file, imported.name)
    return None


def imported_file(path: Path, node: ast.ImportFrom) -> Path | None:
    """The file that ``from module import …`` names, where it is one of potmeter's or of the system's own folder."""
    parts = (node.module or "").split(".")
    if not node.level and parts[0] != PACKAGE.name:
        return None
    base = path.parents[node.level - 1] if node.level else PACKAGE.parent
    where = base.joinpath(*filter(None, parts))
    return next((file for file in (where.with_suffix(".py"), where / "__init__.py") if file.is_file()), None)


class Inline(ast.NodeTransformer):
    """Puts in the place of a name, or of a field of a constant (``BEAM.width``), what it stands for in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def visit_Name(self, node: ast.Name) -> ast.expr:
        file, meant = find_definition(self.path, node.id) or (self.path, None)
        return inline(file, meant) if isinstance(meant, ast.expr) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        found = find_definition(self.path, node.value.id) if isinstance(node.value, ast.Name) else None
        if found is None or not isinstance(call := found[1], ast.Call) or not isinstance(call.func, ast.Name):
            return node
        owner = find_definition(found[0], call.func.id)
        if owner is None or not isinstance(owner[1], ast.ClassDef):
            return node
        declared = [f for f in owner[1].body if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)]
        values = {f.target.id: f.value for f in declared if isinstance(f.target, ast.Name)}
        values |= dict(zip(values, call.args, strict=False)) | {k.arg: k.value for k in call.keywords if k.arg}
        value = values.get(node.attr)
        return node if value is None else inline(found[0], value)


def inline(path: Path, node: ast.expr) -> ast.expr:
    """An expression of a file with what its names stand for; types and functions stay as they are."""
    inlined: ast.expr = Inline(path).visit(copy.deepcopy(node))
    return inlined
