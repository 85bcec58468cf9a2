"""The catalogue: every system and probe there is, read from the ``system.json`` of each folder, without importing torch.

A folder in ``systems/SECTION/`` or ``probes/`` with a ``system.json`` is known. A third party names its package in the
entry-point group ``potmeter.systems``; the package's folder holds ``system.json`` in the same form, and so does the
folder that ``potmeter eject`` writes.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

from potmeter.errors import UserError, reject, suggest

ROOT = Path(__file__).parent
WEIGHTS = ROOT / "weights"
"""The checkpoints that come with the package, a folder ``<system>.<tag>`` each."""

Section = Literal["basics", "vision", "language", "speech", "generative", "play", "probes"]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the catalogue knows of one set of weights, or of what a probe made and ships."""

    recipe: tuple[str, ...] = ()
    """The flags of ``potmeter train`` that make them, a text for each training, of which each begins ``--from`` the one
    before; of a probe's artefact, the flags of the ``run`` that makes it."""
    data: tuple[str, ...] = ()
    """The data sets it was trained on."""
    licence: str = ""
    """Under which these weights may be used."""
    fetched: bool = False
    """Whether they are fetched at first use, not shipped."""
    dtype: Literal["float32", "float16", "int8"] = "float16"
    """What matrices and filters are shipped in: float32 where float16 costs something; int8 has a scale for each row."""
    measured: str = ""
    """Their figures in the README's table: text with metrics of their card in braces, ``{accuracy:.1%} of MNIST``."""
    comparison: str = ""
    """What these are compared with there, in the same form: ``nearest picture {nearest_accuracy:.1%}``."""
    pretrained: str = ""
    """The data package of the network that training began with, or that a patch is made for."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue knows of a system or a probe: its ``system.json``, and where that lies."""

    name: str
    """As it is typed: ``vae``."""
    kind: Literal["system", "probe"] = "system"
    """A probe works on any system with the fitting capability; it has no weights of its own."""
    section: Section
    """The group it belongs to, which is also the folder that holds its own."""
    slide: int
    """Number of the lecture's slide on which it stands; lists, tour and gallery are in this order."""
    summary: str
    """One line: what it does."""
    target: str
    """``module:Class`` within the folder; the module is read only when the system is used."""
    capabilities: tuple[str, ...] = ()
    """Names of the protocols in ``core.capabilities`` that it fulfils."""
    needs: tuple[str, ...] = ()
    """Of a probe: those that a model must fulfil."""
    metrics: dict[str, Better] = field(default_factory=dict)
    """What ``evaluate`` measures, and which way is better; ``mse_*`` stands for all that begin so."""
    labels: dict[str, str] = field(default_factory=dict)
    """Names to show for metrics, and for the methods in baselines' names; a ``*`` in both stands for the same text."""
    tiny_reaches: dict[str, float] = field(default_factory=dict)
    """Metrics that the tiny preset must reach on its test data, where to beat the baselines is not enough."""
    tiny_loses_to: dict[str, str] = field(default_factory=dict)
    """Baselines that the tiny preset need not beat, each with the reason why it does not."""
    weights: dict[str, Weights] = field(default_factory=dict)
    """By their tags, the default ones first."""
    artefacts: dict[str, Weights] = field(default_factory=dict)
    """Of a probe: what it made and ships, by their tags."""
    measured: str = ""
    """Of a probe that is measured itself: its figures in the README's table."""
    comparison: str = ""
    """Of such a probe: what these are compared with there."""
    source: Path
    """The folder that holds its files."""
    package: str | None = None
    """The importable name of that folder; None for an ejected system."""

    @property
    def ejected(self) -> bool:
        """Whether it is a folder of the user's own."""
        return self.package is None

    @property
    def word(self) -> str:
        """What a user types for it: the name, or the folder of an ejected system."""
        return str(self.source) if self.ejected else self.name

    @property
    def default_tag(self) -> str | None:
        """The tag of the weights where none are named; None where there are none."""
        return next(iter(self.weights), None)

    def better(self, metric: str) -> Better | None:
        """Which way a metric is better; None, where it is not declared."""
        exact = self.metrics.get(metric)
        return exact or next((way for name, way in self.metrics.items() if fnmatchcase(metric, name)), None)

    def label(self, name: str) -> str:
        """What a metric, or a baseline's method, is called on a page: ``en_hu_bleu`` is BLEU, English → Hungarian."""
        for pattern, text in self.labels.items():
            before, star, after = pattern.partition("*")
            if name == pattern:
                return text
            if star and name.startswith(before) and name.endswith(after) and len(name) >= len(before + after):
                return text.replace("*", name[len(before) : len(name) - len(after)].replace("_", " "))
        return name.replace("_", " ")

    def import_module(self, name: str) -> ModuleType:
        """Import one of its files, ``bench`` or ``demo``, as a part of its package, so that it finds its neighbours."""
        return (
            import_ejected(self.source, name)
            if self.package is None
            else importlib.import_module(f"{self.package}.{name}")
        )

    def load(self) -> Any:
        """Import the class."""
        module, _, name = self.target.partition(":")
        return getattr(self.import_module(module), name)


