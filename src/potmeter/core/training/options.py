"""What a training run needs to know besides the Config."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from potmeter.core.signature import Range
from potmeter.errors import reject

TINY_STEPS = 400
"""Steps of the preset tiny where no time is given: in these every system learns enough to beat its baselines."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long, where to, on what: what a run needs to know besides the Config. Each field is a flag of ``train``."""

    steps: Annotated[int, Range(1, 10**12)] | None = None
    """Optimiser steps in all. Only a run by steps is the same twice. With --preset tiny and no budget, 400."""
    budget: str | None = None
    """Wall-clock in all, as 90s, 10m or 2h; where neither is given, 10m."""
    out: Path | None = None
    """The run's folder; default runs/NAME."""
    resume: bool = False
    """Continue the run in that folder, or start when there is none."""
    eval_every: Annotated[int, Range(1, 10**12)] | None = None
    """Steps between evaluations, each with a checkpoint; default a twentieth of the run, and less often where measuring
    would take more than a tenth of a budget."""
    seed: Annotated[int, Range(0, 2**31)] = 0
    """Start of all randomness."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    workers: Annotated[int, Range(0, 256)] = 0
    """Processes that prepare data ahead; threads, where a system trains by a kernel of its own."""
    shard: bool = False
    """Under torchrun: shard parameters with FSDP2 instead of copying them to every process."""
    tensorboard: bool = False
    """Write TensorBoard files too."""

    def __post_init__(self) -> None:
        self.budget is None or parse_duration(self.budget)  # a wrong one is told before anything starts

    def of_preset(self, preset: str) -> Options:
        """The options of a run from this preset: of ``tiny``, without steps or budget, with ``TINY_STEPS``."""
        untimed = self.steps is None and self.budget is None
        return replace(self, steps=TINY_STEPS) if preset == "tiny" and untimed else self

    @property
    def seconds(self) -> float | None:
        """The budget in seconds."""
        return parse_duration(self.budget or "10m") if self.budget or not self.steps else None


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``10m`` or ``1.5h``. Raises UserError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]] if match else 0.0
    return seconds if seconds > 0 else reject("A budget is a time such as 90s, 10m or 2h.", text)
