"""What every system does by default, and what an evaluation says of itself."""

from dataclasses import dataclass
from typing import Literal

import pytest
import torch

from potmeter.core import devices
from potmeter.core.config import BaseConfig
from potmeter.core.evaluation import summarise
from potmeter.core.system import System
from potmeter.data.splits import TensorData, take_evenly


def test_the_error_of_a_mean_covers_the_truth_19_times_of_20():
    rng = torch.Generator().manual_seed(0)
    inside = 0
    for _ in range(400):
        metrics, errors = summarise({"accuracy": (torch.rand(50, generator=rng) < 0.9).float()})
        inside += abs(metrics["accuracy"] - 0.9) <= errors["accuracy"]
    assert inside >= 0.92 * 400


def test_28_of_28_right_is_no_certainty():
    metrics, errors = summarise({"accuracy": torch.ones(28)})
    assert metrics["accuracy"] == 1
    assert errors["accuracy"] == pytest.approx(0.085, abs=0.005)


def test_a_single_number_has_no_error():
    assert summarise({"fid": torch.tensor(3.0)}) == ({"fid": 3.0}, {})


def test_a_part_of_a_data_set_is_spread_evenly_and_always_the_same():
    data = TensorData(x=torch.arange(100))
    assert take_evenly(data, 4).tensors["x"].tolist() == [0, 25, 50, 75]
    assert take_evenly(data, 100) is data
    assert take_evenly(data, 1000) is data


@dataclass(frozen=True, kw_only=True)
class LineConfig(BaseConfig):
    precision: Literal["float32", "bfloat16"]


class Line(System):
    """A linear layer, whose loss tells in which precision it was computed."""

    Config = LineConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = torch.nn.Linear(2, 1)

    def loss(self, batch):
        return {"loss": self.model(batch["x"]).mean()}


class Recorder:
    """In place of the training loop."""

    def update(self, loss):
        self.dtype = loss.dtype


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_is_in_the_precision_of_the_config_where_system_and_processor_gain_by_it(
    monkeypatch, capsys, precision, fast, mixed
):
    monkeypatch.setattr(Line, "mixed_precision", mixed)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": fast})
    devices.announce_float32.cache_clear()
    recorder = Recorder()
    Line(LineConfig(precision=precision)).step({"x": torch.ones(3, 2)}, recorder)
    wanted = mixed and precision == "bfloat16"
    told = capsys.readouterr().err
    assert recorder.dtype == (torch.bfloat16 if wanted and fast else torch.float32)
    assert ("float32 is faster on it, and is used" in told) == (wanted and not fast)
