"""What locomotion can be set to, and the policy that this makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from potmeter.core.config import BaseConfig
from potmeter.core.reinforcement.policy import Policy
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The environment, the networks and the algorithm; ``batch_size`` is that of PPO's minibatches."""

    env: str = "CartPole-v1"
    """A Gymnasium environment's id, or module:function, a function of yours that returns one."""
    num_envs: Annotated[int, Range(1, 10_000)] = 8
    """Environments side by side, over all processes together."""
    rollout_steps: Annotated[int, Range(1)] = 256
    """Steps T in each environment between two updates of the policy."""
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
    normalise_observations: bool = True
    """Whether observations are shifted and scaled to mean 0 and variance 1, as far as experience tells them."""
    normalise_rewards: bool = True
    """Whether rewards are divided by the standard deviation of the discounted return."""
    num_observations: Annotated[int, Range(0)] = 0
    """Numbers in an observation; filled from the environment."""
    num_actions: Annotated[int, Range(0)] = 0
    """Discrete actions, or numbers in a continuous one; filled from the environment."""
    discrete: bool = True
    """Whether an action is one of several, or a vector; filled from the environment."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.env or reject("env must not be empty.", self.env)
        self.hidden or reject("hidden must not be empty.", self.hidden)
        samples = self.num_envs * self.rollout_steps
        self.batch_size <= samples or reject(
            f"batch_size must not exceed the {samples:,} steps (num_envs × rollout_steps) of a rollout.",
            self.batch_size,
        )


def make_policy(config: Config) -> Policy:
    """A policy with fresh weights, of the sizes that the Config says."""
    return Policy(
        config.num_observations, config.num_actions, config.hidden, discrete=config.discrete,
        log_std_init=config.log_std_init,
    )  # fmt: skip
