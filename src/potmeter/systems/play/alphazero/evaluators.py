"""What a search asks of a position: the network's priors and value, or those of random games."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import nn

from . import rules as r
from .planes import action_symmetries, encode_planes, symmetries
from .rules import Rules

MIX, INCREMENT = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)
"""Of the generator of random games: a counter, mixed."""


class NetworkEvaluator:
    """Priors and values of a network, each position turned and mirrored at random.

    Args:
        network: From planes (B, 2 history + 1, rows, columns) to logits (B, actions) and values (B,); in evaluation mode.
        rules: The game.
        rng: Of the symmetries; None = positions are seen as they are.
    """

    def __init__(self, network: nn.Module, rules: Rules, rng: np.random.Generator | None = None) -> None:
        self.network, self.rules, self.rng = network, rules, rng
        self.cells, self.actions = symmetries(rules), action_symmetries(rules)

    @torch.inference_mode()
    def __call__(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = len(states)
        chosen = np.zeros(count, np.int64) if self.rng is None else self.rng.integers(len(self.cells), size=count)
        planes = torch.from_numpy(encode(self.rules, states, self.cells[chosen])).to(next(self.network.parameters()))
        logits, values = self.network(planes)
        seen = logits.float().cpu().numpy()
        return np.take_along_axis(seen, self.actions[chosen], 1), values.float().cpu().numpy()


class RolloutEvaluator:
    """No priors, and as the value the result of one random game from the position on: the search before there were networks.

    Args:
        rules: The game.
        rng: Of the random games.
    """

    def __init__(self, rules: Rules, rng: np.random.Generator) -> None:
        self.rules, self.rng = rules, rng

    def __call__(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.empty(len(states), np.float32)
        roll_out(self.rules, states, self.rng.integers(2**62, size=len(states)).astype(np.uint64), values)
        return np.zeros((len(states), self.rules.actions), np.float32), values


def encode(rules: Rules, states: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The feature planes of states (B, length): float32 (B, 2 history + 1, rows, columns).

    Args:
        rules: The game.
        states: Positions.
        cells: int64 (B, rows × columns): where each cell goes.
    """
    planes = np.empty((len(states), 2 * rules.history + 1, rules.rows * rules.columns), np.float32)
    encode_all(rules, states, cells, planes)
    return planes.reshape(*planes.shape[:2], rules.rows, rules.columns)


@njit(cache=True)
def encode_all(rules: Any, states: Any, cells: Any, planes: Any) -> None:
    """``encode_planes`` of many states."""
    for b in range(len(states)):
        encode_planes(rules, states[b], cells[b], planes[b])


@njit(cache=True)
def random_below(seed: Any, high: Any) -> tuple[Any, Any]:
    """The next seed, and a whole number in [0, high)."""
    seed = np.uint64(seed + INCREMENT)
    mixed = (seed ^ (seed >> np.uint64(30))) * MIX
    mixed ^= mixed >> np.uint64(27)
    return seed, np.int64((mixed >> np.uint64(33)) % np.uint64(high))


@njit(cache=True)
def roll_out(rules: Any, states: Any, seeds: Any, values: Any) -> None:
    """Play states (B, length) to the end at random, and write the results for the players to move into ``values`` (B,)."""
    state, candidates = np.empty(rules.length, np.int64), np.empty(rules.actions, np.int64)
    for b in range(len(states)):
        state[:] = states[b]
        player, seed = state[r.TO_PLAY], seeds[b]
        while not state[r.OVER]:
            seed, action = random_action(rules, state, seed, candidates)
            r.play(rules, state, action)
        values[b] = r.outcome(rules, state, player)


@njit(cache=True)
def random_action(rules: Any, state: Any, seed: Any, candidates: Any) -> tuple[Any, Any]:
    """The next seed, and a legal action, each as likely; in Go the pass only where all that is left would fill own eyes."""
    count = 0
    for action in range(rules.actions - (rules.kind == r.GO)):
        if rules.kind != r.GO or state[rules.board + r.point_of(rules, action)] == 0:
            candidates[count] = action
            count += 1
    while count > 0:
        seed, i = random_below(seed, count)
        action = candidates[i]
        if r.is_legal(rules, state, action) and not (rules.kind == r.GO and fills_eye(rules, state, action)):
            return seed, action
        count -= 1
        candidates[i] = candidates[count]
    return seed, rules.actions - 1


@njit(cache=True)
def fills_eye(rules: Any, state: Any, action: int) -> bool:
    """Whether a point is an eye of the player to move: own stones around, at most one corner the other's, none at the edge."""
    board, point, stride, player = rules.board, r.point_of(rules, action), rules.stride, state[r.TO_PLAY]
    for near in (point + 1, point - 1, point + stride, point - stride):
        if state[board + near] != player and state[board + near] != r.BORDER:
            return False
    others, edge = 0, 0
    for corner in (point + stride + 1, point + stride - 1, point - stride + 1, point - stride - 1):
        others += state[board + corner] == r.BLACK + r.WHITE - player
        edge |= state[board + corner] == r.BORDER
    return others + edge < 2
