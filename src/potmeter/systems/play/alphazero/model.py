"""The network of AlphaGo Zero: a residual tower with two heads, one for the policy and one for the value."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject

from .rules import CONNECT_FOUR, GO, TIC_TAC_TOE, Rules, make_rules


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The game, the network, the search, and how self-play feeds the training."""

    game: Literal["go", "tic-tac-toe", "connect-four"] = "go"
    """The game."""
    size: Annotated[int, Range(2, 19)] = 9
    """Rows and columns of the Go board; the other games have theirs."""
    komi: Annotated[float, Range(-400, 400)] = 7.5
    """Points that White gets for moving second; a multiple of one half."""
    history: Annotated[int, Range(1, 8)] = 8
    """Positions that the network sees, the present one among them: 2 history + 1 feature planes."""
    blocks: Annotated[int, Range(1, 80)] = 19
    """Residual blocks."""
    channels: Annotated[int, Range(1, 1024)] = 256
    """Filters of every convolution of the tower."""
    value_units: Annotated[int, Range(1, 4096)] = 256
    """Hidden units of the value head."""
    playouts: Annotated[int, Range(1, 100_000)] = 1600
    """Visits of the root for each move of self-play."""
    c_init: Annotated[float, Range(0, 100)] = 1.25
    """Exploration constant of PUCT."""
    c_base: Annotated[float, Range(1)] = 19652.0
    """Visits from which on exploration grows."""
    fpu_reduction: Annotated[float, Range(0, 2)] = 0.25
    """First-play urgency: an action never visited counts as its node's value minus this times √(prior visited)."""
    noise: Annotated[float, Range(0, 1)] = 0.25
    """Share of Dirichlet noise in the root's priors during self-play."""
    alpha: Annotated[float, Range(0, open="low")] | None = None
    """Concentration of that noise; None: 10.83 divided by the number of cells, which is 0.03 for 19 × 19."""
    explore_moves: Annotated[int, Range(0, 10_000)] = 30
    """Moves of each game of self-play that are chosen in proportion to the visits; from then on the most visited is."""
    opening_moves: Annotated[int, Range(0, 100)] = 0
    """Self-play begins after up to so many random moves, so that it meets positions it would not choose."""
    resign_below: Annotated[float, Range(-1, 0)] = -1.0
    """Value of the root below which self-play resigns once ``explore_moves`` are over, but for a tenth of the games,
    which count wrong ones; −1 = never."""
    games: Annotated[int, Range(1, 100_000)] = 64
    """Games of self-play side by side, over all processes together."""
    window: Annotated[int, Range(1, 100_000_000)] = 500_000
    """Newest positions that are trained on, over all processes together."""
    reuse: Annotated[float, Range(0, open="low")] = 4.0
    """How often a position of self-play is trained on, on average."""
    match_every: Annotated[int, Range(1)] = 1000
    """Steps between two matches of the newest network with the one before, which the Elo rating in the log comes from."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """In which the network plays its own games; bfloat16 only where it is faster, on GPUs and CPUs with AMX."""
    gate: Annotated[float, Range(0, 1)] = 0.0
    """Points a game that the newest network needs in such a match to become the one that plays; 0: the newest always does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        (2 * self.komi).is_integer() or reject("komi is a multiple of one half.", self.komi)

    @property
    def rules(self) -> Rules:
        """The rules of the game."""
        if self.game == "go":
            return make_rules(GO, self.size, self.size, komi=self.komi, history=self.history)
        if self.game == "tic-tac-toe":
            return make_rules(TIC_TAC_TOE, 3, 3, in_a_row=3, history=self.history)
        return make_rules(CONNECT_FOUR, 6, 7, in_a_row=4, history=self.history)


class Residual(nn.Module):
    """Two convolutions with batch normalisation, and the input added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu_()
        return self.bn2(self.conv2(y)).add_(x).relu_()


class Network(nn.Module):
    """Policy and value of a position.

    Args:
        config: Sizes, and the game.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        rules, c = config.rules, config.channels
        cells = rules.rows * rules.columns
        self.stem = nn.Conv2d(2 * config.history + 1, c, 3, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(c)
        self.tower = nn.Sequential(*(Residual(c) for _ in range(config.blocks)))
        self.policy_conv, self.policy_bn = nn.Conv2d(c, 2, 1, bias=False), nn.BatchNorm2d(2)
        self.policy = nn.Linear(2 * cells, rules.actions)
        self.value_conv, self.value_bn = nn.Conv2d(c, 1, 1, bias=False), nn.BatchNorm2d(1)
        self.value_hidden, self.value = nn.Linear(cells, config.value_units), nn.Linear(config.value_units, 1)

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the actions (B, actions), and the expected result for the player to move (B,), −1 to 1, of
        planes (B, 2 history + 1, rows, columns)."""
        x = self.tower(self.stem_bn(self.stem(planes)).relu_())
        logits = self.policy(self.policy_bn(self.policy_conv(x)).relu_().flatten(1))
        hidden = self.value_hidden(self.value_bn(self.value_conv(x)).relu_().flatten(1)).relu_()
        return logits, self.value(hidden).squeeze(1).tanh()


def fuse(network: Network) -> Network:
    """A copy for inference, with every batch normalisation folded into its convolution."""
    fused = copy.deepcopy(network).eval().requires_grad_(False)
    pairs: list[tuple[Any, str, str]] = [
        (fused, conv, conv.replace("_conv", "") + "_bn") for conv in ("stem", "policy_conv", "value_conv")
    ]
    pairs += [(block, f"conv{i}", f"bn{i}") for block in fused.tower for i in (1, 2)]
    for owner, conv, bn in pairs:
        setattr(owner, conv, fuse_conv_bn_eval(getattr(owner, conv), getattr(owner, bn)))
        setattr(owner, bn, nn.Identity())
    return fused.to(memory_format=torch.channels_last)
