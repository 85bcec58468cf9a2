"""The search space of ``tune``: ranges and choices of a Config's fields, written ``lr=1e-4:1e-2:log batch_size=32,64``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from potmeter.core.config import build_config, config_parameters
from potmeter.core.signature import Parameter
from potmeter.errors import UserError, reject


@dataclass(frozen=True)
class Interval:
    """Every number between two bounds, both included; evenly in the logarithm where ``log``."""

    low: float
    high: float
    log: bool = False

    def suggest(self, trial: Any, name: str) -> Any:
        """A value from an Optuna trial."""
        draw = trial.suggest_int if isinstance(self.low, int) else trial.suggest_float
        return draw(name, self.low, self.high, log=self.log)

    def contains(self, value: Any) -> bool:
        """Whether the value is one of these."""
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def extremes(self) -> tuple[Any, ...]:
        """Values that must be valid for all others to be."""
        return self.low, self.high

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}{':log' if self.log else ''}"


@dataclass(frozen=True)
class Choices:
    """One of a few values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, name: str) -> Any:
        """A value from an Optuna trial."""
        return trial.suggest_categorical(name, self.values)

    def contains(self, value: Any) -> bool:
        """Whether the value is one of these."""
        return value in self.values

    def extremes(self) -> tuple[Any, ...]:
        """Values that must be valid for all others to be."""
        return self.values

    def __str__(self) -> str:
        return ",".join(map(str, self.values))


Space = dict[str, Interval | Choices]


def default_space(config: Any) -> Space:
    """What is worth searching in any system: the learning rate, its warm-up, and the weight decay.

    The learning rate ranges from a tenth to ten times the Config's. Sizes are left alone: they change what a step
    costs, so that trials of equal length would no longer be equal.
    """
    return {
        "lr": Interval(config.lr / 10, config.lr * 10, log=True),
        "warmup": Choices(tuple(sorted({0.0, 0.05, config.warmup}))),
        "weight_decay": Choices(tuple(sorted({0.0, 0.01, 0.1, config.weight_decay}))),
    }


def parse_space(words: Sequence[str], config: Any) -> Space:
    """The space that ``NAME=LOW:HIGH``, ``NAME=LOW:HIGH:log`` and ``NAME=A,B,C`` describe.

    Raises:
        UserError: For an unknown field, a word that is none of these, or a value that the Config itself refuses.
    """
    config_class: Any = type(config)
    known, space = config_parameters(config_class), {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip("-").replace("-", "_")
        if not equals or not text:
            reject("A search is written NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C.", word)
        field = known.get(name) or reject(f"The Config has no field {name}; it has {', '.join(known)}.", word)
        name not in space or reject(f"{name} is searched twice.", word)
        space[name] = parse_interval(field, text) if ":" in text else parse_options(field, text)
        for value in space[name].extremes():  # not at trial 17: now
            build_config(config_class, asdict(config) | {name: value})
    return space


def parse_interval(field: Parameter, text: str) -> Interval:
    """``LOW:HIGH`` or ``LOW:HIGH:log`` of a number's field."""
    parts = text.split(":")
    if len(parts) > 3 or parts[2:] not in ([], ["log"]):
        reject(f"{field.name}: a range is written LOW:HIGH or LOW:HIGH:log.", text)
    if field.type not in (int, float) or field.many:
        reject(f"{field.name} is not a single number: search it as {field.name}=A,B,C.", text)
    low, high = (parse_value(field, part) for part in parts[:2])
    log = len(parts) == 3
    if low is None or high is None or low >= high or (log and low <= 0):
        reject(f"{field.name}: LOW must be smaller than HIGH{', and positive for log' if log else ''}.", text)
    return Interval(low, high, log)


def parse_options(field: Parameter, text: str) -> Choices:
    """``A,B,C`` of any single-valued field."""
    if field.many:
        reject(f"{field.name} holds several values and cannot be searched; give it with --{field.name}.", text)
    values = tuple(parse_value(field, part) for part in text.split(","))
    if len(set(values)) < 2:
        reject(f"{field.name}: a search needs at least two values.", text)
    return Choices(values)


def parse_value(field: Parameter, text: str) -> Any:
    """One value of the field's type."""
    text = text.strip()
    if field.optional and text.lower() == "none":
        return None
    try:
        if field.type is bool:
            value: Any = {"true": True, "false": False}[text.lower()]
        elif field.type in (int, float):
            value = field.type(text)
        else:  # text, or a Literal, whose values may be numbers
            value = next((one for one in get_args(field.type) if str(one) == text), text)
    except (ValueError, KeyError):
        raise UserError(f"{field.name} takes a value of another kind ({field.type.__name__}).", received=text) from None
    return field.convert(value)
