"""The training loop: when it stops, what it keeps, how it goes on."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD

from fixtures.agent import Corridor
from fixtures.gan import Ring
from fixtures.line import Line
from potmeter.core import runs
from potmeter.core.random import RandomStream
from potmeter.core.system import Goal
from potmeter.core.training import checkpoints, processes
from potmeter.core.training.batches import ShuffledBatches
from potmeter.core.training.log import read_records
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options, parse_duration
from potmeter.core.training.schedules import learning_rate_factor
from potmeter.data.splits import TensorData
from potmeter.errors import UserError

from .helpers import lines, same, state, stop_after, trainer

TINY = Line.presets["tiny"]
RICH = replace(TINY, dropout=0.2, jitter=0.1, ema=0.9, clip=1.0, warmup=0.2)
"""Everything that has a state at once."""


# How long ---------------------------------------------------------------------------------------------------------


def test_steps_are_counted_exactly(tmp_path):
    ready = trainer(Line, TINY, tmp_path / "run", steps=7)
    folder = ready.fit()
    assert ready.step == 7 and ready.fraction_done == 1
    assert runs.list_checkpoints(tmp_path / "run")[0].name == "step-00000007" and folder.is_dir()


def test_a_budget_ends_in_time_and_is_the_total_of_all_sessions(tmp_path):
    started = time.monotonic()
    ready = trainer(Line, TINY, tmp_path / "run", steps=None, budget="1s")
    ready.fit()
    assert 1 <= ready.seconds and time.monotonic() - started < 10 and ready.step > 5
    again = trainer(Line, TINY, tmp_path / "run", steps=None, budget="1s", resume=True)
    again.fit()
    assert again.step == ready.step, "the budget was used up"


def test_a_budget_that_runs_out_after_the_last_checkpoint_is_used_up_too(tmp_path):
    common = {"steps": None, "budget": "1s", "out": tmp_path / "run"}
    watch = lambda step, metrics: time.sleep(0.3)  # after each evaluation, which by then is the last step's
    ready = Trainer(build_system(Line, TINY, 0), Line.data(TINY), Options(**common), quiet=True, on_evaluation=watch)
    ready.fit()
    again = Trainer(build_system(Line, TINY, 0), Line.data(TINY), Options(**common, resume=True), quiet=True)
    again.fit()
    assert again.step == ready.step


def test_a_run_by_the_clock_is_saved_in_time_however_rarely_it_is_to_be_evaluated(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.core.training.loop.MAX_SAVE_INTERVAL", 0.2)
    ready = trainer(Line, TINY, tmp_path / "run", steps=None, budget="1s", eval_every=10**9)
    ready.fit()
    assert len({line["step"] for line in lines(tmp_path / "run") if "valid_mse" in line}) >= 3


def test_whichever_of_steps_and_budget_is_further_counts(tmp_path):
    ready = trainer(Line, TINY, tmp_path / "run", steps=100, budget="1h")
    ready.progress.step = 50
    assert ready.fraction_done == 0.5
    ready.progress.seconds = 3000.0
    assert 0.8 < ready.fraction_done < 0.9
    ready.progress.seconds = 1e6
    assert ready.fraction_done == 1, "never more, even where the clock ran past the end"


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2m ", 120)])
def test_a_budget_is_a_time(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5s", "ten", "5d", "1e3", "nan", "5 m 3"])
def test_a_budget_that_is_no_time_is_refused_before_anything_starts(text):
    with pytest.raises(UserError, match="A budget is a time.*Received"):
        Options(budget=text)


# The learning rate --------------------------------------------------------------------------------------------------

SHARE = st.floats(0, 1)


@given(SHARE, SHARE, st.sampled_from(["constant", "linear", "cosine", "cosine10", "luong234"]))
def test_the_learning_rate_never_leaves_0_to_its_peak(share, warmup, schedule):
    assert -1e-12 <= learning_rate_factor(share, schedule, warmup) <= 1


@given(SHARE, SHARE, st.floats(0, 0.9), st.sampled_from(["constant", "linear", "cosine", "cosine10", "luong234"]))
def test_it_rises_in_the_warm_up_and_falls_after_it(a, b, warmup, schedule):
    a, b = sorted((a, b))
    before, after = learning_rate_factor(a, schedule, warmup), learning_rate_factor(b, schedule, warmup)
    if b < warmup:
        assert before <= after
    if a >= warmup:
        assert before >= after - 1e-12


def test_schedules_pass_through_their_known_points():
    assert [learning_rate_factor(x, "linear", 0) for x in (0, 0.25, 1)] == [1, 0.75, 0]
    assert [learning_rate_factor(x, "cosine", 0) for x in (0, 1)] == [1, 0]
    assert learning_rate_factor(0.5, "cosine", 0) == pytest.approx(0.5)
    assert [learning_rate_factor(x, "cosine10", 0) for x in (0, 0.5, 1)] == pytest.approx([1, 0.55, 0.1])
    assert learning_rate_factor(0.3, "cosine", 0.2) == pytest.approx(0.5 + 0.5 * math.cos(math.pi / 8))
    assert learning_rate_factor(0.1, "constant", 0.2) == 0.5 and learning_rate_factor(0.9, "constant", 0.2) == 1


def test_the_optimiser_gets_the_schedule(tmp_path):
    ready = trainer(Line, replace(TINY, lr=0.1, schedule="linear"), tmp_path / "run", steps=4)
    seen, step = [], ready.system.step
    ready.system.step = lambda batch, t: (step(batch, t), seen.append(t.optimizers["model"].param_groups[0]["lr"]))[0]
    ready.fit()
    assert seen == pytest.approx([0.1, 0.075, 0.05, 0.025])


# update -------------------------------------------------------------------------------------------------------------


def test_clip_bounds_the_norm_of_the_gradient(tmp_path):
    class Plain(Line):
        def optimizers(self):
            return {"model": SGD(self.parameters(), lr=self.config.lr)}

    moved = {}
    for clip in (None, 1e-3):
        ready = trainer(Plain, replace(TINY, lr=1.0, schedule="constant", clip=clip), tmp_path / str(clip), steps=1)
        before = [p.detach().clone() for p in ready.system.parameters()]
        ready.fit()
        moved[clip] = torch.cat(
            [(a - b).detach().flatten() for a, b in zip(before, ready.system.parameters(), strict=True)]
        ).norm()
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-3) and moved[None] > 1e-2


def test_update_moves_only_the_named_optimisers_parameters(tmp_path):
    ready = trainer(Ring, Ring.presets["tiny"], tmp_path / "run")
    before = {key: value.clone() for key, value in ready.system.state_dict().items()}
    points = ready.system.generator(ready.noise(8, 4))
    ready.update(ready.system.discriminator(points).mean(), "generator")
    changed = {
        key.partition(".")[0] for key, value in ready.system.state_dict().items() if not torch.equal(value, before[key])
    }
    assert changed == {"generator"}
    assert all(p.grad is None for p in ready.system.discriminator.parameters())


def test_sharded_no_optimiser_is_left_with_gradients(tmp_path):
    ready = trainer(Ring, Ring.presets["tiny"], tmp_path / "run")
    ready.sharded = True  # then backward reaches every parameter
    ready.update(ready.system.discriminator(ready.system.generator(ready.noise(8, 4))).mean(), "generator")
    assert all(p.grad is None for p in ready.system.parameters())


# What is used and kept ----------------------------------------------------------------------------------------------


class Scripted(Line):
    """Its validation error follows a script."""

    errors = [5.0, 4.0, 1.0, 3.0, 2.0, 6.0]

    def evaluate(self, data):
        self.seen = getattr(self, "seen", -1) + 1
        return {"mse": torch.tensor(self.errors[self.seen])}


class Rising(Scripted):
    """The first is the best."""

    errors = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_the_best_checkpoint_and_the_newest_two_stay(tmp_path):
    run = tmp_path / "run"
    assert trainer(Scripted, TINY, run, steps=12, eval_every=2).fit().name == "step-00000006"
    assert [path.name for path in runs.list_checkpoints(run)] == ["step-00000012", "step-00000010", "step-00000006"]
    assert runs.best_checkpoint(run) == run / "step-00000006"


def test_what_is_measured_before_the_last_stage_is_not_the_best(tmp_path):
    class Staged(Rising):
        def is_candidate(self, trainer):
            return trainer.fraction_done > 0.5

    assert trainer(Staged, TINY, tmp_path / "run", steps=12, eval_every=2).fit().name == "step-00000008"


def test_higher_may_be_better(tmp_path):
    class Upwards(Scripted):
        goal = Goal("mse", "higher")

    assert trainer(Upwards, TINY, tmp_path / "run", steps=12, eval_every=2).fit().name == "step-00000012"


def test_the_best_is_remembered_over_a_stop(tmp_path):
    run = tmp_path / "run"
    stop_after(7, trainer(Scripted, TINY, run, steps=12, eval_every=2))
    (run / "best.json").unlink()  # as if a kill had come before it was written
    again = trainer(Scripted, TINY, run, steps=12, eval_every=2, resume=True)
    again.system.seen = 2
    assert again.fit().name == "step-00000006"


def test_checkpoints_of_long_runs_are_ordered_by_number(tmp_path):
    for step in (99_999_999, 100_000_000, 5):
        (tmp_path / f"step-{step:08d}").mkdir()
    (tmp_path / "step-notes").mkdir()
    assert [int(path.name[5:]) for path in runs.list_checkpoints(tmp_path)] == [100_000_000, 99_999_999, 5]


def test_the_moving_average_is_what_is_saved_and_left(tmp_path):
    ready = trainer(Line, replace(TINY, ema=0.99), tmp_path / "run", steps=30)
    raw = {}
    step = ready.system.step
    ready.system.step = lambda batch, t: (
        step(batch, t),
        raw.update({k: v.clone() for k, v in t.system.state_dict().items()}),
    )[0]
    ready.fit()
    saved = Line.from_pretrained(runs.list_checkpoints(tmp_path / "run")[0])
    assert same(saved.state_dict(), ready.system.state_dict())
    assert not same(saved.state_dict(), raw)


def test_after_training_the_system_is_ready_for_use(tmp_path):
    ready = trainer(Line, replace(TINY, dropout=0.5), tmp_path / "run")
    ready.fit()
    assert not ready.system.training
    assert ready.system.run(0.5).text == ready.system.run(0.5).text


def test_the_card_says_how_but_not_where(tmp_path):
    folder = trainer(Line, TINY, tmp_path / "secret-run", seed=3).fit()
    card = Line.from_pretrained(folder).card
    assert card["training"]["seed"] == 3 and card["training"]["data"] == "generated" and card["valid"]["mse"] > 0
    assert "secret" not in (folder / "card.json").read_text() + (folder / "config.json").read_text()


# The record ---------------------------------------------------------------------------------------------------------


def test_metrics_say_loss_and_validation(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=12, eval_every=4).fit()
    rows = lines(tmp_path / "run")
    assert [row["step"] for row in rows if "valid_mse" in row] == [4, 8, 12]
    assert [row["step"] for row in rows if "loss" in row] == [4, 8, 12]


def test_metrics_are_cut_back_to_the_checkpoint_and_to_whole_lines(tmp_path):
    run = tmp_path / "run"
    stop_after(8, trainer(Line, TINY, run, steps=12, eval_every=4))
    kept = [row for row in lines(run) if row["step"] <= 8]
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "loss": 1}\n{"step": 10, "lo')
    trainer(Line, TINY, run, steps=12, eval_every=4, resume=True).fit()
    rows = lines(run)
    assert rows[: len(kept)] == kept and [row["step"] for row in rows[len(kept) :]] == [12, 12]


def test_tensorboard_gets_the_same_figures(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = tmp_path / "run"
    stop_after(8, trainer(Line, TINY, run, steps=12, eval_every=4, tensorboard=True))
    trainer(Line, TINY, run, steps=12, eval_every=4, tensorboard=True, resume=True).fit()
    events = accumulator.EventAccumulator(str(run)).Reload()
    shown = {event.step: event.value for event in events.Scalars("valid_mse")}
    assert shown == pytest.approx({row["step"]: row["valid_mse"] for row in lines(run) if "valid_mse" in row})


# What goes wrong ----------------------------------------------------------------------------------------------------


class Exploding(Line):
    """Its loss is not a number from the sixth step on."""

    calls = 0

    def loss(self, batch):
        self.calls += 1
        losses = super().loss(batch)
        return {"loss": losses["loss"] * (math.nan if self.calls > 5 else 1)}


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(tmp_path):
    with pytest.raises(UserError, match=r"loss is no longer finite at step 8: lower --lr.*Received: nan"):
        trainer(Exploding, TINY, tmp_path / "run", eval_every=4).fit()
    (left,) = runs.list_checkpoints(tmp_path / "run")
    assert left.name == "step-00000004" and all(
        v.isfinite().all() for v in Line.from_pretrained(left).state_dict().values()
    )


def test_ctrl_c_does_not_save_what_is_no_number_either(tmp_path):
    with pytest.raises(UserError, match="no longer finite"):
        stop_after(6, trainer(Exploding, TINY, tmp_path / "run", eval_every=4))
    assert [path.name for path in runs.list_checkpoints(tmp_path / "run")] == ["step-00000004"]


def test_a_metric_that_is_no_number_is_never_the_best(tmp_path):
    class Blind(Scripted):
        errors = [1.0, math.nan]

    with pytest.raises(UserError, match="mse is no longer finite at step 4"):
        trainer(Blind, TINY, tmp_path / "run", steps=6, eval_every=2).fit()
    assert runs.best_checkpoint(tmp_path / "run").name == "step-00000002"


def test_a_folder_with_a_run_is_not_overwritten(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=2).fit()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="holds a run: --resume continues it.*Received"):
        trainer(Line, TINY, tmp_path / "run", steps=2, tensorboard=True).fit()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_does_not_go_on_with_another_config(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=2).fit()
    with pytest.raises(UserError, match=r"was trained with width=32\. Received: width=16"):
        trainer(Line, replace(TINY, width=16), tmp_path / "run", steps=4, resume=True).fit()


def test_a_run_goes_on_when_the_config_has_a_new_field_at_its_default(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=2).fit()
    file = tmp_path / "run" / "step-00000002" / "config.json"
    description = json.loads(file.read_text())
    assert description["config"].pop("warmup") == TINY.warmup
    file.write_text(json.dumps(description))
    assert trainer(Line, TINY, tmp_path / "run", steps=4, resume=True).fit().name == "step-00000004"


def test_a_run_does_not_go_on_when_the_networks_parameters_come_in_another_order(tmp_path):
    """The optimisers' state is numbered: it would be given to other parameters, of other sizes."""

    class Reordered(Line):
        def __init__(self, config):
            super().__init__(config)
            self.first = self._modules.pop("first")  # now after ``last``

    trainer(Line, TINY, tmp_path / "run", steps=2).fit()
    with pytest.raises(UserError, match="The network's code has changed since .*Received"):
        trainer(Reordered, TINY, tmp_path / "run", steps=4, resume=True).fit()


