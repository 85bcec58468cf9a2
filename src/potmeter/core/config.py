"""How any system is trained: the fields every Config shares."""

from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, Literal, get_type_hints

from potmeter.core.signature import Parameter, parse_annotation
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Base of every system's ``Config``: optimisation, as far as it is alike for all."""

    batch_size: int = 64
    """Samples in one optimiser step, over all processes together."""
    lr: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 0.0
    """Decoupled weight decay of AdamW, on matrices and filters only."""
    schedule: Literal["constant", "linear", "cosine", "cosine10", "luong234"] = "cosine"
    """How the learning rate falls, after the warm-up, towards 0 at the end; cosine10: to a tenth; luong234: it is halved
    four times."""
    warmup: float = 0.0
    """Share of the training, from its start, in which the learning rate rises linearly from 0."""
    clip: float | None = None
    """Largest norm of an optimiser's gradient; None = never clipped."""
    ema: float = 0.0
    """Decay, per step, of the moving average of the weights that is used and saved; 0 = none."""

    def __post_init__(self) -> None:
        self.batch_size >= 1 or reject("batch_size must be at least 1.", self.batch_size)
        self.lr > 0 or reject("lr must be positive.", self.lr)
        self.weight_decay >= 0 or reject("weight_decay must not be negative.", self.weight_decay)
        0 <= self.warmup <= 1 or reject("warmup is a share of the training, 0 to 1.", self.warmup)
        self.clip is None or self.clip > 0 or reject("clip must be positive.", self.clip)
        0 <= self.ema < 1 or reject("ema must be at least 0 and below 1.", self.ema)


@cache
def config_parameters(config_class: type) -> dict[str, Parameter]:
    """The fields of a Config as Parameters."""
    hints = get_type_hints(config_class, include_extras=True)
    return {
        field.name: parse_annotation(field.name, hints[field.name], default=field.default)
        for field in fields(config_class)
    }


def build_config(config_class: type, values: dict[str, Any]) -> Any:
    """A Config from plain values, each checked. Raises UserError for an unknown key or a value of another type."""
    known = config_parameters(config_class)
    for key in values:
        key in known or reject(f"{key} is no field of this config; it has {', '.join(known)}.", key)
    missing = [name for name, p in known.items() if p.default is MISSING and name not in values]
    if missing:
        reject(f"The config lacks {', '.join(missing)}.", values)
    return config_class(**{key: known[key].convert(value) for key, value in values.items()})
