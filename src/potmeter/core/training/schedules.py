"""What changes along a run: the learning rate, and how far back the moving average of the weights reaches."""

from __future__ import annotations

import math
from typing import Any

from torch.optim.swa_utils import AveragedModel

from potmeter.core.system import System


def learning_rate_factor(fraction: float, schedule: str, warmup: float) -> float:
    """The learning rate's factor: linear rise during ``warmup``, then ``constant``, ``linear`` or ``cosine`` to 0.

    ``late-linear`` begins to fall when half is done (CycleGAN, arXiv:1703.10593, section 4). ``cosine10`` falls
    to a tenth only, as GPT-3's does (Brown et al., arXiv:2005.14165, appendix B). ``luong234`` is that of tensorflow/nmt:
    constant for two thirds of the training, then halved after every quarter of what is left. Its own documentation counts
    four halvings: the fourth falls, there as here, on the last step, so that three take effect.

    Args:
        fraction: How much of the training is done, 0 to 1.
        schedule: The shape of the fall.
        warmup: Share of the training that is the rise.
    """
    if fraction < warmup:
        return min(max(fraction, 1e-3) / warmup, 1.0)
    if schedule == "luong234":
        return 0.5 ** min(max(int(12 * (fraction - 2 / 3)), 0), 4)
    fallen = (fraction - warmup) / max(1 - warmup, 1e-9)
    cosine = 0.5 + 0.5 * math.cos(math.pi * fallen)
    late = min(1.0, 2 * (1 - fallen))
    return {
        "constant": 1.0, "linear": 1 - fallen, "late-linear": late, "cosine": cosine, "cosine10": 0.1 + 0.9 * cosine
    }[schedule]  # fmt: skip


def moving_average(system: System, decay: float) -> AveragedModel:
    """An exponential moving average of all parameters and buffers; young averages forget faster, so that the start fades."""

    def update(averages: Any, current: Any, count: Any) -> None:
        young = (1 + float(count)) / (10 + float(count))
        for average, value in zip(averages, current, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - min(decay, young))
            else:
                average.copy_(value)  # counters

    return AveragedModel(system, multi_avg_fn=update, use_buffers=True)
