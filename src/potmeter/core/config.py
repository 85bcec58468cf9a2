"""How any system is trained: the fields every Config shares."""

from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

from potmeter.core.signature import Parameter, Range, parse_annotation
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """Base of every system's ``Config``: optimisation, as far as it is alike for all.

    What a field's type says of its values (``Annotated[float, Range(0, 1)]``, ``Literal``) is checked when a Config is
    made; ``__post_init__`` of a subclass, which calls this one first, checks what depends on several fields.

    Raises:
        UserError: When a value is out of bounds.
    """

    dataset: str = ""
    """Data set that it is trained on where no --data is given; saved with weights, the one that they were trained on."""
    batch_size: Annotated[int, Range(1)] = 64
    """Samples in one optimiser step, over all processes together."""
    lr: Annotated[float, Range(0, open="low")] = 1e-3
    """Peak learning rate."""
    weight_decay: Annotated[float, Range(0)] = 0.0
    """Decoupled weight decay of AdamW, on matrices and filters only."""
    schedule: Literal["constant", "linear", "late-linear", "cosine", "cosine10", "luong234"] = "cosine"
    """Learning rate schedule after the warm-up: decay to 0, in the second half only (late-linear), or (cosine10) to a tenth;
    luong234: three halvings at the end."""
    warmup: Annotated[float, Range(0, 1)] = 0.0
    """Linear warm-up of the learning rate from 0, as a fraction of the training."""
    clip: Annotated[float, Range(0, open="low")] | None = None
    """Gradient clipping: largest norm of the gradient of one update, over all its parameters; None = no clipping."""
    ema: Annotated[float, Range(0, 1, open="high")] = 0.0
    """Decay, per step, of the exponential moving average of the weights that is used and saved; 0 = none."""

    def __post_init__(self) -> None:
        config_class: Any = type(self)
        for name, field in config_parameters(config_class).items():
            if field.bounded:
                field.convert(getattr(self, name))


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