def test_a_run_does_not_go_on_with_another_seed(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=2).fit()
    with pytest.raises(UserError, match=r"was trained with seed=0\. Received: seed=1"):
        trainer(Line, TINY, tmp_path / "run", steps=4, seed=1, resume=True).fit()


def test_data_too_few_to_hold_some_back_are_told_before_anything_is_written(tmp_path):
    data = replace(Line.data(TINY), valid=None)
    with pytest.raises(UserError, match="too few data to hold some back.*Received: generated"):
        trainer(Line, TINY, tmp_path / "run", data).fit()
    assert not list(tmp_path.iterdir())


def test_of_a_run_that_broke_before_anything_was_saved_nothing_is_left(tmp_path):
    class Breaking(Line):
        def loss(self, batch):
            raise UserError("The picture is broken.")

    with pytest.raises(UserError, match="broken"):
        trainer(Breaking, TINY, tmp_path / "run").fit()
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_outlives_damaged_ones_of_later_steps(tmp_path):
    run = tmp_path / "run"
    stop_after(6, trainer(Rising, TINY, run, steps=12, eval_every=2))
    assert [path.name for path in runs.list_checkpoints(run)] == ["step-00000006", "step-00000004", "step-00000002"]
    for step in (4, 6):
        (run / f"step-0000000{step}" / "model.safetensors").write_bytes(b"")
    stop_after(3, trainer(Rising, TINY, run, steps=12, eval_every=100, resume=True))
    assert [path.name for path in runs.list_checkpoints(run)] == ["step-00000003", "step-00000002"]


