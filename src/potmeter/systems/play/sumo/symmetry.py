"""Left and right: a policy that does in a mirrored situation what it does in the situation, mirrored."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from potmeter.core.reinforcement.policy import Policy, mlp

from .body import JOINTS
from .ring import ACTION, OBSERVATION

ONE, VECTOR, AXIAL, FLAT = [1], [1, -1, 1], [-1, 1, -1], [1, -1]
"""Which numbers change their sign in the mirror: none of a length; of a vector (forwards, left, up) the second, of a turn
about these axes the two others; of a vector on the ground the second."""
OBSERVED_JOINTS = ("horn", *JOINTS[:-1])
"""The joints in an observation, in MuJoCo's order, which is not that of an action."""
LAYOUT: list[list[int] | tuple[str, ...]] = [
    ONE, VECTOR, VECTOR, AXIAL, OBSERVED_JOINTS, OBSERVED_JOINTS, FLAT, ONE,
    VECTOR, VECTOR, VECTOR, VECTOR, OBSERVED_JOINTS, ONE,
]  # fmt: skip
"""What ``Ring.observe`` gives, in its order."""


class Mirror(nn.Module):
    """Exchanges left and right in vectors: numbers change places, and signs.

    Args:
        order: Where in the vector each number of its mirror image stands.
        sign: 1 or −1 for each of them.
    """

    order: Tensor
    sign: Tensor

    def __init__(self, order: list[int], sign: list[int]) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("sign", torch.tensor(sign, dtype=torch.float32), persistent=False)

    def forward(self, values: Float[Tensor, "... n"]) -> Float[Tensor, "... n"]:
        return values[..., self.order] * self.sign


def exchange(joints: tuple[str, ...]) -> list[int]:
    """Where among the joints the other side's of each stands."""
    other = {"left": "right", "right": "left"}
    return [joints.index("_".join(other.get(word, word) for word in name.split("_"))) for name in joints]


def mirror_observation() -> Mirror:
    """The mirror of what a beetle sees."""
    order: list[int] = []
    sign: list[int] = []
    for part in LAYOUT:
        places = exchange(part) if isinstance(part, tuple) else range(len(part))
        order += [len(sign) + place for place in places]
        sign += [1] * len(part) if isinstance(part, tuple) else part
    return Mirror(order, sign)


def mirror_action() -> Mirror:
    """The mirror of what its joints do."""
    return Mirror(exchange(JOINTS), [1] * ACTION)


class TiedSides(nn.Module):
    """One number for the two joints of a pair: the mean of theirs."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__()
        self.mirror = mirror

    def forward(self, values: Tensor) -> Tensor:
        return (values + self.mirror(values)) / 2


class SymmetricPolicy(Policy):
    """π(M a | M s) = π(a | s), where M is the mirror: an equivariant policy (van der Pol et al. 2020, arXiv:2006.16908).

    Its mean is that of the network's answer to what is seen and of the mirrored answer to what is seen in the mirror; both
    sides explore alike. Observations must have been normalised by moments that are their own mirror images.
    """

    def __init__(self, hidden: tuple[int, ...], log_std_init: float) -> None:
        super().__init__(OBSERVATION, ACTION, hidden, discrete=False, log_std_init=log_std_init)
        self.mirror, self.mirror_action = mirror_observation(), mirror_action()
        parametrize.register_parametrization(self, "log_std", TiedSides(self.mirror_action))

    def forward(self, normalised: Float[Tensor, "b n"]) -> Float[Tensor, "b a"]:
        answer, mirrored = self.net(torch.cat([normalised, self.mirror(normalised)])).chunk(2)
        output: Tensor = (answer + self.mirror_action(mirrored)) / 2
        return output

    def update_normaliser(self, observation: Float[Tensor, "... n"]) -> None:
        self.normaliser.update(torch.cat([observation, self.mirror(observation)]))


class SymmetricCritic(nn.Module):
    """V(M s) = V(s): the mean of the network's values of what is seen, and of what is seen in the mirror."""

    def __init__(self, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.mirror = mirror_observation()
        self.net = mlp((OBSERVATION, *hidden, 1), gain=1.0)

    def forward(self, normalised: Float[Tensor, "... n"]) -> Float[Tensor, "... 1"]:
        value, mirrored = self.net(torch.cat([normalised, self.mirror(normalised)])).chunk(2)
        output: Tensor = (value + mirrored) / 2
        return output
