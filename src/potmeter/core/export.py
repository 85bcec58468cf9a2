"""Write a system's networks as ONNX, each compared with the original before it is kept."""

from __future__ import annotations

import inspect
import json
import logging
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from potmeter.core.signature import parse_argument_docs
from potmeter.core.system import System
from potmeter.errors import UserError, missing_extra
from potmeter.version import __version__

TOLERANCE = 1e-4
"""Largest difference that is accepted, as a share of the output's largest value."""
SIZES = ({"batch": 1}, {"batch": 5})
"""Sizes that are compared; none is the one that is traced. A module with more dimensions that vary has SIZES of its own."""


class MethodModule(nn.Module):
    """A method of a system as a module: ``MethodModule(self, "logits")`` for ``export_modules``.

    The file's input is called as the method's first argument, and explained by its docstring.

    Args:
        system: Whose method it is.
        name: Of the method.
        output: What its result is called.
    """

    def __init__(self, system: System, name: str, output: str = "output") -> None:
        super().__init__()
        self.system, self.method = system, getattr(system, name)
        self.input_names, self.output_names = [*inspect.signature(self.method).parameters][:1], [output]

    def forward(self, x: Tensor) -> Any:
        return self.method(x)


@dataclass(frozen=True)
class ExportedModule:
    """A module's ONNX file, and how far its outputs are from the original's."""

    name: str
    path: Path
    difference: float
    """Largest absolute difference over all outputs and sizes."""
    scale: float
    """Largest absolute value of an output."""


def export(system: System, out: Path, modules: tuple[str, ...] = ()) -> list[ExportedModule]:
    """Write a system's ``export_modules``: one as ``out``, several as ``out`` with ``-NAME`` before the ending.

    Nothing appears under its name before it is compared with the original on random inputs of several sizes.

    Args:
        system: In evaluation mode, on the CPU.
        out: A file that ends in .onnx.
        modules: Names of those that are wanted; none = all.

    Raises:
        UserError: onnx is missing, the system has no such module, the disk is full, or the results differ.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise missing_extra("potmeter export", "export", error.name) from None
    onnxruntime.set_default_logger_severity(3)
    known = system.export_modules()
    for name in modules:
        name in known or reject_unknown_module(system, name, known)
    wanted = {name: known[name] for name in modules or known}
    written = []
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own insides
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=out.parent, prefix=".exporting-") as aside:
                for name, (module, inputs) in wanted.items():
                    file_name = out.name if len(known) == 1 else f"{out.stem}-{name}{out.suffix}"
                    written.append(export_module(system, name, module.eval(), inputs, Path(aside, file_name)))
                for file in Path(aside).iterdir():  # the weights of networks beyond 2 GB are a second file
                    file.replace(out.parent / file.name)
        except OSError as error:
            raise UserError(f"{out} cannot be written: {error.strerror}.", received=str(out)) from None
    return [ExportedModule(w.name, out.parent / w.path.name, w.difference, w.scale) for w in written]


def reject_unknown_module(system: System, name: str, known: dict[str, Any]) -> NoReturn:
    """Raise UserError, which says what modules there are."""
    raise UserError(f"{system.name} has the modules {', '.join(known)}.", received=name)


def export_module(
    system: System, name: str, module: nn.Module, inputs: tuple[Tensor, ...], path: Path
) -> ExportedModule:
    """Write one module and compare it. Raises UserError when the results differ."""
    dimensions = dimensions_of(module, inputs)
    traced = tuple(random_like(x, {0: 2}) for x in inputs)  # a batch of 1 would be taken for a constant
    arguments = inspect.signature(module.forward).parameters
    names = getattr(module, "input_names", [*arguments][: len(inputs)])
    dims = {name: torch.export.Dim(name) for varying in dimensions for name in varying.values()}
    shapes: tuple[Any, ...] = tuple({index: dims[name] for index, name in varying.items()} for varying in dimensions)
    if any(argument.kind is argument.VAR_POSITIONAL for argument in arguments.values()):
        plain = len(arguments) - 1
        shapes = (*shapes[:plain], shapes[plain:])  # what goes into *arguments is a tuple of its own
    program = torch.onnx.export(
        module,
        traced,
        dynamo=True,
        verbose=False,
        input_names=["input"] if names in (["x"], ["input"]) else names,
        output_names=getattr(module, "output_names", None),
        dynamic_shapes=shapes,
        external_data=sum(t.nbytes for t in module.state_dict().values()) > 1.9 * 2**30,
    )
    assert program is not None
    strip_traces(program.model)
    document_tensors(program.model.graph, module)
    program.model.metadata_props.update(onnx_metadata(system, name, inputs))
    program.save(str(path), external_data=sum(t.nbytes for t in module.state_dict().values()) > 1.9 * 2**30)
    difference, scale = max_difference(module, inputs, path)
    if not difference <= TOLERANCE * scale:
        message = (
            f"The ONNX file of {system.name}'s {name} differs from the original by {difference:.2g}; it is removed."
        )
        raise UserError(message, received=f"outputs up to {scale:.3g}")
    return ExportedModule(name, path, difference, scale)


def strip_traces(model: Any) -> None:
    """Take out what the exporter notes of the machine: stack traces, with the paths of source files, in every node."""
    graphs = [model.graph, *model.functions.values()]
    for graph in graphs:
        for node in [graph, *graph.all_nodes()]:
            node.metadata_props.clear()
            node.doc_string = None
            for value in getattr(node, "outputs", ()):
                value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()


def document_tensors(graph: Any, module: nn.Module) -> None:
    """Say of inputs and outputs what they are, by the docstring of the method or module that is exported."""
    shell = type(module).__module__.startswith("torch.")  # nn.Sequential says nothing of what is in it
    inner = next(module.children(), module) if shell else module
    docstring = inspect.getdoc(getattr(module, "method", type(inner))) or ""
    about = " ".join(docstring.partition("\n\n")[0].split())
    helps = parse_argument_docs(docstring)
    for value in graph.inputs:
        value.doc_string = " ".join(filter(None, [about, helps.get(value.name, "")]))
    for value in graph.outputs:
        value.doc_string = about


def max_difference(module: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> tuple[float, float]:
    """The largest difference between a module and its ONNX file on random inputs, and the largest output."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    difference = scale = 0.0
    dimensions = dimensions_of(module, inputs)
    for sizes in getattr(module, "SIZES", SIZES):
        xs = [
            random_like(x, {index: sizes[name] for index, name in varying.items()})
            for x, varying in zip(inputs, dimensions, strict=True)
        ]
        outputs = module(*xs)
        outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        feed = {node.name: x.numpy() for node, x in zip(session.get_inputs(), xs, strict=True)}
        for ours, theirs in zip(outputs, session.run(None, feed), strict=True):
            theirs = torch.from_numpy(theirs)
            if ours.shape != theirs.shape:
                raise UserError(
                    "The ONNX file's output has another shape than the original's.", received=tuple(theirs.shape)
                )
            difference = max(difference, float((ours.double() - theirs.double()).abs().max()))
            scale = max(scale, float(ours.double().abs().max()))
    return difference, scale