def test_a_signal_that_comes_while_the_processes_agree_is_not_forgotten(tmp_path, monkeypatch):
    ready = trainer(Line, TINY, tmp_path / "run")

    def slowly(value):
        signal.raise_signal(signal.SIGTERM) if not ready.interrupt.requested else None
        return value

    monkeypatch.setattr(processes, "world_size", lambda: 2)
    monkeypatch.setattr(processes, "all_reduce_mean", slowly)
    with ready.interrupt.catch_signals():
        assert [ready.stop_requested(), ready.stop_requested()] == [False, True]


def test_only_what_the_writer_says_is_a_failure_to_write(tmp_path):
    with pytest.raises(RuntimeError, match="shapes"), checkpoints.report_write_errors(tmp_path, "It"):
        raise RuntimeError("shapes do not match")
    with pytest.raises(UserError, match="It cannot be written"), checkpoints.report_write_errors(tmp_path, "It"):
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")


def test_damaged_lines_of_the_record_are_left_out(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(b'{"step": 1}\n{"loss": 2}\n\xff\xfe\n[3]\n{"step": 4, "loss": 1}\n{"step": 5, "lo')
    assert read_records(file) == [{"step": 1}, {"step": 4, "loss": 1}]


def test_the_progress_says_how_long_it_takes_from_here(tmp_path, monkeypatch):
    log = trainer(Line, TINY, tmp_path / "run").log
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    log.start(20, 0.2)
    monkeypatch.setattr(time, "monotonic", lambda: 220.0)
    assert log.time_left(0.2) == log.time_left(1.0) == "" and log.time_left(0.4) == "6 m left  "
    assert log.time_left(0.201) == "26 h 38 m left  ", "the pace of a slow start"
    log.deadline = 270.0
    assert log.time_left(0.201) == log.time_left(0.4) == "50 s left  ", "never more than the budget"
    log.close()


def test_a_budget_bounds_the_time_that_is_left(tmp_path):
    ready = trainer(Line, TINY, tmp_path / "run", steps=None, budget="1s")
    ready.fit()
    assert ready.log.deadline - ready.log.begun[1] <= 1


def test_a_file_in_the_runs_place_is_told(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UserError, match=r"run cannot be made.*Received"):
        trainer(Line, TINY, tmp_path / "run").fit()
    assert (tmp_path / "run").read_text() == "mine"


def test_empty_data_are_refused():
    with pytest.raises(UserError, match="The training data are empty"):
        ShuffledBatches(TensorData(x=torch.zeros(0, 1)), 4)


def test_errors_of_a_system_are_not_hidden(tmp_path):
    class Wrong(Line):
        def loss(self, batch):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trainer(Wrong, TINY, tmp_path / "run").fit()


# Going on -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "config"),
    [(Line, TINY), (Line, RICH), (Ring, Ring.presets["tiny"]), (Corridor, Corridor.presets["tiny"])],
    ids=["line", "line-with-all-states", "gan-with-average", "agent"],
)
def test_k_steps_and_k_more_equal_2k_to_the_bit(tmp_path, owner, config):
    whole = trainer(owner, config, tmp_path / "whole", steps=20, eval_every=6)
    whole.fit()
    after = state(whole)
    stop_after(9, trainer(owner, config, tmp_path / "parts", steps=20, eval_every=6))
    torch.manual_seed(99)  # what happened in between does not matter
    again = trainer(owner, config, tmp_path / "parts", steps=20, eval_every=6, resume=True)
    again.fit()
    assert same(state(again), after)
    assert again.progress.metrics == whole.progress.metrics


