"""How good the pictures are: how far from real ones, how many classes there are, whether what was asked for is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from potmeter.core.random import Stream
from potmeter.systems.generative.judge import Judge

if TYPE_CHECKING:
    from .system import GAN


@torch.no_grad()
def measured(system: GAN, data: Any, count: int, *, floor: bool = False) -> dict[str, Tensor]:
    """The system's pictures beside at most ``count`` real ones of ``data``, as many of each.

    Returns:
        ``frechet``, the Fréchet distance in the judge's features; ``covered``, the share of real pictures with a made
        one among their neighbours; where the judge knows the data's classes, ``coverage``, how many of them are made (a
        class counts from a fifth of its due share on), and ``conditional_accuracy``, whether the judge sees the class
        that was asked for. With ``floor``, real pictures are every other one of ``data``, and ``frechet_real_real`` is
        their distance from those between.
    """
    c, judge = system.config, judge_of(system)
    real, others = judge.of(data, count), None
    if floor:
        real, others = real[0::2], real[1::2]
    z = system.sample(len(real), Stream(0, device=system.device))
    made = torch.cat([system.decode(part) for part in z.split(500)])
    compared = judge.compared(judge.features(made), real, others)
    values = {"frechet": compared["distance"], "covered": compared["covered"]}
    if floor:
        values["frechet_real_real"] = compared["floor"]
    if c.classes and tuple(getattr(judge.network, "classes", ())) == tuple(c.classes):
        found = judge.predictions(made)
        shares = found.bincount(minlength=len(c.classes)) / len(found)
        values["coverage"] = (shares > 0.2 / len(c.classes)).sum().float()
        if c.kinds:
            values["conditional_accuracy"] = (found == z[:, c.latent :].argmax(1)).float()
    return values


def judge_of(system: GAN) -> Judge:
    """The network that judges the system's pictures."""
    return Judge(system.config.judge, system.config.judge_size, system.device)
