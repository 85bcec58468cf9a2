"""``potmeter export``: a system as ONNX."""

from __future__ import annotations

import json
from pathlib import Path

from potmeter import registry
from potmeter.cli.weights import choose_weights
from potmeter.errors import reject
from potmeter.presentation.arguments import common_flags, parse, split_name
from potmeter.presentation.places import check_writable


def export(argv: list[str]) -> None:
    """Write a system's networks as ONNX files that give the same numbers, with class names and input range inside."""
    name, rest = split_name("export", argv)
    reference = registry.resolve(name)
    reference.entry.kind == "system" or reject(f"{name} is a probe: it has no network of its own.", name)
    from potmeter.core.signature import Parameter

    own = [
        Parameter(
            "out",
            Path,
            Path(f"{reference.entry.name}.onnx"),
            help="the file; of several modules, -MODULE is put before .onnx",
        ),
        Parameter("module", str, (), many=True, help="the modules to write; default: all"),
    ]
    doc = f"Write {name} as ONNX, compared with the original on random inputs of several sizes."
    values = parse(f"potmeter export {name}", [*own, *common_flags("weights", "json")], rest, doc)
    out = values["out"]
    out.suffix == ".onnx" or reject("The file's name must end in .onnx.", str(out))

    check_writable(out)
    from potmeter.core import export as onnx
    from potmeter.core.loading import load

    system = load(name, choose_weights(reference, values["weights"]))
    files = onnx.export(system, out, values["module"])
    if values["json"]:
        rows = [{"module": f.name, "path": str(f.path), "difference": f.difference, "scale": f.scale} for f in files]
        print(json.dumps({"system": reference.entry.name, "files": rows}, ensure_ascii=False))
        return
    for f in files:
        print(f"{f.path}  ({f.name}; differs from PyTorch by at most {f.difference:.1e}, outputs up to {f.scale:.3g})")
