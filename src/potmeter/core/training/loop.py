"""The one training loop: by steps or by the clock, resumable to the bit, on one process or many."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from potmeter.core import runs
from potmeter.core.random import RandomStream
from potmeter.core.system import System
from potmeter.core.training import checkpoints, processes, resume, validation
from potmeter.core.training.batches import ShuffledBatches
from potmeter.core.training.interrupt import Interrupt
from potmeter.core.training.lock import lock_run
from potmeter.core.training.log import TrainingLog
from potmeter.core.training.options import Options
from potmeter.core.training.schedules import learning_rate_factor, moving_average
from potmeter.core.training.sharding import shard
from potmeter.core.training.state import Progress, TrainingState, describe_data
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.notices import tell_notes

S = TypeVar("S", bound=System)
Callback = Callable[[int, dict[str, float]], None]
"""Called with a step and the metrics of its evaluation."""

NUM_EVALUATIONS = 20
"""How often a run is evaluated, and saved, where the user does not say."""
MAX_SAVE_INTERVAL = 600.0
"""Longest time in seconds without a checkpoint, of a run by the clock, whatever --eval-every says."""
MIN_ILLUSTRATE_INTERVAL = 60.0
"""Shortest time in seconds between two pictures, or videos, of how a run gets on; the last one is always made."""


class Trainer(TrainingState):
    """Trains a system; its ``step`` sees it as a ``TrainingLoop``.

    Args:
        system: The system, its modules built. Moved to the device, and in the end left with the weights that are used.
        splits: Its data.
        options: How long, where to, on what.
        quiet: Nothing on the terminal.
        on_evaluation: Called with step and metrics after each full evaluation, once it is saved; may raise to end the run.
    """

    def __init__(
        self,
        system: System,
        splits: Splits,
        options: Options,
        *,
        quiet: bool = False,
        on_evaluation: Callback | None = None,
    ) -> None:
        splits.valid is not None or reject("There are too few data to hold some back for validation.", splits.dataset)
        self.system, self.splits, self.options, self.on_evaluation = system, splits, options, on_evaluation
        system.config = replace(
            system.config, dataset=splits.dataset
        )  # what weights were trained on is saved with them
        self.data = describe_data(splits)
        self.run = options.out or Path("runs") / system.name
        self.device = processes.setup("cpu" if system.cpu_only else options.device)
        system.fit_assets(splits)
        system.to(self.device)
        processes.broadcast_parameters(system)
        if options.shard and processes.world_size() > 1:
            shard(system, self.device)
        self.sharded = options.shard and processes.world_size() > 1
        self.rng = system.rng = RandomStream(options.seed, processes.rank(), processes.world_size(), self.device)
        torch.manual_seed(options.seed + 1 + processes.rank())  # dropout and the like differ between processes
        self.optimizers = system.optimizers()
        self.parameters = {
            name: [p for g in o.param_groups for p in g["params"]] for name, o in self.optimizers.items()
        }
        for group in (group for o in self.optimizers.values() for group in o.param_groups):
            group["initial_lr"] = float(group["lr"])
        self.average = moving_average(system, system.config.ema) if system.config.ema else None
        self.inference_system().rng = self.rng  # the average is a copy; its randomness is not
        self.batches: Any = system.batches(splits, self)
        self.progress, self.started, self.saved_at = Progress(), time.monotonic(), time.monotonic()
        self.illustrated_at = -math.inf
        self.last_evaluated_step = -1  # the step of the last full evaluation
        self.log = TrainingLog(self.run, tensorboard=options.tensorboard, quiet=quiet)
        self.interrupt, self.interrupted = Interrupt(), False  # of this process; by what all processes know

    # What a system's ``step`` uses

    def update(self, loss: Tensor, *names: str) -> None:
        """One step of the optimisers so named, default all: backward on theirs, mean over processes, clip, schedule, step."""
        optimizers = [self.optimizers[name] for name in names or self.optimizers]
        parameters = [p for name in names or self.optimizers for p in self.parameters[name]]
        if self.sharded:
            loss.backward()  # FSDP's own hooks average and scatter the gradients
        else:
            torch.autograd.backward(loss, inputs=parameters)
            processes.average_gradients(parameters)
        if self.system.config.clip is not None:
            nn.utils.clip_grad_norm_(parameters, self.system.config.clip)
        scale = learning_rate_factor(self.fraction_done, self.system.config.schedule, self.system.config.warmup)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * scale
            optimizer.step()
        for each in self.optimizers.values():  # sharded, backward has reached the others' parameters too
            each.zero_grad()

    def noise(self, *shape: int) -> Tensor:
        """This process's slice of the run's standard normal numbers."""
        return self.rng.normal(*shape)

    def shuffle(self, data: Any) -> ShuffledBatches:
        """A data set as endless shuffled batches; what ``System.batches`` returns by default."""
        size, options = self.system.config.batch_size, self.options
        return ShuffledBatches(data, size, seed=options.seed, workers=options.workers, device=self.device)

    # The loop

    def fit(self) -> Path:
        """Train to the end and return the folder of the best checkpoint.

        Raises:
            UserError: The folder holds another run or is in use, the loss is no longer finite, the disk is full.
            KeyboardInterrupt: After Ctrl-C (or SIGTERM), once the state is saved.
        """
        if not self.options.resume:
            runs.reject_other(self.run)  # before the lock, which would touch the folder
        with lock_run(self.run), self.interrupt.catch_signals():
            self.prepare_folder()
            budget = self.options.seconds
            self.log.start(self.step, self.fraction_done, math.inf if budget is None else budget - self.seconds)
            if processes.rank() == 0 and not self.log.quiet:
                tell_notes()
            self.system.train()
            try:
                self.run_steps()
            finally:
                self.log.close()
                if processes.rank() == 0 and not runs.list_checkpoints(self.run):
                    self.log.discard()
        if self.interrupted or self.interrupt.requested:
            raise KeyboardInterrupt
        if self.average:
            self.system.load_state_dict(self.inference_system().state_dict())
        self.system.eval()
        return runs.best_checkpoint(self.run) or self.run

    def run_steps(self) -> None:
        """Step after step, with evaluations; then a last one, or a checkpoint where a signal came."""
        batches = iter(self.batches)
        while (fraction := self.fraction_done) < 1 and not self.stop_requested():
            values = self.system.step(next(batches), self)
            self.progress.step += 1
            if self.average:
                self.average.update_parameters(self.system)
            self.log.record(self.step, values, fraction)
            if self.evaluation_due(fraction):
                self.evaluate()
        if self.interrupted:
            self.log.report(self.step, self.fraction_done)  # raises, rather than save what is no longer finite
            resume.save(self)
        elif self.last_evaluated_step != self.step:
            self.evaluate()
        elif self.options.seconds and self.progress.seconds < self.options.seconds:
            resume.save(self)  # the clock had not run out when this step was saved: it would be gone on from

    def prepare_folder(self) -> None:
        """Start in an empty folder, or continue from its newest checkpoint."""
        if self.options.resume and (found := checkpoints.read_newest(self.run, self.device)):
            resume.load(self, *found)
        else:
            runs.reject_other(self.run)
        processes.barrier()

    def evaluation_due(self, before: float) -> bool:
        """Whether the step just done crossed a point of the evaluation schedule."""
        now = self.fraction_done
        if self.options.eval_every:
            due = self.step % self.options.eval_every == 0
        else:
            due = int(now * NUM_EVALUATIONS) > int(before * NUM_EVALUATIONS)
        late = (
            processes.broadcast_float(float(time.monotonic() - self.saved_at > MAX_SAVE_INTERVAL))
            if self.options.seconds
            else 0.0
        )
        return (due or bool(late)) and now < 1

    def evaluate(self) -> None:
        """Measure on the validation data, remember the best, save."""
        self.log.report(self.step, self.fraction_done)
        metrics, progress, goal = validation.measure(self), self.progress, self.system.goal
        better = self.system.is_candidate(self) and goal.prefers(metrics, progress.best)
        self.last_evaluated_step = self.step if goal.metric in metrics else -1
        if metrics:
            progress.metrics = metrics
            self.log.write(self.step, {f"valid_{key}": value for key, value in metrics.items()})
        if better:
            progress.best, progress.best_step = metrics, self.step
        self.log.show(self.fraction_done, validation.describe(self, metrics, best=better), always=True)
        resume.save(self)
        if goal.metric in metrics:
            self.illustrate()
        if self.on_evaluation and goal.metric in metrics:
            self.on_evaluation(self.step, metrics)

    def illustrate(self) -> None:
        """Keep what the system shows of itself in the run's folder; the time for it counts as validation."""
        started = time.monotonic()
        if started - self.illustrated_at < MIN_ILLUSTRATE_INTERVAL and self.fraction_done < 1:
            return
        self.illustrated_at, used = started, self.inference_system().eval()
        if processes.rank() == 0:
            with torch.no_grad():
                picture = used.illustrate()
            if picture is not None:
                picture.save(self.run / "media" / f"step-{self.step:08d}")
        self.system.train()
        self.progress.validation_seconds += time.monotonic() - started

    def stop_requested(self) -> bool:
        """Whether a stop was asked for in any process."""
        # read once: a signal that comes while the processes agree counts at the next step
        asked = self.interrupt.requested
        if processes.world_size() > 1:
            asked = bool(processes.all_reduce_mean(torch.tensor(float(asked), device=self.device)) > 0)
        self.interrupted = asked
        return asked


# A new system, to be trained -------------------------------------------------------------------------------------


def build_system(system_class: type[S], config: Any, seed: int, pretrained: System | None = None) -> S:
    """A system with fresh weights or, to fine-tune, with those of another one.

    Args:
        system_class: Which system.
        config: Its Config.
        seed: Of the fresh weights.
        pretrained: The system to fine-tune: its weights are copied (``System.pretrained_state``), and its assets.
    """
    torch.manual_seed(seed)
    system = system_class(config)
    if pretrained is None:
        system.warm_start()
    else:
        with tempfile.TemporaryDirectory() as folder:
            pretrained.save_assets(Path(folder))
            system.load_assets(Path(folder))
        system.load_state_dict(system.pretrained_state(pretrained))
    return system
