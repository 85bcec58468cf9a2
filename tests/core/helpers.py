"""Starting and stopping runs."""

import contextlib
import json

import torch

from potmeter.core.training import resume
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options


def trainer(owner, config, out, data=None, **options):
    """A trainer for a fresh system."""
    options = {"steps": 20, "device": "cpu"} | options
    return Trainer(build_system(owner, config, 0), data or owner.data(config), Options(out=out, **options), quiet=True)


def stop_after(steps, ready):
    """Train, and let Ctrl-C come in this step."""
    step = ready.system.step

    def interrupted(batch, trainer):
        trainer.interrupt.requested = trainer.step == steps - 1
        return step(batch, trainer)

    ready.system.step = interrupted
    with contextlib.suppress(KeyboardInterrupt):
        ready.fit()
    assert ready.step == steps
    return ready


def state(ready):
    """Everything that decides how a run goes on, and what it gives."""
    return [
        ready.system.state_dict(),
        resume.training_state(ready) | {"progress": None},
        ready.batches.state_dict(),
        torch.get_rng_state(),
    ]


def same(a, b) -> bool:
    """Whether two nested states are equal to the bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def lines(run):
    """The metrics file, parsed."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