def test_resume_starts_when_there_is_nothing(tmp_path):
    ready = trainer(Line, TINY, tmp_path / "run", steps=3, resume=True)
    ready.fit()
    assert ready.step == 3


def test_a_finished_run_can_be_lengthened(tmp_path):
    trainer(Line, TINY, tmp_path / "run", steps=3).fit()
    longer = trainer(Line, TINY, tmp_path / "run", steps=5, resume=True)
    longer.fit()
    assert longer.step == 5


@pytest.mark.parametrize("file", ["model.safetensors", "training.pt", "rank-0.pt"])
@pytest.mark.parametrize("damage", ["cut", "empty", "missing"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, capsys, file, damage):
    run = tmp_path / "run"
    trainer(Line, TINY, run, steps=8, eval_every=4).fit()
    path = run / "step-00000008" / file
    whole = path.read_bytes()
    path.unlink() if damage == "missing" else path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    again = trainer(Line, TINY, run, steps=8, eval_every=4, resume=True)
    again.prepare_folder()
    assert again.step == 4 and "step-00000008 is damaged" in capsys.readouterr().err
    again.fit()
    assert (
        same(torch.load(run / "step-00000008" / "rank-0.pt"), torch.load(run / "step-00000004" / "rank-0.pt")) is False
    )
    assert not list(run.glob("*~"))


def test_when_every_checkpoint_is_damaged_nothing_is_thrown_away(tmp_path):
    run = tmp_path / "run"
    trainer(Line, TINY, run, steps=2, eval_every=2).fit()
    (run / "step-00000002" / "training.pt").write_bytes(b"")
    with pytest.raises(UserError, match="No checkpoint in .* is whole"):
        trainer(Line, TINY, run, steps=4, resume=True).fit()
    assert (run / "step-00000002").is_dir()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_resume_goes_on_from_there(tmp_path, number):
    run, seen = tmp_path / "run", []
    ready = trainer(Line, RICH, run, steps=20, eval_every=100)
    step = ready.system.step

    def interrupted(batch, t):
        if t.step == 8:
            os.kill(os.getpid(), number)
        seen.append(t.step)
        return step(batch, t)

    ready.system.step = interrupted
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        ready.fit()
    assert signal.getsignal(number) is before and seen[-1] == 8
    whole = trainer(Line, RICH, tmp_path / "whole", steps=20, eval_every=100)
    whole.fit()
    after = state(whole)
    again = trainer(Line, RICH, run, steps=20, eval_every=100, resume=True)
    again.fit()
    assert seen == list(range(9)) and same(state(again), after)


def test_ctrl_c_on_the_command_line_exits_130_with_a_checkpoint(tmp_path, line_folder):
    command = [
        sys.executable,
        "-m",
        "potmeter",
        "train",
        str(line_folder),
        "--budget",
        "5m",
        "--out",
        "run",
        "--preset",
        "tiny",
    ]
    with subprocess.Popen([*command, "--device", "cpu"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not (metrics := tmp_path / "run" / "metrics.jsonl").exists() or not metrics.stat().st_size:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    (saved,) = runs.list_checkpoints(tmp_path / "run")
    assert Line.from_pretrained(saved).config == TINY


# The data -----------------------------------------------------------------------------------------------------------


def numbers(size):
    return TensorData(x=torch.arange(size))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 5))
def test_every_epoch_is_a_permutation(size, batch_size, seed):
    given_out, batches = [], iter(ShuffledBatches(numbers(size), batch_size, seed=seed))
    while len(given_out) < 3 * size:
        batch = next(batches)["x"].tolist()
        assert len(batch) == batch_size, "every batch is full"
        given_out += batch
    epochs = [given_out[i * size : (i + 1) * size] for i in range(3)]
    assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
    if size > 8:
        assert epochs[0] != epochs[1] != epochs[2]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 15))
