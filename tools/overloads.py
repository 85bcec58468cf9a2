"""Write ``src/potmeter/__init__.pyi``, by which an editor knows what ``load("gpt2")`` gives: ``python tools/overloads.py``."""

from __future__ import annotations

from pathlib import Path

from potmeter import registry

STUB = Path(__file__).parents[1] / "src" / "potmeter" / "__init__.pyi"
HEAD = """# Written by tools/overloads.py from the system.json files.
from pathlib import Path
from typing import Any, Literal, overload

{imports}
from potmeter.version import __version__ as __version__

__all__ = ["UserError", "__version__", "list_systems", "load"]

def list_systems(kind: Literal["system", "probe"] | None = None) -> list[str]: ...
"""
OVERLOAD = """@overload
def load(
    name: Literal[{names}], weights: str | Path | None = None, *, device: str = "cpu"
) -> {owner}: ...
"""
ANY = """@overload
def load(name: str | Path, weights: str | Path | None = None, *, device: str = "cpu") -> Any: ...
"""


def write_stub() -> str:
    """The text of the stub: an overload for each system of the catalogue, with the names of its weights."""
    imports, overloads = ["from potmeter.errors import UserError as UserError"], []
    for entry in registry.built_in_entries():
        module, _, owner = entry.target.partition(":")
        imports.append(f"from {entry.package}.{module} import {owner} as {owner}")
        names = [entry.name, *(f"{entry.name}.{tag}" for tag in entry.weights)]
        literal = ", ".join(f'"{name}"' for name in names)
        overloads.append(OVERLOAD.format(names=literal, owner=owner))
    return HEAD.format(imports="\n".join(sorted(imports))) + "".join(overloads) + ANY


if __name__ == "__main__":
    STUB.write_text(write_stub(), encoding="utf-8")
