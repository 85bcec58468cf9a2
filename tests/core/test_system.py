"""What an evaluation says of itself."""

import pytest
import torch

from potmeter.core.evaluation import summarise
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
