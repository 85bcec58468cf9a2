"""One training run of a search: each evaluation is told to the pruner; what the values cause is a Failure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from potmeter.core.config import build_config
from potmeter.core.system import System
from potmeter.core.training.log import Diverged
from potmeter.core.training.loop import NUM_EVALUATIONS, Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.splits import Splits
from potmeter.errors import UserError, out_of_memory


class Failure(Exception):
    """A trial that cannot be trained; its text says why."""


def run_trial(
    trial: Any,
    system_class: type[System],
    config: Any,
    values: dict[str, Any],
    options: Options,
    data: Callable[[Any], Splits],
    pretrained: System | None = None,
) -> float:
    """Train a system with some values of its Config replaced.

    Args:
        trial: Optuna's, which is told every evaluation and may prune.
        system_class: Which system.
        config: Its Config.
        values: What is replaced.
        options: How long, where to.
        data: Reads the data for a Config.
        pretrained: Weights to start from.

    Returns:
        The best value of the system's goal.

    Raises:
        Failure: The Config refuses these values together, the loss is no longer finite, or the memory does not suffice.
        optuna.TrialPruned: Others were better at this point.
    """
    from optuna import TrialPruned

    goal, best, told = system_class.goal, math.nan, 0
    try:
        config = build_config(system_class.Config, asdict(config) | values)
    except UserError as error:
        raise Failure(str(error)) from None
    splits = data(config)

    def report_to_pruner(step: int, metrics: dict[str, float]) -> None:
        nonlocal best, told
        value = metrics[goal.metric]
        if not math.isfinite(value):
            raise Diverged(f"{goal.metric} is not finite at step {step}.", received=value)
        best = value if goal.improves(value, None if math.isnan(best) else best) else best
        # trials are compared at the same point of the schedule, which by the clock is not the same step
        now = step // options.eval_every if options.eval_every else int(trainer.fraction_done * NUM_EVALUATIONS)
        if now > told:
            trial.report(value, told := now)
            if trainer.fraction_done < 1 and trial.should_prune():
                raise TrialPruned

    with report_failures():
        system = build_system(system_class, system_class.fit_config(config, splits), options.seed, pretrained)
        trainer = Trainer(system, splits, options, quiet=True, on_evaluation=report_to_pruner)
        trainer.fit()
    return best


@contextmanager
def report_failures() -> Iterator[None]:
    """Turn what these values, rather than the user or we, are to blame for into a Failure."""
    try:
        yield
    except (Diverged, MemoryError, RuntimeError) as error:
        if not isinstance(error, Diverged) and not out_of_memory(error):
            raise
        raise Failure(str(error).partition("\n")[0] or type(error).__name__) from None
