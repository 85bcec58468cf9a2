"""A push from the side: how robust a gait, or a balance, is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from potmeter.errors import reject
from potmeter.media import Chart, Result, Video

from .environments import Environments, make_environment
from .film import steps_in
from .playing import Act, play_episodes

BEFORE, DURING, AFTER = 1.5, 0.1, 2.0
"""Seconds before the push, of it, and after it."""
WATCHED = BEFORE + DURING + AFTER
"""Seconds that are played with a push."""
SHOWN = 3
"""How many times longer the arrow is drawn."""
EPISODES = 5
"""Beginnings that each force is tried on."""
STRENGTHS = np.linspace(-3, 3, 9)
"""Forces of the chart, as multiples of the one that is asked for."""


@dataclass(frozen=True)
class PushResult(Result):
    """A pushed body, and how much force it bears."""

    video: Video
    robustness: Chart


class Push:
    """Forces on environments side by side, for a tenth of a second; on a body's torso, or on CartPole's cart.

    Args:
        name: The environment.
        forces: In newtons on each, positive = to the right.

    Raises:
        UserError: When it is known neither as a body nor as CartPole.
    """

    def __init__(self, name: str, forces: Sequence[float]) -> None:
        can_be_pushed(name) or reject("Only MuJoCo's bodies and CartPole can be pushed.", name)
        self.forces = forces
        self.first = steps_in(name, BEFORE)
        self.last = self.first + steps_in(name, DURING)

    def __call__(self, environments: Environments, step: int) -> float:
        """Push, or let go, before a step; returns the force on the first one, for a little longer, to be seen."""
        now = self.first <= step < self.last
        shown = self.first <= step < self.first + SHOWN * (self.last - self.first)
        for environment, force in zip(environments.members, self.forces, strict=True):
            own: Any = environment.unwrapped
            if hasattr(own, "data"):
                own.data.xfrc_applied[1, 0] = force * now
            elif now:  # the cart and its pole change their speed by what the force gives them in a step
                own.state[1] += force * own.tau / own.total_mass
        return self.forces[0] * shown


def can_be_pushed(name: str) -> bool:
    """Whether it is one of MuJoCo's bodies, or CartPole."""
    own: Any = make_environment(name).unwrapped
    return hasattr(getattr(own, "data", None), "xfrc_applied") or hasattr(own, "total_mass")


def measure_robustness(name: str, act: Act, force: float) -> Chart:
    """How much of the return is left after pushes of up to three times a force, to either side.

    The return is that of the whole time that is watched, before and after the push; without a push it is 100 %.
    """
    forces = np.unique(np.round(abs(force or 1.0) * STRENGTHS, 3))
    each = np.repeat(forces, EPISODES)
    seeds = np.tile(np.arange(30_000, 30_000 + EPISODES), len(forces))
    longest = steps_in(name, WATCHED)
    episodes = play_episodes(
        name, seeds.tolist(), act, longest=longest, disturb=lambda part: Push(name, each[part].tolist())
    )
    means = episodes.returns.view(len(forces), EPISODES).mean(1).numpy()
    calm = means[np.abs(forces).argmin()]
    line = [(float(f), float(100 * mean / calm)) for f, mean in zip(forces, means, strict=True)]
    return Chart({"return": line}, x="force for 0.1 s, newtons", y="return, % of that without a push")
