"""Experience: bouts of the policy as it now is against versions of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from potmeter.core.reinforcement.policy import Policy
from potmeter.core.training import processes
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.errors import reject

from .model import Config, League
from .ring import ACTION, STARTS, Ring

RECENT = 500
"""Bouts over which the results that are logged are averaged."""
NOW = -1
"""The opponent that is the policy itself, as long as there is no past."""


class Experience:
    """Rollouts without end: T steps in each of N bouts.

    In the first half of the bouts the policy as it now is fights itself, and learns from both sides. In the other half it
    fights its past, in turn as red and blue: the opponent is drawn when a bout begins, uniformly from the versions of the
    last 1 − δ of the training so far (Bansal et al. 2018, arXiv:1710.03748, section 4). It explores with a share of its
    noise, from 0 to 1, that is drawn too: policies are used without noise, and so should some of the opponents be.

    A batch has, of shape (T, 3 N / 2, …): ``observation``, ``action``, ``reward``, ``next_observation`` (where the action led,
    before any new bout) and ``ended``; besides ``recent``, shares won and drawn of the last bouts against the
    past. Its state is that of the bouts under way.

    Args:
        policy: What acts.
        league: Its versions.
        config: The ring, and how many bouts.
        trainer: Whose random numbers are used.

    Raises:
        UserError: When the processes cannot share the bouts evenly.
    """

    def __init__(self, policy: Policy, league: League, config: Config, trainer: TrainingLoop) -> None:
        world = processes.world_size()
        config.num_envs % (2 * world) == 0 or reject(
            f"num_envs must be divisible by {2 * world}: twice the processes.", config.num_envs
        )
        self.policy, self.league, self.config, self.trainer = policy, league, config, trainer
        self.count = config.num_envs // world
        self.ring = Ring(self.count, config.radius)
        half, side = self.count // 2, np.arange(self.count) % 2
        self.learners = (
            np.concatenate([np.arange(self.count), np.arange(half)]),
            np.concatenate([side, 1 - side[:half]]),
        )
        """Of each that learns, the bout and the side, 0 red or 1 blue."""
        self.rivals = np.arange(half, self.count), 1 - side[half:]
        """The same of the others, who stand for the past."""
        self.opponent = np.full(half, NOW)
        """The number of the version that each of these is,"""
        self.exploration = np.ones(half, np.float32)
        """and the share of its exploration noise that it acts with."""
        self.results = np.zeros(0)
        """Of the last bouts: 1 won, 0 drawn, −1 lost."""
        self.begin(np.arange(self.count), trainer.rng.uniform(self.count, STARTS + 2).numpy(force=True))

    def begin(self, bouts: np.ndarray, chance: np.ndarray) -> None:
        """Begin bouts anew, with an opponent from the past in the second half; by uniform numbers (n, STARTS + 2)."""
        self.ring.restart(bouts, chance[:, :STARTS].astype(np.float64))
        if size := len(self.league):
            first, past = min(int(self.config.delta * size), size - 1), bouts >= self.count - len(self.opponent)
            places, (version, share) = bouts[past] - (self.count - len(self.opponent)), chance[past, STARTS:].T
            self.opponent[places] = first + (version * (size - first)).astype(int)
            self.exploration[places] = share

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.roll_out()

    @torch.no_grad()
    def roll_out(self) -> Batch:
        """Live through T steps in each bout."""
        steps, rng, (bout, side) = self.config.rollout_steps, self.trainer.rng, self.learners
        noise = rng.normal(self.count, steps, 2, ACTION).cpu()
        chance = rng.uniform(self.count, steps, STARTS + 2).numpy(force=True)
        dense = max(0.0, 1 - self.trainer.fraction_done / self.config.shaping) if self.config.shaping else 0.0
        rows: dict[str, list[Any]] = {}
        observation = self.ring.observe()
        for step in range(steps):
            actions = self.act(observation, noise[:, step])
            moment = self.ring.step(actions)
            after, over = self.ring.observe(), moment.over
            won = moment.winner[bout] == side
            reward = dense * moment.shaped[bout, side] + over[bout] * (2.0 * won - 1)
            row = {"observation": observation[bout, side], "action": actions[bout, side], "ended": over[bout]}
            row |= {"reward": reward.astype(np.float32), "next_observation": after[bout, side]}
            for key, value in row.items():
                rows.setdefault(key, []).append(value)
            if over.any():
                self.note_results(moment.winner, over)
                self.begin(np.flatnonzero(over), chance[over, step])
                after = self.ring.observe()
            observation = after
        batch = {key: torch.from_numpy(np.stack(values)).to(self.trainer.device) for key, values in rows.items()}
        if len(self.results):
            batch["recent"] = torch.tensor([(self.results > 0).mean(), (self.results == 0).mean()])
        return batch

    def act(self, observation: np.ndarray, noise: torch.Tensor) -> np.ndarray:
        """Actions (N, 2, A), exploring, of all who learn and of those who stand for the past."""
        device = self.trainer.device
        actions = np.empty((self.count, 2, ACTION), np.float32)

        def sample(policy: Any, bout: np.ndarray, side: np.ndarray, share: torch.Tensor | float = 1.0) -> None:
            seen, own = torch.from_numpy(observation[bout, side]).to(device), noise[bout, side] * share
            actions[bout, side] = policy.sample(seen, own.to(device)).numpy(force=True)

        sample(self.policy, *self.learners)
        for number in np.unique(self.opponent):
            past = self.opponent == number
            rival = self.policy if number == NOW else self.league.versions[int(number)]
            bout, side = (index[past] for index in self.rivals)
            sample(rival, bout, side, torch.from_numpy(self.exploration[past, None]))
        return actions

    def note_results(self, winner: np.ndarray, over: np.ndarray) -> None:
        """Remember who has won of the bouts against the past that are over."""
        bout, side = (index[over[self.rivals[0]]] for index in self.rivals)
        results = np.where(winner[bout] < 0, 0, np.where(winner[bout] == side, -1, 1))
        self.results = np.concatenate([self.results, results])[-RECENT:]

    def state_dict(self) -> dict[str, Any]:
        """Where everything stands between two rollouts."""
        ring = {name: torch.from_numpy(getattr(self.ring, name).copy()) for name in ("state", "touched", "steps")}
        own = {name: torch.from_numpy(getattr(self, name).copy()) for name in ("opponent", "exploration", "results")}
        return ring | own

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name in ("state", "touched", "steps"):
            setattr(self.ring, name, state[name].numpy().copy())
        for name in ("opponent", "exploration", "results"):
            setattr(self, name, state[name].numpy().copy())
