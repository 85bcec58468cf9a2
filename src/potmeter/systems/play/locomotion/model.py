"""The policy and the value function of PPO: two small networks that see normalised observations.

Schulman et al. 2017 (arXiv:1707.06347), section 6.1: two hidden layers of 64 units with tanh, a Gaussian whose standard
deviation is a parameter of its own; orthogonal weights (Saxe et al. 2013, arXiv:1312.6120).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.core.training import processes
from potmeter.errors import reject

LIMIT = 10.0
"""Standard deviations at which a normalised observation, and a normalised reward, is cut off."""


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


class Normaliser(nn.Module):
    """Mean and variance of all that was seen so far, by which values are brought to mean 0 and variance 1.

    Moments of batches are merged after Chan, Golub and LeVeque (1979). Processes that each see a part agree on the moments.

    Example:
        >>> normaliser = Normaliser(1)
        >>> normaliser.update(torch.tensor([[1.0], [3.0]]))
        >>> normaliser(torch.tensor([[4.0]]))
        tensor([[2.]])
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, values: Float[Tensor, "... n"]) -> Float[Tensor, "... n"]:
        return ((values - self.mean) / (self.variance + 1e-8).sqrt()).clamp(-LIMIT, LIMIT)

    @torch.no_grad()
    def update(self, values: Float[Tensor, "... n"]) -> None:
        """Take more values into account; of many processes, all of theirs."""
        rows = values.flatten(0, -2).double()  # (samples, n)
        size = len(rows) * processes.world_size()
        mean = processes.all_reduce_mean(rows.mean(0))
        variance = processes.all_reduce_mean((rows - mean).square().mean(0))
        total = self.count.double() + size
        share, shift = size / total, mean - self.mean.double()
        merged = (1 - share) * self.variance.double() + share * variance + share * (1 - share) * shift.square()
        self.variance.copy_(merged)
        self.mean.copy_(self.mean.double() + share * shift)
        self.count.copy_(total)


def mlp(sizes: tuple[int, ...], gain: float) -> nn.Sequential:
    """Linear layers with tanh between them, orthogonal weights and no biases at first; ``gain`` is that of the last one."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        nn.init.orthogonal_(linear.weight, math.sqrt(2))
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    last = layers[-2]
    nn.init.orthogonal_(last.weight, gain)  # type: ignore[arg-type]
    return nn.Sequential(*layers[:-1])


class Policy(nn.Module):
    """π(a | s): observations to logits of discrete actions, or to the mean of a Gaussian over continuous ones.

    Example:
        >>> Policy(Config(num_observations=4, num_actions=2)).act(torch.zeros(3, 4))
        tensor([0, 0, 0])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.discrete = config.discrete
        self.normaliser = Normaliser(config.num_observations)
        self.net = mlp((config.num_observations, *config.hidden, config.num_actions), gain=0.01)
        self.log_std = None if config.discrete else nn.Parameter(torch.full((config.num_actions,), config.log_std_init))

    def forward(self, normalised: Float[Tensor, "b n"]) -> Float[Tensor, "b a"]:
        """Logits, or means, of observations that are normalised already."""
        output: Tensor = self.net(normalised)
        return output

    def act(self, observation: Float[Tensor, "b n"]) -> Tensor:
        """The likeliest action of each observation: its number (B,), or a vector (B, A)."""
        output = self(self.normaliser(observation))
        return output.argmax(-1) if self.log_std is None else output

    def sample(self, observation: Float[Tensor, "b n"], noise: Tensor) -> Tensor:
        """Actions at random, by given noise: uniform numbers (B,) for discrete ones, standard normal (B, A) for vectors."""
        output = self(self.normaliser(observation))
        if self.log_std is not None:
            return output + self.log_std.exp() * noise
        below = output.softmax(-1).cumsum(-1)[:, :-1]  # (B, A − 1): the inverse of the distribution function
        return (noise[:, None] >= below).sum(-1)

    def log_prob(self, output: Float[Tensor, "b a"], action: Tensor) -> Float[Tensor, " b"]:
        """log π(a | s), for what ``forward`` gave; of a vector the log-density."""
        if self.log_std is None:
            return output.log_softmax(-1).gather(-1, action[:, None]).squeeze(-1)
        z = (action - output) * (-self.log_std).exp()
        return -0.5 * z.square().sum(-1) - self.log_std.sum() - 0.5 * math.log(2 * math.pi) * output.shape[-1]

    def entropy(self, output: Float[Tensor, "b a"]) -> Float[Tensor, ""]:
        """Mean entropy of the policy in nats; of a Gaussian the differential one."""
        if self.log_std is None:
            log_probs = output.log_softmax(-1)
            return -(log_probs.exp() * log_probs).sum(-1).mean()
        return self.log_std.sum() + 0.5 * math.log(2 * math.pi * math.e) * output.shape[-1]
