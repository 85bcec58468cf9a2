"""Measuring takes a tenth of the clock at most, and what is only noise decides nothing."""

import json
import math
import time

import pytest
import torch

from fixtures.line import Line
from potmeter.core.system import Goal
from potmeter.errors import UserError

from .helpers import lines, trainer

TINY = Line.presets["tiny"]


class Slow(Line):
    """Its metric takes a while; a loss is at hand."""

    seconds = 0.15
    goal = Goal("score", "higher")

    def loss(self, batch):
        time.sleep(0.002)
        return super().loss(batch)

    def validate(self, data):
        time.sleep(self.seconds)
        return {"score": torch.tensor(1.0), "loss": self.validation_loss(data)}

    def validation_loss(self, data):
        return super().evaluate(data)["mse"].mean()


class Blunt(Slow):
    """Its metric takes a while, and there is nothing else."""

    def validate(self, data):
        time.sleep(self.seconds)
        return {"score": torch.tensor(1.0)}

    def validation_loss(self, data):
        return None


@pytest.mark.parametrize("owner", [Slow, Blunt])
def test_a_tenth_of_a_budget_goes_into_validation(owner, tmp_path):
    ready = trainer(owner, TINY, tmp_path / "run", steps=None, budget="4s")
    folder = ready.fit()
    assert ready.progress.validation_seconds <= 0.1 * ready.seconds
    rows = lines(tmp_path / "run")
    full = [row for row in rows if "valid_score" in row]
    assert full[-1]["step"] == ready.step and 1 <= len(full) <= 2, "the last one is always made"
    cheap = [row for row in rows if "valid_loss" in row and "valid_score" not in row]
    assert len(cheap) >= 10 if owner is Slow else not cheap
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["training"]["validation_seconds"] <= 0.1 * 4 + 0.2


def test_the_log_says_the_share_and_what_was_left_out(tmp_path, capsys):
    ready = trainer(Slow, TINY, tmp_path / "run", steps=None, budget="3s")
    ready.log.quiet = False
    ready.fit()
    log = capsys.readouterr().err
    assert "% of the time; score might take more than a tenth" in log and "valid: loss" in log
    assert "validation" in log.splitlines()[-1] and "score 1" in log.splitlines()[-1]


def test_the_loss_decides_where_the_metric_is_too_dear(tmp_path):
    ready = trainer(Slow, TINY, tmp_path / "run", steps=None, budget="3s")
    ready.fit()
    losses = {row["step"]: row["valid_loss"] for row in lines(tmp_path / "run") if "valid_loss" in row}
    assert ready.progress.best_step == max(step for step, loss in losses.items() if loss == min(losses.values()))


@pytest.mark.parametrize("options", [{"steps": 40}, {"steps": None, "budget": "2s", "eval_every": 5}])
def test_runs_by_steps_and_schedules_of_ones_own_measure_as_they_say(tmp_path, options):
    class Dear(Slow):
        seconds = 0.05

    ready = trainer(Dear, TINY, tmp_path / "run", **options)
    ready.fit()
    full = [row["step"] for row in lines(tmp_path / "run") if "valid_score" in row]
    every = options.get("eval_every", 2)
    assert full[:-1] == list(range(every, ready.step, every)) and full[-1] == ready.step


def test_a_loss_that_is_no_number_is_told_though_it_only_stands_in(tmp_path):
    class Broken(Slow):
        def validation_loss(self, data):
            return torch.tensor(math.nan)

    with pytest.raises(UserError, match="loss is no longer finite at step"):
        trainer(Broken, TINY, tmp_path / "run", steps=None, budget="2s").fit()


GOAL = Goal("bleu", "higher", tolerance=1.0)


@pytest.mark.parametrize(
    ("new", "best", "preferred"),
    [
        ({"bleu": 0.1, "loss": 6.9}, {}, True),
        ({"bleu": 0.9, "loss": 6.95}, {"bleu": 0.1, "loss": 6.9}, False),  # 0.8 BLEU are within the tolerance
        ({"bleu": 0.0, "loss": 6.1}, {"bleu": 0.9, "loss": 6.9}, True),
        ({"bleu": 5.0, "loss": 7.0}, {"bleu": 0.9, "loss": 6.1}, True),
        ({"bleu": 2.0, "loss": 5.0}, {"bleu": 5.0, "loss": 7.0}, False),
        ({"loss": 6.0}, {"bleu": 5.0, "loss": 6.1}, True),
        ({"loss": 6.2}, {"bleu": 5.0, "loss": 6.1}, False),
        ({"bleu": 1.0, "loss": 6.2}, {"loss": 6.1}, False),
        ({"bleu": 1.0}, {"loss": 6.1}, True),
        ({}, {"bleu": 1.0}, False),
        ({}, {}, False),
        ({"loss": 3.0}, {"bleu": 1.0}, False),
    ],
)
def test_within_the_tolerance_the_loss_decides(new, best, preferred):
    assert GOAL.prefers(new, best) is preferred


def test_without_tolerance_of_equals_the_later_is_the_best():
    goal = Goal("mse", "lower")
    assert goal.prefers({"mse": 1.0, "loss": 2.0}, {"mse": 1.0, "loss": 1.0}) is True
    assert goal.prefers({"mse": 1.1, "loss": 0.0}, {"mse": 1.0, "loss": 1.0}) is False
