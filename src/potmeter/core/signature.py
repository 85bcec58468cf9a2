"""Typed methods as interfaces: from one signature come the command, the Python call and the page.

``validate_arguments`` validates and converts the arguments of a ``run`` or a task, once, for every frontend (command line,
gallery, tour, HTTP API).
"""

from __future__ import annotations

import functools
import inspect
import math
import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from potmeter import media
from potmeter.core.conversion import expand_folder, require_utf8, to_medium
from potmeter.errors import reject

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Range:
    """Bounds of a number, or of each of several: ``Annotated[float, Range(0, 2)]``, ``Annotated[int, Range(1)]``.

    Example:
        >>> print(Range(0, 2), Range(1), Range(0, 1, open="high"), sep="; ")
        0 to 2; at least 1; at least 0 and below 1
    """

    low: float = -math.inf
    high: float = math.inf
    open: Literal["", "low", "high", "both"] = ""
    """Which of the bounds are not included themselves."""

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open in ("low", "both") else value >= self.low
        return above and (value < self.high if self.open in ("high", "both") else value <= self.high)

    def __str__(self) -> str:
        low, high = (format_bound(bound) for bound in (self.low, self.high))
        if not self.open and math.isfinite(self.low) and math.isfinite(self.high):
            return f"{low} to {high}"
        low = f"{'above' if self.open in ('low', 'both') else 'at least'} {low}"
        high = f"{'below' if self.open in ('high', 'both') else 'at most'} {high}"
        bounds = [words for words, bound in ((low, self.low), (high, self.high)) if math.isfinite(bound)]
        return " and ".join(bounds).replace("above 0", "positive", self.low == 0) or "any number"

    @property
    def demand(self) -> str:
        """What a number must do, for messages: ``lie between 0 and 2``, ``be at least 1``."""
        low, to, high = str(self).partition(" to ")
        return f"lie between {low} and {high}" if to else f"be {low}"


def format_bound(value: float) -> str:
    """A bound as one writes it: ``0.5``, ``1000``, ``2,147,483,648``."""
    if not math.isfinite(value) or not float(value).is_integer():
        return f"{value:g}"
    return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))


@dataclass(frozen=True)
class Choice:
    """The values are those of the system's attribute of this name: ``Annotated[str, Choice("classes")]``."""

    attribute: str


@dataclass(frozen=True)
class Parameter:
    """One input of a typed method, as every frontend needs it."""

    name: str
    type: Any
    """``str``, ``int``, ``float``, ``bool``, ``Path``, a ``Literal`` or a media type; of an item where ``many``."""
    default: Any = MISSING
    """``MISSING`` when it must be given."""
    positional: bool = False
    many: bool = False
    """A list or tuple of ``type``."""
    optional: bool = False
    """``None`` is allowed."""
    range: Range | None = None
    choice: Choice | None = None
    help: str = ""

    @property
    def bounded(self) -> bool:
        """Whether the type says which values it takes."""
        return self.range is not None or get_origin(self.type) is Literal

    @property
    def medium(self) -> bool:
        """Whether it is a medium, which the command line takes as a path."""
        return isinstance(self.type, type) and issubclass(self.type, media.Medium)

    def convert(self, value: Any, owner: object = None) -> Any:
        """The value in the declared type and bounds. Raises UserError for anything else."""
        if value is None and self.optional:
            return None
        if not self.many:
            return self.convert_one(value, owner)
        if self.medium and isinstance(value, (str, Path)):
            value = [value]
        if not isinstance(value, (list, tuple)):
            reject(f"{self.name} takes a list.", value)
        items = [item for one in value for item in (expand_folder(one, self.type) if self.medium else [one])]
        return tuple(self.convert_one(item, owner) for item in items)

    def convert_one(self, value: Any, owner: object) -> Any:
        """As ``convert``, for one value, of several each by itself; ``owner`` is the system that knows a ``Choice``."""
        if self.medium:
            value = to_medium(self.name, self.type, value)
        elif get_origin(self.type) is Literal:
            value in get_args(self.type) or reject(
                f"{self.name} is one of {', '.join(map(str, get_args(self.type)))}.", value
            )
        elif self.type is Path and isinstance(value, str):
            value = Path(value)
        elif self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif not isinstance(value, self.type) or (isinstance(value, bool) and self.type is not bool):
            reject(f"{self.name} takes {TYPE_NAMES.get(self.type, self.type.__name__)}.", value)
        if isinstance(value, str):
            require_utf8(self.name, value)
        if isinstance(value, float) and not math.isfinite(value):
            reject(f"{self.name} must be finite.", value)
        if self.range and value not in self.range:
            reject(f"{self.name} must {self.range.demand}.", value)
        if self.choice and owner is not None and value not in (choices := getattr(owner, self.choice.attribute)):
            reject(f"{self.name} is one of {', '.join(map(str, choices))}.", value)
        return value


TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}
"""The plain types of a Parameter, and what a message calls a value of each."""


def parse_annotation(name: str, annotation: Any, **extra: Any) -> Parameter:
    """Read one annotation into a Parameter. Raises TypeError for what no frontend could serve."""
    marks: dict[str, Any] = {}
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        marks = {type(mark).__name__.lower(): mark for mark in metadata if isinstance(mark, Range | Choice)}
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [option for option in get_args(annotation) if option is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"{name}: a parameter has one type, or that and None, not {annotation}.")
        return parse_annotation(name, inner[0], optional=True, **marks, **extra)
    if get_origin(annotation) in (list, tuple):
        return parse_annotation(name, get_args(annotation)[0], many=True, **marks, **extra)
    known = isinstance(annotation, type) and (annotation in TYPE_NAMES or issubclass(annotation, media.Medium))
    if not known and get_origin(annotation) is not Literal:
        raise TypeError(f"{name}: no frontend can offer a parameter of type {annotation}.")
    return Parameter(name, annotation, **marks, **extra)


def parameters(function: Callable[..., Any]) -> list[Parameter]:
    """The inputs of a typed function or method, in order; those before ``*`` are positional on the command line.

    ``stream`` is none: the frontends always follow a result that grows, see ``call_streaming``.
    """
    hints, helps = get_type_hints(function, include_extras=True), parse_argument_docs(function.__doc__ or "")
    return [
        parse_annotation(
            name,
            hints[name],
            default=MISSING if p.default is p.empty else p.default,
            positional=p.kind is p.POSITIONAL_OR_KEYWORD,
            help=helps.get(name, ""),
        )
        for name, p in inspect.signature(function).parameters.items()
        if name not in ("self", "cls", "config", "stream")
    ]


def call_streaming(method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a typed method as the frontends do: of one that takes ``stream``, an iterator of the growing result comes back.

    In Python such a method returns the whole result, unless it is called with ``stream=True``.
    """
    streams = "stream" in inspect.signature(method).parameters
    return method(**arguments, stream=True) if streams else method(**arguments)


def parse_argument_docs(docstring: str) -> dict[str, str]:
    """The ``Args:`` section of a docstring as a dictionary."""
    helps: dict[str, str] = {}
    lines = inspect.cleandoc(docstring).splitlines()
    inside, name = False, ""
    for line in lines:
        if not line.startswith(" "):
            inside = line.strip() == "Args:" if line.strip() else inside
        elif inside and line.startswith("    ") and not line.startswith("     ") and ":" in line:
            name, _, helps[name] = (part.strip() for part in line.partition(":"))
        elif inside and name:
            helps[name] += " " + line.strip()
    return helps


def validate_arguments(method: F) -> F:
    """Wrap a method so that its arguments are converted and validated by its signature before it starts."""
    signature = inspect.signature(method)

    @functools.cache
    def read_parameters() -> dict[str, Parameter]:  # at the first call, when every name in the annotations exists
        return {p.name: p for p in parameters(method)}

    @functools.wraps(method)
    def wrapper(self: object, /, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        for name, p in read_parameters().items():
            if name in bound.arguments:
                bound.arguments[name] = p.convert(bound.arguments[name], self)
        return method(*bound.args, **bound.kwargs)

    return wrapper  # type: ignore[return-value]


def task(method: F) -> F:
    """Mark a typed method as something a system can do besides ``run``: ``potmeter run vae:interpolate a.png b.png``."""
    method.is_task = True  # type: ignore[attr-defined]
    return method


def tasks(owner: type) -> dict[str, Callable[..., Any]]:
    """``run`` and the tasks of a system or probe, by name."""
    names = sorted(name for name in dir(owner) if getattr(getattr(owner, name, None), "is_task", False))
    return {name: getattr(owner, name) for name in ["run", *names]}
