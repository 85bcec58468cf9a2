"""While it fails, turn and train again: a study of training runs, by one worker or by many on one storage.

Trials are counted in the storage, so that the same command, started twice, shares the work, and started again
after a stop, continues it.
"""

from __future__ import annotations

import math
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from potmeter.core.config import Recipe
from potmeter.core.log import Diverged
from potmeter.core.search import Space
from potmeter.core.study import open_study, taken
from potmeter.core.system import System
from potmeter.core.train import EVALUATIONS, Options, Trainer, start
from potmeter.core.weights import build_config
from potmeter.data.splits import Splits
from potmeter.errors import UserError, reject


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
    """Turns the knobs of a Config and trains, until the study has its number of trials.

    Args:
        owner: The system's class.
        config: The Config in which the searched fields are replaced.
        space: The searched fields.
        options: How long each trial trains, on what; ``out`` is the study's folder.
        read: Reads the data for a Config.
        trials: Completed, pruned and failed ones together, by all workers.
        study, storage: The study's name, and Optuna's address of its storage; default: an SQLite file in the folder.
        origin: Weights that every trial starts from.
        say: Is told a line about each trial.
    """

    def __init__(
        self,
        owner: type[System],
        config: Any,
        space: Space,
        options: Options,
        read: Callable[[Any], Splits],
        *,
        trials: int = 20,
        study: str | None = None,
        storage: str | None = None,
        origin: System | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.owner, self.config, self.space, self.options, self.read = owner, config, space, options, read
        self.trials, self.origin, self.say = trials, origin, say
        self.out = options.out or Path("runs") / f"tune-{study or owner.name}"
        self.rounds = EVALUATIONS if not options.eval_every else (options.steps or 0) // options.eval_every
        self.shared: tuple[Any, Splits] | None = None
        about = {"system": owner.name, "config": repr(config), "space": {k: str(v) for k, v in space.items()}}
        about |= {"steps": options.steps, "budget": options.budget}
        first = {name: getattr(config, name) for name in space}  # what is there already is tried first
        inside = all(space[name].holds(value) for name, value in first.items())
        self.study = open_study(
            self.out,
            study or owner.name,
            storage,
            about=about,
            direction="maximize" if owner.goal.better == "higher" else "minimize",
            warmup=max(1, self.rounds // 4),
            first=first if inside else None,
        )

    def fit(self) -> Outcome:
        """Run trials until there are enough, and return the best. Raises UserError when none has succeeded."""
        while taken(self.study) < self.trials:
            self.trial()
        return self.outcome()

    def trial(self) -> None:
        """Run one trial. One that fails is recorded with its reason; a stop or a mistake leaves it uncounted."""
        from filelock import FileLock
        from optuna import TrialPruned
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        trial = self.study.ask()
        # by the number, not by the worker: a study draws the same values however many work on it
        self.study.sampler = TPESampler(multivariate=False, seed=self.options.seed + trial.number)
        folder = self.out / f"trial-{trial.number:04d}"
        with FileLock(lock := self.out / f".trial-{trial.number:04d}.lock"):
            try:
                trial.set_user_attr("worker", [socket.gethostname(), str(lock.resolve())])
                if taken(self.study, before=trial.number) >= self.trials:  # another worker was quicker
                    self.study.tell(trial, state=TrialState.FAIL)
                    return
                values = {name: option.suggest(trial, name) for name, option in self.space.items()}
                try:
                    with failing():
                        value = self.train(trial, values, folder)
                except TrialPruned:
                    state, value, word = TrialState.PRUNED, None, "pruned"
                except Failure as failure:
                    trial.set_user_attr("reason", str(failure))
                    state, value, word = TrialState.FAIL, None, f"failed: {failure}"
                else:
                    state, word = TrialState.COMPLETE, f"{self.owner.goal.metric} {value:.5g}"
                    trial.set_user_attr("folder", str(folder))
                self.study.tell(trial, value, state)
                self.say(f"trial {trial.number}: {shown(values)} → {word}")
            except BaseException:
                self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
                shutil.rmtree(folder, ignore_errors=True)
                raise
            finally:
                lock.unlink(missing_ok=True)
        self.tidy()

    def train(self, trial: Any, values: dict[str, Any], folder: Path) -> float:
        """One training run; returns the best value of the goal, tells each evaluation's to the pruner."""
        from optuna import TrialPruned

        try:
            config = build_config(self.owner.Config, asdict(self.config) | values)
            config = self.owner.fit_config(config, splits := self.data(config))
        except UserError as error:  # values that are valid one by one, not together
            raise Failure(str(error)) from None
        best, told = math.nan, 0

        def watch(step: int, metrics: dict[str, float]) -> None:
            nonlocal best, told
            value, goal = metrics[self.owner.goal.metric], self.owner.goal
            if not math.isfinite(value):
                raise Diverged(f"{goal.metric} is not finite at step {step}.", received=value)
            best = value if goal.improves(value, None if math.isnan(best) else best) else best
            # trials are compared at the same point of the schedule, which by the clock is not the same step
            every = self.options.eval_every
            now = step // every if every else int(trainer.share * EVALUATIONS)
            if now > told:
                trial.report(value, told := now)
                if trainer.share < 1 and trial.should_prune():
                    raise TrialPruned

        options = replace(self.options, out=folder, resume=False)
        trainer = Trainer(start(self.owner, config, options.seed, self.origin), splits, options, quiet=True, watch=watch)
        trainer.fit()
        return best

    def data(self, config: Any) -> Splits:
        """The data for a Config, read again only when a field that is the system's own has changed."""
        common = {field.name: getattr(Recipe, field.name) for field in fields(Recipe)}
        key = replace(config, **common)
        if self.shared is None or self.shared[0] != key:
            self.shared = key, self.read(config)
        return self.shared[1]

    def tidy(self) -> None:
        """Remove the runs of finished trials but the best's. Others' running ones are left alone."""
        trials = self.study.get_trials(deepcopy=False)
        best = best_of(self.study)
        for trial in trials:
            if trial.state.is_finished() and best is not None and trial.number != best.number:
                shutil.rmtree(self.out / f"trial-{trial.number:04d}", ignore_errors=True)

    def outcome(self) -> Outcome:
        """The best trial so far, and how the trials went. Raises UserError when none has succeeded."""
        trials, best = self.study.get_trials(deepcopy=False), best_of(self.study)
        if best is None:
            reasons = [trial.user_attrs["reason"] for trial in trials if "reason" in trial.user_attrs]
            reject(f"None of {len(reasons)} trials succeeded; the last: {reasons[-1] if reasons else 'none'}", str(self.out))
        states = [trial.state.name for trial in trials]
        failed = sum("reason" in trial.user_attrs for trial in trials)
        counts = {"complete": states.count("COMPLETE"), "pruned": states.count("PRUNED"), "failed": failed}
        config = build_config(self.owner.Config, asdict(self.config) | best.params)
        folder = Path(best.user_attrs["folder"])
        return Outcome(best=best.number, value=best.value, config=config, folder=folder, counts=counts)


class Failure(Exception):
    """A trial that cannot be trained; its text says why."""


@contextmanager
def failing() -> Iterator[None]:
    """Turn what these values, rather than the user or we, are to blame for into a Failure."""
    try:
        yield
    except (Diverged, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise Failure(str(error).splitlines()[0]) from None


def best_of(study: Any) -> Any:
    """The best completed trial; None without any."""
    try:
        return study.best_trial
    except ValueError:
        return None


def shown(values: dict[str, Any]) -> str:
    """A trial's values for reading."""
    return "  ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items())
