"""What the training loop costs beside a bare one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from potmeter.core.bench import stopwatch
from potmeter.core.random import RandomStream
from potmeter.core.system import System
from potmeter.core.training.batches import ShuffledBatches
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.core.training.schedules import learning_rate_factor


def loop_overhead(
    system_class: type[System],
    config: Any,
    splits: Any,
    *,
    steps: int = 100,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of a step in our training loop and in a bare one, with the same batches, optimiser and schedule.

    The two take turns step by step, so that a busy machine disturbs both alike. For systems with the default ``step``
    and ``batches``. ``clock`` may be ``time.process_time`` on such a machine. Raises AssertionError when the two loops
    do not come to the same weights.
    """
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        options = Options(steps=steps, device="cpu", eval_every=steps + 1, out=Path(folder))
        trainer = Trainer(build_system(system_class, config, 0), splits, options, quiet=True)
        trainer.evaluate = lambda: None  # type: ignore[method-assign]  # at the end, and the checkpoint with it
        other = build_system(system_class, config, 0)
        other.fit_assets(splits)
        other.rng = RandomStream(options.seed)
        step, batches = bare_step(other, splits.train, steps), iter(trainer.batches)

        def in_turns() -> Iterator[Any]:
            while True:
                noise = torch.get_rng_state()  # dropout must be the same in both
                bare.append(stopwatch(step, clock)())
                torch.set_rng_state(noise)
                started = clock()
                yield next(batches)  # what the trainer does with it happens before the generator goes on
                ours.append(clock() - started)

        trainer.batches = in_turns()
        trainer.fit()
    for (name, a), b in zip(trainer.system.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b), f"{name} differs after {steps} steps"
    first = steps // 10  # the first steps allocate
    return statistics.median(ours[first:]), statistics.median(bare[first:])


def bare_step(system: System, data: Any, steps: int) -> Callable[[], None]:
    """One step of the loop that one would write by hand."""
    optimizers, config = list(system.train().optimizers().values()), system.config
    parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    order = ShuffledBatches(data, config.batch_size).indices()
    scale = lambda step: learning_rate_factor(step / steps, config.schedule, config.warmup)
    schedules = [torch.optim.lr_scheduler.LambdaLR(optimizer, scale) for optimizer in optimizers]

    def step() -> None:
        loss = system.loss(data.__getitems__(next(order)))["loss"]
        torch.autograd.backward(loss)
        if config.clip is not None:
            nn.utils.clip_grad_norm_(parameters, config.clip)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()

    return step