def dimensions_of(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[dict[int, str], ...]:
    """Of each input the dimensions that vary, and their names; the batch alone where the module says no more."""
    return getattr(module, "dimensions", ({0: "batch"},) * len(inputs))


def random_like(example: Tensor, sizes: dict[int, int]) -> Tensor:
    """Random inputs of the example's kind: between its smallest and largest value (0 and 1 where it is constant).

    Args:
        example: An input.
        sizes: Of the dimensions that are not the example's.
    """
    shape = [sizes.get(index, size) for index, size in enumerate(example.shape)]
    low, high = example.min(), example.max()
    if example.is_floating_point():
        low, high = (low, high) if high > low else (low.new_zeros(()), low.new_ones(()))
        return low + (high - low) * torch.rand(shape, dtype=example.dtype)
    return torch.randint(int(low), int(high) + 1, shape).to(example.dtype)


def onnx_metadata(system: System, name: str, inputs: tuple[Tensor, ...]) -> dict[str, str]:
    """What a user of the file must know, as ONNX metadata."""
    facts = {
        "potmeter": __version__,
        "system": system.name,
        "module": name,
        "config": json.dumps(asdict(system.config)),
    }
    pictures = [x.ndim == 4 and x.is_floating_point() for x in inputs]
    if any(pictures):
        facts["input_range"] = "pictures (batch, channels, height, width), RGB or grey, values from 0 to 1"
    if classes := getattr(system, "classes", ()):
        facts["classes"] = json.dumps(list(classes), ensure_ascii=False)
    with tempfile.TemporaryDirectory() as folder:
        system.save_assets(Path(folder))
        facts |= {asset.name: asset.read_text(encoding="utf-8") for asset in Path(folder).glob("*.json")}
    if system.card:
        facts["card"] = json.dumps(system.card, ensure_ascii=False)
    return facts
