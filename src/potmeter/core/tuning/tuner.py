"""Hyper-parameter search: a study of training runs (trials), by one worker or by many on one storage.

Trials are counted in the storage, so that the same command, started twice, shares the work, and started again
after a stop, continues it.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from potmeter.core.config import BaseConfig, build_config
from potmeter.core.system import System
from potmeter.core.training.loop import NUM_EVALUATIONS
from potmeter.core.training.options import Options
from potmeter.core.tuning.space import Space
from potmeter.core.tuning.study import best_trial, count_trials, open_study
from potmeter.core.tuning.trial import Failure, run_trial
from potmeter.data.splits import Splits
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a study has found so far."""

    best: int
    """Number of the best trial."""
    value: float
    """Its best value of the system's goal on the validation data."""
    config: Any
    """The base Config with that trial's values."""
    folder: Path
    """Its run's folder; on the machine that ran it."""
    counts: dict[str, int]
    """Trials that were completed, pruned and failed."""


class Tuner:
    """Searches the fields of a Config, a training run for each trial, until the study has its number of trials.

    Args:
        system_class: Which system.
        config: The Config in which the searched fields are replaced.
        space: The searched fields.
        options: How long each trial trains, on what; ``out`` is the study's folder.
        data: Reads the data for a Config.
        trials: Completed, pruned and failed ones together, by all workers.
        study, storage: The study's name, and Optuna's address of its storage; default: an SQLite file in the folder.
        pretrained: Weights that every trial starts from.
        say: Is told a line about each trial.

    Raises:
        UserError: The storage cannot be used, or the study was begun with another Config, space or length.
    """

    def __init__(
        self,
        system_class: type[System],
        config: Any,
        space: Space,
        options: Options,
        data: Callable[[Any], Splits],
        *,
        trials: int = 20,
        study: str | None = None,
        storage: str | None = None,
        pretrained: System | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.system_class, self.config, self.space, self.options, self.read = system_class, config, space, options, data
        self.trials, self.pretrained, self.say = trials, pretrained, say
        self.out = options.out or Path("runs") / f"tune-{study or system_class.name}"
        self.shared: tuple[Any, Splits] | None = None
        length = {"steps": options.steps, "budget": options.budget, "eval_every": options.eval_every}
        searched = {name: str(part) for name, part in space.items()}
        rounds = (options.steps or 0) // options.eval_every if options.eval_every else NUM_EVALUATIONS
        first = {name: getattr(config, name) for name in space}  # what is there already is tried first
        self.study = open_study(
            self.out,
            study or system_class.name,
            storage,
            about={"system": system_class.name, "config": repr(config), "search": searched, **length},
            direction="maximize" if system_class.goal.better == "higher" else "minimize",
            warmup=max(1, rounds // 4),
            first=first if all(space[name].contains(value) for name, value in first.items()) else None,
        )

    def fit(self) -> Outcome:
        """Run trials until there are enough, and return the best. Raises UserError when none has succeeded."""
        while count_trials(self.study) < self.trials:
            self.run_next_trial()
        return self.outcome()

    def run_next_trial(self) -> None:
        """Run one trial. One that fails is recorded with its reason; a stop or a mistake leaves it uncounted."""
        from filelock import FileLock
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        trial = self.study.ask()
        # by the number, not by the worker: two workers that start together must not draw the same values
        self.study.sampler = TPESampler(multivariate=False, seed=self.options.seed + trial.number)
        folder, lock = (self.out / f"{prefix}trial-{trial.number:04d}" for prefix in ("", ".lock-"))
        with FileLock(lock):  # held as long as we live: how others know that we do
            try:
                trial.set_user_attr("worker", [socket.gethostname(), str(lock.resolve())])
                if count_trials(self.study, before=trial.number) < self.trials:  # else another worker was quicker
                    self.attempt(trial, folder)
            finally:
                if self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True).state == TrialState.FAIL:
                    shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        self.remove_finished_runs()

    def attempt(self, trial: Any, folder: Path) -> None:
        """Draw values, train, record how it went."""
        from optuna import TrialPruned
        from optuna.trial import TrialState

        values = {name: part.suggest(trial, name) for name, part in self.space.items()}
        options = replace(self.options, out=folder, resume=False)
        try:
            value = run_trial(trial, self.system_class, self.config, values, options, self.data, self.pretrained)
        except TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
            word = "pruned"
        except Failure as failure:
            trial.set_user_attr("reason", str(failure))
            self.study.tell(trial, state=TrialState.FAIL)
            word = f"failed: {failure}"
        else:
            trial.set_user_attr("folder", str(folder))
            self.study.tell(trial, value)
            word = f"{self.system_class.goal.metric} {value:.5g}"
        drawn = (f"{name} {v:.3g}" if isinstance(v, float) else f"{name} {v}" for name, v in values.items())
        self.say(f"trial {trial.number}: {'  '.join(drawn)} → {word}")

    def data(self, config: Any) -> Splits:
        """The data for a Config, read again only when a field that is the system's own has changed."""
        key = replace(config, **{field.name: getattr(self.config, field.name) for field in fields(BaseConfig)})
        if self.shared is None or self.shared[0] != key:
            self.shared = key, self.read(config)
        return self.shared[1]

    def remove_finished_runs(self) -> None:
        """Remove the runs of finished trials but the best's. Others' running ones are left alone."""
        trials, best = self.study.get_trials(deepcopy=False), best_trial(self.study)
        for trial in trials:
            if trial.state.is_finished() and best is not None and trial.number != best.number:
                shutil.rmtree(self.out / f"trial-{trial.number:04d}", ignore_errors=True)

    def outcome(self) -> Outcome:
        """The best trial so far, and how the trials went. Raises UserError when none has succeeded."""
        trials, best = self.study.get_trials(deepcopy=False), best_trial(self.study)
        reasons = [trial.user_attrs["reason"] for trial in trials if "reason" in trial.user_attrs]
        best or reject(
            f"No trial has succeeded, {len(reasons)} failed; the last: {(reasons or ['none'])[-1]}", str(self.out)
        )
        states = [trial.state.name for trial in trials]
        counts = {"complete": states.count("COMPLETE"), "pruned": states.count("PRUNED"), "failed": len(reasons)}
        config = build_config(self.system_class.Config, asdict(self.config) | best.params)
        return Outcome(
            best=best.number, value=best.value, config=config, folder=Path(best.user_attrs["folder"]), counts=counts
        )