@cache
def entries() -> dict[str, Entry]:
    """Every known entry by name, in the lecture's order."""
    known = [*built_in_entries(), *plugin_entries()]
    return {entry.name: entry for entry in sorted(known, key=lambda entry: (entry.slide, entry.name))}


@cache
def built_in_entries() -> tuple[Entry, ...]:
    """The systems and probes of this package."""
    files = sorted([*ROOT.glob("systems/*/*/system.json"), *ROOT.glob("probes/*/system.json")])
    return tuple(
        read_entry(file.parent, ".".join(("potmeter", *file.parent.relative_to(ROOT).parts))) for file in files
    )


def plugin_entries() -> list[Entry]:
    """Those of installed packages of others. One that is broken is told on standard error and takes nobody down."""
    known = []
    for point in entry_points(group="potmeter.systems"):
        try:
            known.append(read_entry(folder_of(point.value), point.value))
        except Exception as error:  # somebody else's package: a broken one takes no other down
            print(f"potmeter: warning: {point.name} ({point.value}) cannot be used: {error}", file=sys.stderr)
    return known


def folder_of(package: str) -> Path:
    """The folder of an installed package, found without importing it. Raises UserError when there is none."""
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(top)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0], *rest) if places else reject("The entry point must name an installed package.", package)


@dataclass(frozen=True)
class Reference:
    """What a user's word names: ``NAME``, ``NAME.TAG``, ``NAME:TASK``, ``NAME.TAG:TASK`` or an ejected folder."""

    entry: Entry
    tag: str | None = None
    task: str = "run"


def resolve(word: str) -> Reference:
    """Look a user's word up. Raises UserError, with the nearest name, when there is none."""
    path, _, task = word.rpartition(":") if ":" in word else (word, "", "")
    name, _, tag = path.partition(".")
    if name not in entries() or "/" in path:  # a folder called vae is ./vae: what lies about must not hide a system
        if os.path.isfile(os.path.join(word, "system.json")):
            return Reference(read_entry(Path(word)))
        if os.path.isfile(os.path.join(path, "system.json")):  # unlike Path's method, False for what can be no path
            return Reference(read_entry(Path(path)), None, task or "run")
    if name not in entries():
        hint = suggest(name, entries(), "`potmeter list` shows them all.")
        raise UserError(f"There is no system of that name. {hint}", received=word)
    entry = entries()[name]
    if tag and tag not in entry.weights:
        reject(f"{name} has weights {', '.join(entry.weights) or 'none'}.", word)
    return Reference(entry, tag or None, task or "run")


@cache
def import_ejected(folder: Path, module: str) -> ModuleType:
    """Import ``folder`` as a package of its own, whatever its name and place, and return its ``module``."""
    package = f"potmeter_ejected_{zlib.crc32(str(folder).encode()):08x}"
    spec = importlib.util.spec_from_file_location(
        package, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None or not (folder / "__init__.py").is_file():
        raise UserError(f"{folder} has no __init__.py.", received=str(folder))
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[package])
    except BaseException:
        del sys.modules[package]  # half a package must not be found at the next attempt
        raise
    return importlib.import_module(f"{package}.{module}")


