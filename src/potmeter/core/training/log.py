"""Progress that every face can show and cancel, and the record of a training run."""

from __future__ import annotations

import json
import math
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from torch import Tensor

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

    INTERVAL = 1.0
    """Seconds between reports."""

    def __init__(self, run: Path, *, tensorboard: bool = False, quiet: bool = False) -> None:
        self.path, self.quiet = run / "metrics.jsonl", quiet
        self.file: IO[bytes] | None = None
        self.writer = summary_writer() if tensorboard and processes.rank() == 0 else None
        self.board: Any = None
        self.sums: dict[str, Tensor] = {}
        self.count, self.last_step, self.last_time, self.last_line = 0, 0, time.monotonic(), 0.0
        self.begun = (0.0, time.monotonic())

    def start(self, step: int, fraction: float) -> None:
        """Open the record, cut back to ``step``: what a lost stretch of training wrote is forgotten."""
        self.last_step, self.last_time = step, time.monotonic()
        self.begun = (fraction, self.last_time)
        if processes.rank() > 0:
            return
        kept = [line for line in read_records(self.path) if line["step"] <= step] if step > 0 else []
        aside = self.path.with_name(".metrics.jsonl")
        with checkpoints.report_write_errors(self.path.parent, "metrics.jsonl"):
            aside.write_text("".join(json.dumps(line) + "\n" for line in kept))
            aside.replace(self.path)
            self.file = self.path.open("ab", buffering=0)
            self.board = self.writer(self.path.parent, purge_step=step + 1) if self.writer else None

    def record(self, step: int, values: dict[str, Tensor], fraction: float) -> None:
        """Add a step's values to the running means; report when it is time."""
        for key, value in values.items():
            self.sums[key] = self.sums[key] + value.detach() if key in self.sums else value.detach()
        self.count += 1
        if time.monotonic() - self.last_time >= self.INTERVAL:
            self.report(step, fraction)

    def report(self, step: int, fraction: float) -> None:
        """Write the means since the last report. Raises UserError when the loss is no longer a number."""
        if self.count == 0:
            return
        means = {key: float(value) / self.count for key, value in self.sums.items()}
        speed = (step - self.last_step) / max(time.monotonic() - self.last_time, 1e-9)
        self.sums, self.count, self.last_step, self.last_time = {}, 0, step, time.monotonic()
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
        for key, value in values.items() if self.board else ():
            self.board.add_scalar(key, value, step)

    def show(self, fraction: float, text: str, *, always: bool = False) -> None:
        """Print a line: in place on a terminal, else every ten seconds."""
        if self.quiet or processes.rank() > 0:
            return
        line = f"{100 * min(fraction, 1):3.0f} %  {self.left(fraction)}{text}"
        if sys.stderr.isatty():
            print(f"\r\x1b[2K{line}", end="\n" if always else "", file=sys.stderr, flush=True)
        elif always or time.monotonic() - self.last_line >= 10:
            print(line, file=sys.stderr, flush=True)
            self.last_line = time.monotonic()

    def left(self, fraction: float) -> str:
        """How many minutes it takes from here, at this session's pace; nothing before there is a pace, or at the end."""
        before, since = self.begun
        if not before < fraction < 1:
            return ""
        return f"{(1 - fraction) / (fraction - before) * (time.monotonic() - since) / 60:.0f} m left  "

    def discard(self) -> None:
        """Remove the record of a run of which nothing was saved, and its folder (and ``runs``) where that was all."""
        if self.file:
            self.path.unlink(missing_ok=True)
            with suppress(OSError):  # there is something else in it
                self.path.parent.rmdir()
                if self.path.parent.parent == Path("runs"):
                    Path("runs").rmdir()

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
