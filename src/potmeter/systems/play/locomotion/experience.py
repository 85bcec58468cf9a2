"""Experience: what the policy lives through between two updates, and how much better than expected each action was."""

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
from potmeter.notices import announce

from .environments import Environments
from .model import Config

RECENT = 100
"""Episodes over which the return that is logged is averaged."""


class Experience:
    """Rollouts without end: T steps in each of N environments under the policy as it then is.

    A batch has, of shape (T, N, …): ``observation``, ``action``, ``reward``, ``next_observation`` (where the action led,
    before any new episode), ``terminated``, ``ended`` (terminated or truncated), and ``discounted``, the discounted sum of
    the rewards so far in the episode; besides ``returns``, those of the episodes that ended in it, and ``recent_returns``,
    those of the last hundred that ever did. Its state is that of the environments and of the episodes under way.

    Args:
        policy: What acts.
        config: The environments, and how many.
        trainer: Whose random numbers are used.

    Raises:
        UserError: When the processes cannot share the environments evenly.
    """

    def __init__(self, policy: Policy, config: Config, trainer: TrainingLoop) -> None:
        world, rank = processes.world_size(), processes.rank()
        config.num_envs % world == 0 or reject(f"num_envs must be divisible by the {world} processes.", config.num_envs)
        self.policy, self.config, self.trainer = policy, config, trainer
        self.count = config.num_envs // world
        self.numbers = range(rank * self.count, (rank + 1) * self.count)
        """Of this process's environments, among all."""
        self.rollouts = 0
        self.environments = Environments(config.env, self.seeds())
        self.discounted = np.zeros(self.count, np.float32)
        self.returns = np.zeros(self.count)
        self.recent = np.zeros(0)
        """Returns of the last ended episodes."""

    def seeds(self) -> list[int]:
        """Seeds of first episodes: the same however many processes share the environments, others after each rollout."""
        start = [self.trainer.seed, self.rollouts]
        return [int(np.random.SeedSequence([*start, i]).generate_state(1)[0]) for i in self.numbers]

    def __iter__(self) -> Iterator[Batch]:
        while True:
            batch = self.roll_out()
            self.rollouts += 1
            yield batch

    @torch.no_grad()
    def roll_out(self) -> Batch:
        """Live through T steps in each environment."""
        steps, count, device, rng = self.config.rollout_steps, self.count, self.trainer.device, self.trainer.rng
        if self.config.discrete:
            noise = rng.uniform(count, steps).T
        else:
            noise = rng.normal(count, steps, self.config.num_actions).transpose(0, 1)
        rows: dict[str, list[Any]] = {}
        finished: list[float] = []
        for step in range(steps):
            observation = self.environments.observation
            action = self.policy.sample(torch.from_numpy(observation).to(device), noise[step]).cpu().numpy()
            after = self.environments.step(action)
            ended = after.terminated | after.truncated
            self.discounted = self.config.gamma * self.discounted + after.reward
            self.returns += after.reward
            row = {"observation": observation, "action": action, "reward": after.reward, "ended": ended}
            row |= {"next_observation": after.observation, "terminated": after.terminated}
            for key, value in (row | {"discounted": self.discounted}).items():
                rows.setdefault(key, []).append(value)
            finished += self.returns[ended].tolist()
            self.discounted, self.returns = self.discounted * ~ended, self.returns * ~ended
        self.recent = np.concatenate([self.recent, finished])[-RECENT:]
        returns = {"returns": torch.tensor(finished), "recent_returns": torch.from_numpy(self.recent.copy())}
        return {key: torch.from_numpy(np.stack(values)).to(device) for key, values in rows.items()} | returns

    def state_dict(self) -> dict[str, Any]:
        """Where everything stands between two rollouts."""
        own = {name: torch.from_numpy(getattr(self, name).copy()) for name in ("discounted", "returns", "recent")}
        return {"rollouts": self.rollouts, "environments": self.environments.state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; with fresh episodes, and a word about it, where the environments cannot be restored."""
        self.rollouts, self.recent = state["rollouts"], state["recent"].numpy().copy()
        if self.environments.load_state_dict(state["environments"]):
            self.discounted, self.returns = state["discounted"].numpy().copy(), state["returns"].numpy().copy()
            return
        for i, seed in enumerate(self.seeds()):
            self.environments.reset(i, seed)
        announce(f"{self.config.env} cannot be restored to the step: its environments begin fresh episodes.")