# The schema of system.json ------------------------------------------------------------------------------------------


def is_list(value: Any) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_object_of(good: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The check for an object whose every value is good."""
    return lambda value: isinstance(value, dict) and all(map(good, value.values()))


def is_number(value: Any) -> bool:
    """Whether it is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


SCHEMA: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda v: isinstance(v, str) and v.isidentifier() and v.islower(), "a name in small letters"),
    "kind": (lambda v: v in ("system", "probe"), "system or probe"),
    "section": (lambda v: v in get_args(Section), f"one of {', '.join(get_args(Section))}"),
    "slide": (lambda v: type(v) is int and v >= 0, "a whole number"),
    "summary": (lambda v: isinstance(v, str) and v != "" and "\n" not in v, "one line of text"),
    "target": (
        lambda v: isinstance(v, str) and v.count(":") == 1 and all(part.isidentifier() for part in v.split(":")),
        'a file of this folder and a class in it, as "system:VAE"',
    ),
    "capabilities": (is_list, "a list of names"),
    "needs": (is_list, "a list of names"),
    "metrics": (is_object_of(lambda v: v in get_args(Better)), "an object of metrics, each higher, lower or neither"),
    "labels": (is_object_of(lambda v: isinstance(v, str)), "an object of texts"),
    "tiny_reaches": (is_object_of(is_number), "an object of numbers"),
    "tiny_loses_to": (is_object_of(lambda v: isinstance(v, str)), "an object of reasons"),
    "measured": (lambda v: isinstance(v, str), "a text"),
    "comparison": (lambda v: isinstance(v, str), "a text"),
    "weights": (is_object_of(lambda v: isinstance(v, dict)), "an object with an object for each tag"),
    "artefacts": (is_object_of(lambda v: isinstance(v, dict)), "an object with an object for each tag"),
}
"""Of every key: the check of its value, and what it must be."""

WEIGHTS_SCHEMA: dict[str, tuple[Callable[[Any], bool], str]] = {
    "recipe": (is_list, "a list of flags, one text for each training"),
    "data": (is_list, "a list of data sets"),
    "licence": (lambda v: isinstance(v, str), "a text"),
    "fetched": (lambda v: isinstance(v, bool), "true or false"),
    "dtype": (lambda v: v in ("float32", "float16", "int8"), "float32, float16 or int8"),
    "measured": (lambda v: isinstance(v, str), "a text"),
    "comparison": (lambda v: isinstance(v, str), "a text"),
    "pretrained": (lambda v: isinstance(v, str), "the tag of a data package"),
}
"""The same for one set of weights."""

REQUIRED = ("name", "section", "slide", "summary", "target")


def read_entry(folder: Path, package: str | None = None) -> Entry:
    """The entry of a folder.

    Args:
        folder: It holds ``system.json``.
        package: The importable name of the folder; None for an ejected system.

    Raises:
        UserError: The file is missing, is no JSON, or does not have the form.
    """
    path = folder / "system.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}.", received=str(folder)) from None
    values = check_value(values, SCHEMA, f"{path}")
    for key in REQUIRED:
        key in values or reject(f"{path} lacks {key}.", ", ".join(values) or "{}")
    for key in ("weights", "artefacts"):
        values[key] = {
            tag: Weights(**check_value(facts, WEIGHTS_SCHEMA, f"{path}: {key} {tag}"))
            for tag, facts in values.get(key, {}).items()
        }
    return Entry(**values, source=folder.resolve(), package=package)


def check_value(values: Any, schema: dict[str, tuple[Callable[[Any], bool], str]], where: str) -> dict[str, Any]:
    """An object of JSON whose every key is known and every value is good; its lists as tuples."""
    isinstance(values, dict) or reject(f"{where} must be an object.", values)
    for key, value in values.items():
        key in schema or reject(f"{where}: there is no {key}; known are {', '.join(schema)}.", key)
        good, text = schema[key]
        good(value) or reject(f"{where}: {key} must be {text}.", value)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
