"""A learned prior: a flow that carries a standard normal to where the codes of the training pictures lie.

The codes of a trained encoder do not fill the normal prior evenly, so that codes drawn from it decode to mixtures of
pictures; a second model, of the codes alone, knows where they are (Dai and Wipf 2019, arXiv:1903.05789). Here it is learned by
flow matching (Lipman et al. 2022, arXiv:2210.02747) along straight paths (Liu et al. 2022, arXiv:2209.03003).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

NUM_FREQUENCIES, MIN_FREQUENCY, MAX_FREQUENCY = 16, 1.0, 30.0
"""Of the sinusoidal time embedding: sines and as many cosines, and the angular frequencies of the slowest and the fastest."""
REPEATS = 16
"""Draws of time and noise for each code of a minibatch in the flow-matching loss: the network is small beside the encoder."""
STEPS = 30
"""Steps of the ODE solver (Heun's method) from noise to codes."""


class VelocityBlock(nn.Module):
    """A residual block of two dense layers, conditioned on the time embedding."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width + 2 * NUM_FREQUENCIES, width)
        self.output = nn.Linear(width, width)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Float[Tensor, "b width"], time: Float[Tensor, "b f"]) -> Float[Tensor, "b width"]:
        return x + self.output(F.silu(self.hidden(torch.cat([self.norm(x), time], 1))))


class FlowPrior(nn.Module):
    """The flow dz/dt = v(z, t), from a standard normal at t = 0 to the codes at t = 1.

    Args:
        latent_dim: Dimension of the codes.
        width: Units of the hidden layers.
        blocks: Residual blocks.
    """

    def __init__(self, latent_dim: int, width: int, blocks: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.input = nn.Linear(latent_dim, width)
        self.blocks = nn.ModuleList(VelocityBlock(width) for _ in range(blocks))
        self.output = nn.Linear(width, latent_dim)
        nn.init.zeros_(self.output.weight)

    def velocity(self, z: Float[Tensor, "b latent"], t: Float[Tensor, " b"]) -> Float[Tensor, "b latent"]:
        """v(z, t): where the codes go from z at time t."""
        exponents = torch.linspace(math.log(MIN_FREQUENCY), math.log(MAX_FREQUENCY), NUM_FREQUENCIES, device=z.device)
        angles = t[:, None] * exponents.exp()
        time, x = torch.cat([angles.sin(), angles.cos()], 1), self.input(z)
        for block in self.blocks:
            x = block(x, time)
        velocity: Tensor = self.output(x)
        return velocity

    def loss(
        self, z: Float[Tensor, "b latent"], noise: Float[Tensor, "b latent"], t: Float[Tensor, " b"]
    ) -> Float[Tensor, " b"]:
        """Squared error of the velocity on the straight path from noise to a code (Lipman et al., equation 23, σ = 0).

        Args:
            z: Codes.
            noise: Standard normal numbers.
            t: Times, uniform between 0 and 1.
        """
        path = torch.lerp(noise, z, t[:, None])
        return (self.velocity(path, t) - (z - noise)).square().sum(1)

    def forward(self, noise: Float[Tensor, "b latent"], steps: int = STEPS) -> Float[Tensor, "b latent"]:
        """Codes of standard normal noise, by Heun's method."""
        z, size = noise, 1 / steps
        for step in range(steps):
            t = torch.full((len(z),), step * size, device=z.device)
            first = self.velocity(z, t)
            second = self.velocity(z + size * first, t + size)
            z = z + size / 2 * (first + second)
        return z
