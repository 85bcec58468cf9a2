"""Whole episodes under a policy: their returns, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from potmeter.core.progress import progress

from .environments import Environments

SIDE_BY_SIDE = 25
"""Episodes that are played at once."""
LONGEST = 100_000
"""Steps after which an episode counts as one that never ends."""

Act = Callable[[np.ndarray], np.ndarray]
"""Observations (N, D) to actions, (N,) or (N, A)."""

Disturb = Callable[[Environments, int], float]
"""Meddles with environments before a step, by its number; returns which way it pushes the first, 0 = not at all."""


@dataclass(frozen=True)
class Episodes:
    """What whole episodes came to."""

    returns: torch.Tensor
    """Sum of each one's rewards, (episodes,)."""
    lengths: torch.Tensor
    """Steps of each, (episodes,)."""


def play_episodes(
    name: str,
    seeds: Sequence[int],
    act: Act,
    *,
    longest: int = LONGEST,
    disturb: Callable[[slice], Disturb] | None = None,
) -> Episodes:
    """Play one episode from each seed.

    Args:
        name: The environment.
        seeds: Of the episodes; the same ones are the same beginnings.
        act: Chooses the actions.
        longest: Steps after which an episode is left, ended or not.
        disturb: For a part of the episodes, what is called before each of their steps.
    """
    returns, lengths = np.zeros(len(seeds)), np.zeros(len(seeds))
    parts = [range(start, min(start + SIDE_BY_SIDE, len(seeds))) for start in range(0, len(seeds), SIDE_BY_SIDE)]
    for part in progress(parts, "episodes"):
        environments = Environments(name, [int(seeds[i]) for i in part])
        before = disturb(slice(part.start, part.stop)) if disturb else None
        running = np.ones(len(part), bool)
        for step in range(longest):
            if before:
                before(environments, step)
            after = environments.step(act(environments.observation))
            returns[part.start : part.stop] += running * after.reward
            lengths[part.start : part.stop] += running
            running &= ~(after.terminated | after.truncated)
            if not running.any():
                break
    return Episodes(torch.from_numpy(returns), torch.from_numpy(lengths))
