"""The policy and the value function of PPO: small networks that see normalised observations.

Schulman et al. 2017 (arXiv:1707.06347), section 6.1: two hidden layers of 64 units with tanh, a Gaussian whose standard
deviation is a parameter of its own; orthogonal weights (Saxe et al. 2013, arXiv:1312.6120).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .normaliser import Normaliser


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

    Args:
        num_observations: Numbers in an observation.
        num_actions: Discrete actions, or numbers in a continuous one.
        hidden: Units in the hidden layers.
        discrete: Whether an action is one of several, or a vector.
        log_std_init: Logarithm of the Gaussian's standard deviation at first.

    Example:
        >>> Policy(4, 2, (64, 64), discrete=True).act(torch.zeros(3, 4))
        tensor([0, 0, 0])
    """

    def __init__(
        self, num_observations: int, num_actions: int, hidden: tuple[int, ...], *, discrete: bool,
        log_std_init: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.discrete = discrete
        self.normaliser = Normaliser(num_observations)
        self.net = mlp((num_observations, *hidden, num_actions), gain=0.01)
        self.log_std = None if discrete else nn.Parameter(torch.full((num_actions,), log_std_init))

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

    def update_normaliser(self, observation: Float[Tensor, "... n"]) -> None:
        """Take observations into account by which later ones are normalised."""
        self.normaliser.update(observation)

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
