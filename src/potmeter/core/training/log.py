"""The record of a training run: ``metrics.jsonl``, a line on the terminal, TensorBoard."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from torch import Tensor

from potmeter.core.progress import INTERVAL, format_duration
from potmeter.core.training import checkpoints, processes
from potmeter.errors import UserError, missing_extra


class Diverged(UserError):
    """The training has no finite loss any more. ``tune`` records it as a failed trial and goes on."""


class TrainingLog:
    """The record of a run: ``metrics.jsonl``, a line on the terminal, TensorBoard when asked for.

    ``record`` is called every step and must cost next to nothing: values stay tensors, added up, until a report is
    due, because reading a number from a device waits for it.

    Args:
        run: The run's folder.
        tensorboard: Whether to write TensorBoard files too (extra ``log``).
        quiet: Nothing on the terminal.
    """

    REPORT_EVERY = 1.0
    """Seconds between reports."""

    def __init__(self, run: Path, *, tensorboard: bool = False, quiet: bool = False) -> None:
        self.path, self.quiet = run / "metrics.jsonl", quiet
        self.file: IO[bytes] | None = None
        self.on_record: Callable[[dict[str, float]], None] | None = None
        """Called with each line of the record as it is written."""
        self.writer = summary_writer() if tensorboard and processes.rank() == 0 else None
        self.board: Any = None
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}  # of each: not every step has every value
        self.last_step, self.last_time, self.last_line = 0, time.monotonic(), -math.inf
        self.begun, self.deadline = (0.0, time.monotonic()), math.inf

    def start(self, step: int, fraction: float, seconds: float = math.inf) -> None:
        """Open the record, cut back to ``step``: what a lost stretch of training wrote is forgotten.

        Args:
            step, fraction: How far the run has come.
            seconds: What is left of its budget.
        """
        self.last_step, self.last_time = step, time.monotonic()
        self.begun, self.deadline = (fraction, self.last_time), self.last_time + seconds
        if processes.rank() > 0:
            return
        kept = [line for line in read_records(self.path) if line["step"] <= step] if step > 0 else []
        aside = self.path.with_name(".metrics.jsonl")
        with checkpoints.report_write_errors(self.path.parent, "metrics.jsonl"):
            aside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
            aside.replace(self.path)
            self.file = self.path.open("ab", buffering=0)
            self.board = self.writer(self.path.parent, purge_step=step + 1) if self.writer else None

    def record(self, step: int, values: dict[str, Tensor], fraction: float) -> None:
        """Add a step's values to the running means; report when it is time."""
        for key, value in values.items():
            self.sums[key] = self.sums[key] + value.detach() if key in self.sums else value.detach()
            self.counts[key] = self.counts.get(key, 0) + 1
        if time.monotonic() - self.last_time >= self.REPORT_EVERY:
            self.report(step, fraction)

    def report(self, step: int, fraction: float) -> None:
        """Write the means since the last report. Raises UserError when the loss is no longer a number."""
        if not self.sums:
            return
        means = {key: float(value) / self.counts[key] for key, value in self.sums.items()}
        speed = (step - self.last_step) / max(time.monotonic() - self.last_time, 1e-9)
        self.sums, self.counts, self.last_step, self.last_time = {}, {}, step, time.monotonic()
        for key, value in means.items():
            if not math.isfinite(value):
                raise Diverged(
                    f"{key} is no longer finite at step {step}: lower --lr, or look for it in the data.", received=value
                )
        self.write(step, means)
        self.show(
            fraction, f"step {step}  " + "  ".join(f"{k} {v:.4g}" for k, v in means.items()) + f"  {speed:.3g} steps/s"
        )

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append a line of values."""
        if self.file:
            with checkpoints.report_write_errors(self.path.parent, "metrics.jsonl"):
                self.file.write((json.dumps({"step": step, **values}) + "\n").encode())
        if self.on_record and processes.rank() == 0:
            with suppress(OSError):  # who reads may go, the training goes on
                self.on_record({"step": step, **values})
        for key, value in values.items() if self.board else ():
            self.board.add_scalar(key, value, step)

    def show(self, fraction: float, text: str, *, always: bool = False) -> None:
        """Print a line: in place on a terminal, else each ten seconds; ``always``: one that stays."""
        if self.quiet or processes.rank() > 0:
            return
        line = f"{100 * min(fraction, 1):3.0f} %  {self.time_left(fraction)}{text}"
        with suppress(OSError):  # who reads the log may go, the training goes on
            if sys.stderr.isatty():
                print(f"\r\x1b[2K{line}", end="\n" if always else "", file=sys.stderr, flush=True)
            elif always or time.monotonic() - self.last_line >= INTERVAL:
                print(line, file=sys.stderr, flush=True)
                self.last_line = time.monotonic()

    def time_left(self, fraction: float) -> str:
        """How long it takes from here, at this session's pace and never more than the budget; nothing at the ends."""
        before, since = self.begun
        if not before < fraction < 1:
            return ""
        now = time.monotonic()
        seconds = min((1 - fraction) / (fraction - before) * (now - since), self.deadline - now)
        return f"{format_duration(max(seconds, 0))} left  "

    def discard(self) -> None:
        """Remove the record of a run of which nothing was saved."""
        if self.file:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files."""
        if self.file:
            self.file.close()
        if self.board:
            self.board.close()


def read_records(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file, but for those that are cut off or damaged."""
    lines = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        with suppress(ValueError):
            values = json.loads(line)
            lines += [values] if isinstance(values, dict) and isinstance(values.get("step"), int) else []
    return lines


def summary_writer() -> Any:
    """The class of TensorBoard's writer. Raises UserError when it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise missing_extra("--tensorboard", "log", "tensorboard") from None
    return SummaryWriter
