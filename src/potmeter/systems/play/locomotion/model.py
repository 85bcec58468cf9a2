"""What locomotion can be set to, and the policy that this makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from potmeter.core.reinforcement.config import PPOConfig
from potmeter.core.reinforcement.policy import Policy
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(PPOConfig):
    """The environment, besides what PPO can be set to."""

    env: str = "CartPole-v1"
    """A Gymnasium environment's id, or module:function, a function of yours that returns one."""
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


def make_policy(config: Config) -> Policy:
    """A policy with fresh weights, of the sizes that the Config says."""
    return Policy(
        config.num_observations, config.num_actions, config.hidden, discrete=config.discrete,
        log_std_init=config.log_std_init,
    )  # fmt: skip
