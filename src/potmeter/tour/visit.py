"""One stop: load a system once, run its examples, keep only what the page shows, and let the system go."""

from __future__ import annotations

import collections
import gc
import random
import time
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, replace
from typing import Any

import torch

from potmeter import media, registry
from potmeter.core.loading import load
from potmeter.core.signature import Parameter, call_streaming, parameters, tasks
from potmeter.core.system import Example
from potmeter.errors import reject
from potmeter.presentation.calls import command_line, python_call
from potmeter.presentation.errors import explain, is_unavailable
from potmeter.presentation.facts import Facts, add_class_facts, collect_facts
from potmeter.presentation.figures import Figure, make_figure, make_input_figures
from potmeter.tour.files import Files, store_inputs

MAX_ROWS = 5
"""Of a longer table so many rows are shown; the whole of it can be opened."""


@dataclass(frozen=True)
class Output:
    """What came of one example."""

    caption: str
    task: str
    command: str
    python: str
    seconds: float = 0.0
    inputs: list[Figure] = field(default_factory=list)
    outputs: list[Figure] = field(default_factory=list)
    error: str | None = None
    unavailable: bool = False


@dataclass
class Visit:
    """What came of one stop."""

    entry: registry.Entry
    tag: str | None
    facts: Facts
    outputs: list[Output] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    unavailable: bool = False
    """The error is that something must be fetched and cannot be."""

    @property
    def name(self) -> str:
        """As it is typed: ``vae.digits``."""
        return f"{self.entry.name}.{self.tag}" if self.tag else self.entry.name

    @property
    def status(self) -> str:
        """``ok``, ``failed`` or ``unavailable``."""
        wrong = [self.unavailable] if self.error is not None else []
        wrong += [output.unavailable for output in self.outputs if output.error is not None]
        if not wrong:
            return "ok"
        return "unavailable" if all(wrong) else "failed"


def visit(entry: registry.Entry, tag: str | None, files: Files, *, most: int | None = None) -> Visit:
    """Run a stop. Whatever goes wrong in it is told in the result; only Ctrl-C goes through.

    Args:
        entry: A system or probe, and
        tag: its weights.
        files: Where what the examples are given is kept.
        most: Examples that are run; None = all.
    """
    started = time.perf_counter()
    done = Visit(entry, tag, collect_facts(entry, tag))
    try:
        done.facts = add_class_facts(done.facts, entry.load(), entry)
        seed_everything()  # a probe may draw numbers when it is made
        system = load(entry.word, tag)
        done.facts = collect_facts(entry, tag, system, done.facts)
        examples = system.examples()[:most]
        done.outputs = [run_example(system, example, done.name, files) for example in examples]
        done.error = None if examples else "It gives no examples."
    except (Exception, SystemExit) as error:
        done.error, done.unavailable = explain(error), is_unavailable(error)
    system = None
    gc.collect()  # modules and their hooks refer to each other in circles
    done.seconds = time.perf_counter() - started
    return done


def run_example(system: Any, example: Example, name: str, files: Files) -> Output:
    """Run one example through its typed method and render what goes in and what comes out."""
    word = name if example.task == "run" else f"{name}:{example.task}"
    output = Output(
        str(example.caption), example.task, f"potmeter run {word}", f'potmeter.load("{name}").{example.task}(…)'
    )
    started = time.perf_counter()
    try:
        known_tasks = tasks(type(system))
        example.task in known_tasks or reject(f"{name} can {', '.join(known_tasks)}.", example.task)
        declared = parameters(known_tasks[example.task])
        inputs = add_seed(declared, example.inputs)
        output = add_calls(output, word, name, declared, inputs)
        known = {p.name: p for p in declared}
        values = {key: known[key].convert(value, system) if key in known else value for key, value in inputs.items()}
        paths = store_inputs(files, declared, values, word.replace(":", "-"))
        output = add_calls(output, word, name, declared, inputs | paths)
        seed_everything()
        started = time.perf_counter()
        result = final_result(call_streaming(getattr(system, example.task), values))
        seconds = time.perf_counter() - started
        entered = [
            one for key, value in values.items() if key in known for one in make_input_figures(known[key], value)
        ]
        left = [make_figure(medium, key, rows=MAX_ROWS) for key, medium in media.parts(result).items()]
        return replace(output, seconds=seconds, inputs=entered, outputs=left)
    except (Exception, SystemExit) as error:
        took = time.perf_counter() - started
        return replace(output, seconds=took, error=explain(error), unavailable=is_unavailable(error))


def add_calls(output: Output, word: str, name: str, declared: list[Parameter], inputs: dict[str, Any]) -> Output:
    """The output with the command and the Python call that give it again."""
    command, python = command_line(word, declared, inputs), python_call(name, output.task, declared, inputs)
    return replace(output, command=command, python=python)


def seed_everything() -> None:
    """Start of the randomness of everything that has no seed of its own."""
    torch.manual_seed(0)
    random.seed(0)


def add_seed(declared: list[Parameter], inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs, with seed 0 for a method that takes a seed and was given none: the same page every time."""
    asks = any(p.name == "seed" and p.default in (None, MISSING) for p in declared)
    return inputs | {"seed": 0} if asks and inputs.get("seed") is None else inputs


def final_result(result: Any) -> Any:
    """The result itself, or the last of growing ones: the whole of it."""
    if not isinstance(result, Iterator):
        return result
    kept = collections.deque(result, maxlen=1)
    return kept[0] if kept else None
