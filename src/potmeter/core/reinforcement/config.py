"""What proximal policy optimisation can be set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class PPOConfig(BaseConfig):
    """Rollouts, networks and loss of PPO (Schulman et al. 2017, arXiv:1707.06347); ``batch_size`` is a minibatch's."""

    num_envs: Annotated[int, Range(1, 10_000)] = 8
    """Environments, or bouts, side by side, over all processes together."""
    rollout_steps: Annotated[int, Range(1)] = 256
    """Steps T in each of them between two updates of the policy."""
    epochs: Annotated[int, Range(1)] = 10
    """Passes over the experience at each update."""
    hidden: Annotated[tuple[int, ...], Range(1)] = (64, 64)
    """Units in the hidden layers, of the policy and of the value function alike."""
    log_std_init: Annotated[float, Range(-10, 2)] = 0.0
    """Logarithm of the Gaussian's standard deviation at first: how boldly continuous actions are explored."""
    gamma: Annotated[float, Range(0, 1)] = 0.99
    """Discount factor γ: how much a reward one step later counts."""
    gae_lambda: Annotated[float, Range(0, 1)] = 0.95
    """λ of generalised advantage estimation: 0 trusts the value function, 1 the rewards alone."""
    clip_range: Annotated[float, Range(0, open="low")] = 0.2
    """ε: how far the probability ratio of new and old policy is followed from 1."""
    value_coef: Annotated[float, Range(0)] = 0.5
    """Weight of the value function's squared error in the loss."""
    entropy_coef: Annotated[float, Range(0)] = 0.0
    """Weight of the entropy bonus, which keeps the policy exploring."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hidden or reject("hidden must not be empty.", self.hidden)
        samples = self.num_envs * self.rollout_steps
        self.batch_size <= samples or reject(
            f"batch_size must not exceed the {samples:,} steps (num_envs × rollout_steps) of a rollout.",
            self.batch_size,
        )
