"""What sumo can be set to, and the league: versions of the policy as they were, and how strong they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.core.reinforcement.config import PPOConfig
from potmeter.core.reinforcement.policy import Policy, mlp
from potmeter.core.signature import Range

from .elo import rate
from .ring import ACTION, OBSERVATION
from .symmetry import SymmetricCritic, SymmetricPolicy

ROUNDS = 20
"""Bouts of each two versions of the league."""


@dataclass(frozen=True, kw_only=True)
class Config(PPOConfig):
    """The ring and the league, besides what PPO can be set to."""

    radius: Annotated[float, Range(0.6, 5)] = 0.8
    """Of the ring, in metres; a beetle is 0.67 long, horn included, and the ring as wide for it as sumo's for a wrestler."""
    symmetric: bool = True
    """Whether policy and value function know that a beetle is its own mirror image, and need not learn both sides."""
    versions: Annotated[int, Range(2, 100)] = 12
    """Versions of the policy that are kept over the training, evenly spread: the league, and the opponents."""
    delta: Annotated[float, Range(0, 1)] = 0.5
    """δ: opponents from the past are drawn from the versions of the training's last 1 − δ so far; 0 = from all of them."""
    bouts: Annotated[int, Range(20, 10_000)] = 400
    """Bouts against each rival, and rounds in which everybody meets everybody, by which the policy that is kept is measured;
    half as many bouts compare checkpoints."""
    shaping: Annotated[float, Range(0, 1)] = 0.5
    """Share of the training in which the dense reward of exploration falls to 0; from there only the result counts."""


def make_policy(config: Config) -> Policy:
    """A policy with fresh weights."""
    if config.symmetric:
        return SymmetricPolicy(config.hidden, config.log_std_init)
    return Policy(OBSERVATION, ACTION, config.hidden, discrete=False, log_std_init=config.log_std_init)


def make_critic(config: Config) -> nn.Module:
    """A value function with fresh weights: (…, D) to (…, 1)."""
    return SymmetricCritic(config.hidden) if config.symmetric else mlp((OBSERVATION, *config.hidden, 1), gain=1.0)


class League(nn.Module):
    """Versions of the policy as they were, evenly spread over the training, and the results of their bouts.

    Args:
        config: How many versions, and of what size.
    """

    size: Tensor
    fraction: Tensor
    """Share of the training after which the policy's last update began: the best policy may not be the last. One that goes on
    with the weights of another, whose league is complete, leaves it at 1."""
    results: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.versions = nn.ModuleList(make_policy(config) for _ in range(config.versions)).requires_grad_(False)
        self.register_buffer("size", torch.zeros((), dtype=torch.int64))
        self.register_buffer("fraction", torch.zeros(()))
        self.register_buffer("results", torch.zeros(ROUNDS, config.versions, config.versions, dtype=torch.int8))

    def __len__(self) -> int:
        return int(self.size)

    @property
    def members(self) -> list[Policy]:
        """The versions so far, the oldest first."""
        return list(self.versions)[: len(self)]  # type: ignore[return-value]

    def is_due(self, fraction: float) -> bool:
        """Whether so much of the training is done that another version is to be kept."""
        return len(self) < len(self.versions) and fraction >= len(self) / len(self.versions)

    @torch.no_grad()
    def enter(self, policy: Policy) -> None:
        """Keep the policy as it is now."""
        self.versions[len(self)].load_state_dict(policy.state_dict())
        self.size += 1

    def record(self, results: Int[np.ndarray, "rounds n n"]) -> None:
        """Remember the results of the newest version against the others, and theirs against it."""
        n, new = len(self), torch.from_numpy(results).to(self.results.device)
        self.results[:, n - 1, :n], self.results[:, :n, n - 1] = new[:, -1], new[:, :, -1]

    def rate(self) -> Float[np.ndarray, "rounds n"]:
        """Elo ratings of the versions, relative to the first, by rounds as ``elo.rate`` gives them."""
        return rate(self.results[:, : len(self), : len(self)].numpy(force=True))
