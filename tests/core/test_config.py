"""A Config refuses what its fields' types exclude, however it is made."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import pytest

from fixtures.line import Line
from potmeter.core.config import BaseConfig, build_config, config_parameters
from potmeter.core.signature import Range
from potmeter.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Bounds of a list's items, and of a value that may be missing."""

    filters: Annotated[tuple[int, ...], Range(1, 512)] = (8, 16)
    """Channels."""
    beta: Annotated[float, Range(0)] | None = None
    """A weight."""
    norm: Literal["none", "batch"] = "none"
    """Normalisation."""


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("filters", (8, 0), "filters must lie between 1 and 512. Received: 0"),
        ("beta", -1.0, "beta must be at least 0. Received: -1.0"),
        ("norm", "layer", "norm is one of none, batch. Received: layer"),
        ("batch_size", 0, "batch_size must be at least 1"),
        ("lr", 0.0, "lr must be positive"),
        ("lr", float("nan"), "lr must be finite"),
        ("weight_decay", -1e-9, "weight_decay must be at least 0"),
        ("warmup", 1.1, "warmup must lie between 0 and 1"),
        ("clip", 0.0, "clip must be positive"),
        ("ema", 1.0, "ema must be at least 0 and below 1"),
        ("schedule", "step", "schedule is one of constant, linear"),
    ],
)
@pytest.mark.parametrize(
    "make", [lambda v: Config(**v), lambda v: build_config(Config, v), lambda v: replace(Config(), **v)]
)
def test_a_value_out_of_bounds_is_told_with_its_field(make, field, value, says):
    with pytest.raises(UserError, match=f"^{says}"):
        make({field: value})


def test_values_within_bounds_and_missing_ones_are_kept():
    config = Config(filters=(1, 512), beta=0.0, clip=None, ema=0.999)
    assert build_config(Config, asdict(config)) == config and Config().beta is None


def test_a_presets_bounds_are_those_of_its_own_fields():
    assert config_parameters(Line.Config)["dropout"].range == Range(0, 1, open="high")
    with pytest.raises(UserError, match="dropout must be at least 0 and below 1"):
        Line.Config(dropout=1.0)