def test_a_position_is_where_it_goes_on(size, batch_size, done):
    first = ShuffledBatches(numbers(size), batch_size)
    batches = iter(first)
    for _ in range(done):
        next(batches)
    second = ShuffledBatches(numbers(size), batch_size)
    second.load_state_dict(first.state_dict())
    for _, mine, theirs in zip(range(5), second, batches, strict=False):
        assert torch.equal(mine["x"], theirs["x"])


def test_seeds_shuffle_differently():
    a, b = (next(iter(ShuffledBatches(numbers(100), 50, seed=seed)))["x"].tolist() for seed in (0, 1))
    assert a != b


def test_processes_share_each_batch_out_without_overlap(monkeypatch):
    whole = [batch["x"].tolist() for _, batch in zip(range(6), ShuffledBatches(numbers(50), 12), strict=False)]
    monkeypatch.setattr(processes, "world_size", lambda: 3)
    parts = [ShuffledBatches(numbers(50), 12) for _ in range(3)]
    for expected in whole:
        together = []
        for rank, part in enumerate(parts):
            monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
            together += next(iter(part))["x"].tolist()
        assert together == expected
    with pytest.raises(UserError, match="divisible by the 3 processes.*Received: 10"):
        ShuffledBatches(numbers(50), 10)


def test_processes_share_the_random_numbers_out():
    for draw in (lambda s, n: s.normal(n, 2), lambda s, n: s.uniform(n), lambda s, n: s.integers(9, n, 3)):
        assert torch.equal(
            torch.cat([draw(RandomStream(7, rank, 4), 3) for rank in range(4)]), draw(RandomStream(7), 12)
        )


