"""The one training loop: by steps or by the clock, resumable to the bit, on one process or many."""

from __future__ import annotations

import math
import os
import platform
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from potmeter.core import checkpoint, dist, weights
from potmeter.core.batches import Shuffled
from potmeter.core.log import Diverged, TrainingLog
from potmeter.core.options import Options
from potmeter.core.random import Stream
from potmeter.core.schedule import averaged, lr_scale
from potmeter.core.sharding import full_state, load_full_state, load_optimizer_state, optimizer_state, shard
from potmeter.core.system import System, summarise
from potmeter.errors import UserError, reject

if TYPE_CHECKING:
    from potmeter.data.splits import Splits

S = TypeVar("S", bound=System)
Watch = Callable[[int, dict[str, float]], None]

EVALUATIONS = 20
"""How often a run is evaluated, and saved, where the user does not say."""
SAVE_AFTER = 600.0
"""Longest time in seconds without a checkpoint, of a run by the clock."""


@dataclass
class Progress:
    """How far a run has come; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    """Wall-clock of all sessions up to the last checkpoint or now."""
    best: float | None = None
    """Best value of the system's goal."""
    best_step: int = -1
    """When that was."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The last evaluation."""


class Trainer:
    """Trains a system; what its ``step`` sees of the loop.

    Args:
        system: The system, its modules built. Moved to the device, and in the end left with the weights that are used.
        splits: Its data.
        options: How long, where to, on what.
        quiet: Nothing on the terminal.
        watch: Called with step and metrics after each evaluation, once that is saved; may raise to end the run.
    """

    def __init__(
        self, system: System, splits: Splits, options: Options, *, quiet: bool = False, watch: Watch | None = None
    ) -> None:
        splits.valid is not None or reject("There are too few data to hold some back for validation.", splits.origin)
        self.system, self.splits, self.options, self.watch = system, splits, options, watch
        self.run = options.out or Path("runs") / system.name
        self.device = dist.setup("cpu" if system.on_cpu else options.device)
        system.fit_assets(splits)
        system.to(self.device)
        dist.share_initial(system)
        if options.shard and dist.world() > 1:
            shard(system, self.device)
        self.sharded = options.shard and dist.world() > 1
        self.rng = system.random = Stream(options.seed, dist.rank(), dist.world(), self.device)
        torch.manual_seed(options.seed + 1 + dist.rank())  # dropout and the like differ between processes
        self.optimizers = system.optimizers()
        self.parameters = {
            name: [p for g in o.param_groups for p in g["params"]] for name, o in self.optimizers.items()
        }
        for group in (group for o in self.optimizers.values() for group in o.param_groups):
            group["initial_lr"] = float(group["lr"])
        self.average = averaged(system, system.config.ema) if system.config.ema else None
        self.used_system().random = self.rng  # the average is a copy; its randomness is not
        self.batches: Any = system.batches(splits, self)
        self.progress, self.started, self.saved_at = Progress(), time.monotonic(), time.monotonic()
        self.evaluated = -1  # the step of the last evaluation
        self.log = TrainingLog(self.run, tensorboard=options.tensorboard, quiet=quiet)
        self.asked = self.interrupted = False  # by a signal to this process; by what all processes know

    # What a system's ``step`` uses

    @property
    def step(self) -> int:
        """Steps done."""
        return self.progress.step

    @property
    def share(self) -> float:
        """How much of the run is done, 0 to 1: by steps, by the clock, or whichever is further."""
        shares = [self.step / self.options.steps] if self.options.steps else []
        if self.options.seconds:
            shares.append(dist.from_first(self.seconds / self.options.seconds))
        return min(max(shares), 1.0)

    @property
    def seconds(self) -> float:
        """Wall-clock of the run so far, over all its sessions."""
        return self.progress.seconds + time.monotonic() - self.started

    def update(self, loss: Tensor, *names: str) -> None:
        """One step of the optimisers so named, default all: backward on theirs, mean over processes, clip, schedule, step."""
        optimizers = [self.optimizers[name] for name in names or self.optimizers]
        parameters = [p for name in names or self.optimizers for p in self.parameters[name]]
        if self.sharded:
            loss.backward()  # FSDP's own hooks average and scatter the gradients
        else:
            torch.autograd.backward(loss, inputs=parameters)
            dist.average_gradients(parameters)
        if self.system.config.clip is not None:
            nn.utils.clip_grad_norm_(parameters, self.system.config.clip)
        scale = lr_scale(self.share, self.system.config.schedule, self.system.config.warmup)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * scale
            optimizer.step()
        for each in self.optimizers.values():  # sharded, backward has reached the others' parameters too
            each.zero_grad()

    def noise(self, *shape: int) -> Tensor:
        """This process's slice of the run's standard normal numbers."""
        return self.rng.normal(*shape)

    def shuffled(self, data: Any) -> Shuffled:
        """A data set as endless shuffled batches; what ``System.batches`` returns by default."""
        size, options = self.system.config.batch_size, self.options
        return Shuffled(data, size, seed=options.seed, workers=options.workers, device=self.device)

    # The loop

    def fit(self) -> Path:
        """Train to the end and return the folder of the best checkpoint.

        Raises:
            UserError: The folder holds another run, the loss is no longer finite, the disk is full.
            KeyboardInterrupt: After Ctrl-C (or SIGTERM), once the state is saved.
        """
        self.prepare_folder()
        self.log.start(self.step, self.share)
        self.system.train()
        batches = iter(self.batches)
        with self.interruptible():
            try:
                while (share := self.share) < 1 and not self.stopping():
                    values = self.system.step(next(batches), self)
                    self.progress.step += 1
                    if self.average:
                        self.average.update_parameters(self.system)
                    self.log.record(self.step, values, share)
                    if self.evaluation_due(share):
                        self.evaluate()
                if self.interrupted:
                    self.log.report(self.step, self.share)  # raises, rather than save what is no longer finite
                    self.save()
                elif self.evaluated != self.step:
                    self.evaluate()
            finally:
                self.log.close()
                if dist.rank() == 0 and not checkpoint.steps(self.run):
                    self.log.discard()
        if self.interrupted or self.asked:
            raise KeyboardInterrupt
        if self.average:
            self.system.load_state_dict(self.used_system().state_dict())
        self.system.eval()
        return checkpoint.best_of(self.run) or self.run

    def prepare_folder(self) -> None:
        """Start in an empty folder, or continue from its newest checkpoint."""
        if self.options.resume and (found := checkpoint.read_newest(self.run, self.device)):
            self.load(*found)
        elif checkpoint.steps(self.run):
            reject(f"{self.run} holds a run: --resume continues it, --out names another.", str(self.run))
        elif dist.rank() == 0:
            try:
                self.run.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(f"{self.run} cannot be made: {error.strerror}.", received=str(self.run)) from None
        dist.barrier()

    def evaluation_due(self, before: float) -> bool:
        """Whether the step just done crossed a point of the evaluation schedule."""
        if self.options.eval_every:
            return self.step % self.options.eval_every == 0 and self.share < 1
        now = self.share
        due = int(now * EVALUATIONS) > int(before * EVALUATIONS) and now < 1
        late = dist.from_first(float(time.monotonic() - self.saved_at > SAVE_AFTER)) if self.options.seconds else 0.0
        return due or bool(late)

    def evaluate(self) -> None:
        """Measure on the validation data, remember the best, save."""
        self.log.report(self.step, self.share)
        used = self.used_system().eval()
        with torch.no_grad():
            metrics, _ = summarise(used.validate(self.splits.valid))
        self.system.train()
        goal = self.system.goal
        if not math.isfinite(value := metrics[goal.metric]):
            raise Diverged(f"{goal.metric} is no longer finite at step {self.step}: lower --lr.", received=value)
        better = goal.improves(value, self.progress.best)
        self.progress.metrics, self.evaluated = metrics, self.step
        if better:
            self.progress.best, self.progress.best_step = value, self.step
        self.log.write(self.step, {f"valid_{key}": value for key, value in metrics.items()})
        shown = "  ".join(f"{key} {value:.5g}" for key, value in metrics.items())
        self.log.show(self.share, f"step {self.step}  valid: {shown}{'  (best)' if better else ''}", always=True)
        self.save()
        if self.watch:
            self.watch(self.step, metrics)

    def used_system(self) -> System:
        """The system with the weights that are used: the moving average where there is one."""
        if self.average is None:
            return self.system
        used: System = self.average.module  # type: ignore[assignment]
        return used

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into a stop after the current step; a second Ctrl-C stops at once."""

        def ask(number: int, frame: object) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stopping(self) -> bool:
        """Whether a stop was asked for in any process."""
        asked = self.asked  # read once: a signal that comes while the processes agree counts at the next step
        if dist.world() > 1:
            asked = bool(dist.mean(torch.tensor(float(asked), device=self.device)) > 0)
        self.interrupted = asked
        return asked

    # Checkpoints

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        if not self.sharded:
            dist.assert_equal_weights(self.system)
        used = self.used_system()
        used.card = {"recipe": self.recipe(), "valid": self.progress.metrics}
        tensors = full_state(used, self.sharded)
        own = {"rank": dist.rank(), "torch": torch.get_rng_state(), "batches": self.batches.state_dict()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        checkpoint.write(
            self.run, self.step, self.state_dict(), own, lambda folder: weights.save(used, folder, tensors)
        )
        self.mark_best() if self.progress.best_step == self.step else None
        self.saved_at = time.monotonic()

    def mark_best(self) -> None:
        """Record, for those who look for weights, which checkpoint is the best."""
        if dist.rank() == 0 and self.progress.best is not None:
            checkpoint.mark_best(self.run, self.progress.best_step, self.system.goal.metric, self.progress.best)

    def state_dict(self) -> dict[str, Any]:
        """What continues the run besides the weights that are used; the same in every process."""
        return {
            "progress": asdict(replace(self.progress, seconds=self.seconds)),
            "order": self.order(),
            "seed": self.options.seed,
            "rng": self.rng.state_dict(),
            "optimizers": {name: optimizer_state(self.system, o, self.sharded) for name, o in self.optimizers.items()},
            # with a moving average the weights folder holds that, and the weights being trained are kept here
            "average": {"model": self.system.state_dict(), "count": self.average.n_averaged} if self.average else None,
        }

    def load(self, folder: Path, state: dict[str, Any], own: dict[str, Any]) -> None:
        """Continue from a checkpoint. Raises UserError when the run was made with another Config, seed or network."""
        before, now = (asdict(c) for c in (weights.read_config(type(self.system), folder), self.system.config))
        now["seed"] = self.options.seed
        before["seed"] = state.get("seed", now["seed"])  # older runs do not say
        if changed := [key for key in now if before[key] != now[key]]:
            was, received = (", ".join(f"{key}={c[key]!r}" for key in changed) for c in (before, now))
            raise UserError(f"{self.run} was trained with {was}.", received=received)
        # optimisers number their state, and would take it for another parameter's
        if state.get("order") != self.order():
            reject(f"The network's code has changed since {self.run} was begun; --out names another.", str(self.run))
        load_full_state(self.used_system(), folder / "model.safetensors", self.sharded)
        if self.average:
            self.system.load_state_dict(state["average"]["model"])
            self.average.n_averaged.copy_(state["average"]["count"])
        for name, optimizer in self.optimizers.items():
            load_optimizer_state(self.system, optimizer, state["optimizers"][name], self.sharded)
        self.rng.load_state_dict(state["rng"])
        self.progress, self.started = Progress(**state["progress"]), time.monotonic()
        self.evaluated = self.step if self.share >= 1 else -1  # a finished run is not measured, and saved, again
        self.mark_best()  # a kill may have come between a checkpoint and its mark
        self.batches.load_state_dict(own["batches"])
        if own["rank"] == dist.rank():  # else there are more processes than before, and this one keeps its fresh seed
            torch.set_rng_state(own["torch"])
            if "cuda" in own and self.device.type == "cuda":
                torch.cuda.set_rng_state(own["cuda"], self.device)

    def order(self) -> list[str]:
        """The names of the parameters, as the optimisers count them."""
        return [name for name, _ in self.system.named_parameters()]

    def recipe(self) -> dict[str, Any]:
        """How the weights were made, for their card. A user's paths stay out of it."""
        return {
            "seed": self.options.seed,
            "steps": self.step,
            "seconds": round(self.seconds, 1),
            "processes": dist.world(),
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "torch": torch.__version__,
            "data": self.splits.origin,
        }


# A new system, to be trained -------------------------------------------------------------------------------------


def start(system_class: type[S], config: Any, seed: int, origin: System | None = None) -> S:
    """A system with fresh weights, or, to fine-tune, with those of ``origin`` wherever name and shape agree, and its assets."""
    torch.manual_seed(seed)
    system = system_class(config)
    if origin is None:
        system.warm_start()
    else:
        with tempfile.TemporaryDirectory() as folder:
            origin.save_assets(Path(folder))
            system.load_assets(Path(folder))
        kept, wanted = origin.state_dict(), system.state_dict()
        system.load_state_dict(
            {key: kept[key] if key in kept and kept[key].shape == t.shape else t for key, t in wanted.items()}
        )
    return system
