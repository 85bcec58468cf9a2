"""``tune``: workers share a study, a study continues, failures do not end it."""

import json
import subprocess
import sys

import optuna
import pytest

from fixtures.line import Config, Line
from potmeter.cli import execute
from potmeter.core.training.options import Options
from potmeter.core.tuning.space import default_space, parse_space
from potmeter.core.tuning.tuner import Tuner
from potmeter.errors import UserError

SEARCH = ["lr=1e-3:1e-1:log", "width=8,16"]
BASE = Config(lr=1e-2, width=16)


def tuner(out, trials=3, search=SEARCH, steps=20, **extra) -> Tuner:
    space = parse_space(search, BASE)
    return Tuner(
        Line, BASE, space, Options(steps=steps, out=out, device="cpu", eval_every=10), Line.data, trials=trials, **extra
    )


def test_search_words_become_ranges_and_choices():
    space = parse_space(
        ["lr=1e-4:1e-2:log", "batch_size=32,64", "clip=none,1", "schedule=linear,cosine", "width=4:8"], BASE
    )
    assert (space["lr"].low, space["lr"].high, space["lr"].log) == (1e-4, 1e-2, True)
    assert space["batch_size"].values == (32, 64)
    assert space["clip"].values == (None, 1.0)
    assert space["schedule"].values == ("linear", "cosine")
    assert isinstance(space["width"].low, int)


@pytest.mark.parametrize(
    "word",
    ["lr", "lr=", "lr=1", "lr=2:1", "lr=0:1:log", "lr=1:2:3", "lr=a:b", "nothing=1,2", "dropout=0:1", "width=1.5,2"],
)
def test_a_search_that_makes_no_sense_is_refused_in_one_line(word):
    with pytest.raises(UserError, match="Received: "):
        parse_space([word], BASE)


def test_the_default_search_holds_what_is_there_already():
    assert all(part.contains(getattr(BASE, name)) for name, part in default_space(BASE).items())


def test_the_base_config_is_tried_first_and_only_the_best_run_stays(tmp_path):
    found = (study := tuner(tmp_path)).fit()
    assert study.study.trials[0].params == {"lr": 1e-2, "width": 16}
    assert sum(found.counts.values()) == 3
    assert [path.name for path in tmp_path.glob("trial-*")] == [f"trial-{found.best:04d}"]
    assert Line.from_pretrained(found.folder).config == found.config


def test_the_same_study_continues_to_its_number(tmp_path):
    tuner(tmp_path, 2).fit()
    assert sum(tuner(tmp_path, 5).fit().counts.values()) == 5
    assert sum(tuner(tmp_path, 5).fit().counts.values()) == 5


def test_a_stopped_trial_is_made_up_for(tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Line, "loss", stop)
        with pytest.raises(KeyboardInterrupt):
            tuner(tmp_path).fit()
    assert not list(tmp_path.glob("trial-*"))
    assert sum(tuner(tmp_path, 2).fit().counts.values()) == 2


def test_trials_that_diverge_are_failures_and_the_study_goes_on(tmp_path):
    lines = []
    found = tuner(tmp_path, 4, ["lr=0.01,1e30"], say=lines.append).fit()
    assert found.counts["failed"] >= 1
    assert found.config.lr == 0.01
    assert any("failed: " in line for line in lines)


def test_a_study_in_which_nothing_succeeds_says_so(tmp_path):
    with pytest.raises(UserError, match="No trial has succeeded"):
        tuner(tmp_path, 2, ["lr=1e30,1e31"]).fit()


def test_a_trial_worse_than_the_others_is_pruned(tmp_path):
    for number in range(5):  # four finished ones are needed to compare with
        values = {"lr": 0.05, "width": 16} if number < 4 else {"lr": 1e-5, "width": 8}
        study = tuner(tmp_path, number + 1, ["lr=1e-5:1e-1:log", "width=8,16"], 40)
        study.study.enqueue_trial(values) if number else None
        found = study.fit()
    assert found.counts["pruned"] == 1


def test_the_password_of_a_storage_is_not_told(tmp_path):
    with pytest.raises(UserError, match="storage cannot be used") as caught:
        tuner(tmp_path, storage="nonsense://me:s3cr@t@host/studies")
    assert "s3cr" not in str(caught.value) and "me:***@host" in str(caught.value)


def test_another_study_in_the_same_place_is_refused(tmp_path):
    tuner(tmp_path, 1).fit()
    with pytest.raises(UserError, match="begun with another steps"):
        tuner(tmp_path, 1, steps=30)
    with pytest.raises(UserError, match="trials of another study"):
        tuner(tmp_path, 1, study="other")


@pytest.mark.slow
def test_two_workers_share_one_study(line_folder, elsewhere):
    flags = [
        "--preset",
        "tiny",
        "--trials",
        "6",
        "--steps",
        "20",
        "--eval-every",
        "10",
        "--search",
        *SEARCH,
        "--device",
        "cpu",
    ]
    command = [sys.executable, "-m", "potmeter", "tune", str(line_folder), *flags, "--out", "shared", "--json"]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [worker.communicate(timeout=300)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors
    (summary,) = optuna.get_all_study_summaries("sqlite:///shared/study.db")
    trials = optuna.load_study(study_name=summary.study_name, storage="sqlite:///shared/study.db").trials
    assert sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in trials) == 6
    assert len(list(elsewhere.glob("shared/trial-*"))) == 1


def test_the_command_gives_one_json_object_and_a_train_command_that_works(line_folder, elsewhere, capsys):
    argv = [
        "tune",
        str(line_folder),
        "--preset",
        "tiny",
        "--trials",
        "2",
        "--steps",
        "20",
        "--search",
        *SEARCH,
        "--device",
        "cpu",
    ]
    assert execute([*argv, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["trials"]["complete"] == 2
    assert set(report["params"]) == {"lr", "width"}
    assert execute([*report["command"].split()[1:], "--out", "again"]) == 0
    assert execute(["run", str(line_folder), "--weights", report["folder"]]) == 0


def test_a_trial_without_a_length_is_refused(line_folder, elsewhere, capsys):
    assert execute(["tune", str(line_folder)]) == 2
    assert "--steps N or --budget" in capsys.readouterr().err