def test_a_stream_goes_on_from_its_state():
    stream, other = RandomStream(1), RandomStream(2)
    stream.normal(5)
    other.load_state_dict(stream.state_dict())
    assert torch.equal(stream.uniform(4), other.uniform(4))


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_workers_change_nothing_but_the_speed(tmp_path):
    alone = trainer(Line, RICH, tmp_path / "alone", steps=8)
    alone.fit()
    after = state(alone)
    helped = trainer(Line, RICH, tmp_path / "helped", steps=8, workers=2)
    helped.fit()
    assert same(state(helped), after)


# Fine-tuning --------------------------------------------------------------------------------------------------------


def test_fine_tuning_takes_over_what_fits(tmp_path):
    origin = build_system(Line, TINY, 1)
    same_shape = build_system(Line, TINY, 2, origin)
    assert same(same_shape.state_dict(), origin.state_dict())
    wider = build_system(Line, replace(TINY, width=48), 2, origin)
    fresh = build_system(Line, replace(TINY, width=48), 2)
    fits = {key for key, value in origin.state_dict().items() if value.shape == fresh.state_dict()[key].shape}
    assert fits == {"last.2.bias"}
    assert torch.equal(wider.state_dict()["last.2.bias"], origin.state_dict()["last.2.bias"])
    assert torch.equal(wider.state_dict()["first.0.weight"], fresh.state_dict()["first.0.weight"])


def test_the_seed_decides_the_weights():
    assert same(build_system(Line, TINY, 4).state_dict(), build_system(Line, TINY, 4).state_dict())
    assert not same(build_system(Line, TINY, 4).state_dict(), build_system(Line, TINY, 5).state_dict())


def test_runs_default_to_a_folder_of_the_systems_name(elsewhere):
    assert trainer(Line, TINY, None, steps=1).run == Path("runs/line")
