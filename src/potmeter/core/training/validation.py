"""Measuring during training: what is best so far, and how much of the clock may be spent on knowing it."""

from __future__ import annotations

import math
import time

import torch

from potmeter.core.evaluation import summarise
from potmeter.core.system import System
from potmeter.core.training import processes
from potmeter.core.training.log import Diverged
from potmeter.core.training.state import TrainingState

MAX_FRACTION = 0.1
"""Largest fraction of a budget that goes into validation, the last one, which is always made, included."""
ASSUMED_SECONDS = 30.0
"""Seconds that a full validation is taken to last before there was one, where a loss can stand in for it."""


def measure(state: TrainingState) -> dict[str, float]:
    """Validation metrics of this moment, by ``validate`` where the budget allows it, else by ``validation_loss``, else none.

    Raises:
        Diverged: When the metric that decides is no longer finite.
    """
    started, progress, data = time.monotonic(), state.progress, state.splits.valid
    metrics: dict[str, float] = {}
    used = state.inference_system().eval()
    with torch.no_grad():
        if is_affordable(state):
            metrics, _ = summarise(used.validate(data))
            decisive = state.system.goal.metric
            progress.last_validation_seconds = time.monotonic() - started
        elif has_loss(used) and is_loss_affordable(state):
            loss = used.validation_loss(data)
            decisive, metrics = "loss", {} if loss is None else {"loss": float(loss)}
            progress.last_loss_seconds = time.monotonic() - started
    state.system.train()
    progress.validation_seconds += time.monotonic() - started
    if metrics and not math.isfinite(metrics[decisive]):
        message = f"{decisive} is no longer finite at step {state.step}: lower --lr."
        raise Diverged(message, received=metrics[decisive])
    return metrics


def has_loss(system: System) -> bool:
    """Whether a loss can stand in for the system's metrics."""
    return type(system).validation_loss is not System.validation_loss


def is_affordable(state: TrainingState) -> bool:
    """Whether a full validation, and the last one, still fit into the part of a budget that is for measuring.

    Runs by steps measure by steps alone, so that they are the same twice; and so does ``--eval-every``.
    """
    budget, progress = state.options.seconds, state.progress
    if budget is None or state.options.eval_every or state.fraction_done >= 1:
        return True
    seconds = progress.last_validation_seconds or (ASSUMED_SECONDS if has_loss(state.system) else 0.0)
    return agree(progress.validation_seconds + 2 * seconds <= MAX_FRACTION * budget)


def is_loss_affordable(state: TrainingState) -> bool:
    """Whether a loss still fits in; at most half of the part is kept for the last full validation."""
    allowance, progress = MAX_FRACTION * (state.options.seconds or math.inf), state.progress
    reserve = min(progress.last_validation_seconds or ASSUMED_SECONDS, allowance / 2)
    return agree(progress.validation_seconds + progress.last_loss_seconds + reserve <= allowance)


def agree(decision: bool) -> bool:
    """The first process's decision: the others' clocks may say otherwise."""
    return bool(processes.broadcast_float(float(decision)))


def describe(state: TrainingState, metrics: dict[str, float], *, best: bool) -> str:
    """An evaluation as a line of the log; under a budget with the share of the clock that went into measuring."""
    shown = "  ".join(f"{key} {value:.5g}" for key, value in metrics.items()) or "not measured"
    line = f"step {state.step}  valid: {shown}{'  (best)' if best else ''}"
    if state.options.seconds is None:
        return line
    goal = state.system.goal.metric
    dear = "" if goal in metrics else f"; {goal} might take more than a tenth"
    return f"{line}  validation {state.progress.validation_seconds / max(state.seconds, 1e-9):.1%} of the time{dear}"
