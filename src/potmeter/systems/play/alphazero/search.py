"""Monte-Carlo tree search for many games at once, compiled (numba), so that one call of the network serves them all.

Silver et al., "Mastering the game of Go without human knowledge", 2017, with the constants of AlphaZero (arXiv:1712.01815).
A node holds, for each of its actions, prior P, visits N and the sum W of the values of the player who chooses there. Values
change sign with every ply: what is good for one player is as bad for the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from . import rules as r
from .rules import Rules

Evaluator = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From states (B, length) to logits (B, actions) and values (B,), the expected results for the players to move, −1 to 1."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How a search looks ahead."""

    playouts: int
    """Visits of the root, those of a tree that is gone on with counted."""
    leaves: int = 1
    """Positions of one game that are evaluated together, each under the virtual loss of those before."""
    c_init: float = 1.25
    """Exploration constant of PUCT."""
    c_base: float = 19652.0
    """Visits from which on it grows: c = log((1 + N + c_base) / c_base) + c_init."""
    fpu_reduction: float = 0.25
    """First-play urgency: an action never visited counts as its node's value minus this times √(prior visited)."""
    noise: float = 0.0
    """Share ε of Dirichlet noise in the root's priors."""
    alpha: float = 0.03
    """Concentration of that noise."""


class Trees(NamedTuple):
    """A tree for each of G games, of at most ``nodes`` nodes; the root is node 0."""

    prior: np.ndarray
    """float32 (G, nodes, actions); −1 for an illegal action."""
    visits: np.ndarray
    """int32 (G, nodes, actions)."""
    value: np.ndarray
    """float32 (G, nodes, actions): the sum of the values of the player who chooses."""
    child: np.ndarray
    """int32 (G, nodes, actions): the node behind an action; −1 = none yet."""
    node_visits: np.ndarray
    """int32 (G, nodes), the node's own evaluation counted."""
    node_value: np.ndarray
    """float32 (G, nodes): the sum of the values of the player to move, the node's own evaluation counted."""
    size: np.ndarray
    """int64 (G,): nodes in use."""


class Leaves(NamedTuple):
    """Positions that wait for their evaluation, and the ways to them."""

    game: np.ndarray
    """int64 (B,)."""
    states: np.ndarray
    """int64 (B, length)."""
    nodes: np.ndarray
    """int32 (B, depth): the nodes from the root on."""
    actions: np.ndarray
    """int32 (B, depth): the action chosen in each."""
    depth: np.ndarray
    """int64 (B,): how many."""


# Compiled ---------------------------------------------------------------------------------------------------------


@njit(cache=True)
def choose_action(trees: Any, game: int, node: int, c_init: float, c_base: float, fpu_reduction: float) -> int:
    """The action of the largest Q + U."""
    prior, visits, value = trees.prior[game, node], trees.visits[game, node], trees.value[game, node]
    total = trees.node_visits[game, node]
    explored = 0.0
    for action in range(len(prior)):
        if visits[action] > 0:
            explored += prior[action]
    urgency = trees.node_value[game, node] / total - fpu_reduction * np.sqrt(explored)
    scale = (np.log((1 + total + c_base) / c_base) + c_init) * np.sqrt(total)
    best, best_score = -1, -np.inf
    for action in range(len(prior)):
        if prior[action] < 0:
            continue
        n = visits[action]
        score = (value[action] / n if n > 0 else urgency) + scale * prior[action] / (1 + n)
        if score > best_score:
            best, best_score = action, score
    return best


@njit(cache=True)
def descend(rules: Any, trees: Any, leaves: Any, b: int, c_init: float, c_base: float, fpu_reduction: float) -> None:
    """Walk leaf ``b`` from the root of its game to a position that is over or not in the tree, leaving virtual losses."""
    game, state = leaves.game[b], leaves.states[b]
    leaves.depth[b] = 0
    if trees.size[game] == 0:
        return
    node = 0
    while not state[r.OVER] and node >= 0 and leaves.depth[b] < leaves.nodes.shape[1]:
        action = choose_action(trees, game, node, c_init, c_base, fpu_reduction)
        leaves.nodes[b, leaves.depth[b]], leaves.actions[b, leaves.depth[b]] = node, action
        leaves.depth[b] += 1
        trees.visits[game, node, action] += 1
        trees.value[game, node, action] -= 1
        trees.node_visits[game, node] += 1
        trees.node_value[game, node] -= 1
        r.play(rules, state, action)
        node = trees.child[game, node, action]


@njit(cache=True)
def back_up(trees: Any, leaves: Any, b: int, value: float) -> None:
    """Add a leaf's value, for the player to move there, to all nodes on the way, and take the virtual losses back."""
    game = leaves.game[b]
    for i in range(leaves.depth[b] - 1, -1, -1):
        value = -value
        node, action = leaves.nodes[b, i], leaves.actions[b, i]
        trees.value[game, node, action] += value + 1
        trees.node_value[game, node] += value + 1


@njit(cache=True)
def collect(
    rules: Any, trees: Any, roots: Any, active: Any, playouts: int, leaves: Any, per_game: int,
    c_init: float, c_base: float, fpu_reduction: float,
) -> int:  # fmt: skip
    """Fill ``leaves`` with positions to evaluate, at most ``per_game`` of each active game; returns how many there are.

    Games whose end is reached on the way are backed up at once; games whose root has ``playouts`` visits are left out.
    """
    count = 0
    for game in range(len(roots)):
        if not active[game] or roots[game, r.OVER]:
            continue
        mine = 0
        while mine < per_game and trees.node_visits[game, 0] < playouts:
            leaves.game[count] = game
            leaves.states[count] = roots[game]
            descend(rules, trees, leaves, count, c_init, c_base, fpu_reduction)
            state = leaves.states[count]
            if state[r.OVER]:
                back_up(trees, leaves, count, r.outcome(rules, state, state[r.TO_PLAY]))
                continue
            mine += 1
            count += 1
            if trees.size[game] == 0:  # the root itself comes first
                break
    return count


@njit(cache=True)
def expand(rules: Any, trees: Any, leaves: Any, count: int, logits: Any, values: Any) -> None:
    """Make nodes of evaluated leaves, where there is room, and back their values up."""
    legal = np.zeros(rules.actions, np.int8)
    for b in range(count):
        game, depth = leaves.game[b], leaves.depth[b]
        node = trees.size[game]
        last, action = leaves.nodes[b, depth - 1], leaves.actions[b, depth - 1]
        new = node == 0 if depth == 0 else trees.child[game, last, action] < 0
        if new and node < trees.prior.shape[1]:
            trees.size[game] += 1
            if depth > 0:
                trees.child[game, last, action] = node
            r.legal_actions(rules, leaves.states[b], legal)
            top, total = -np.inf, 0.0
            for a in range(rules.actions):
                if legal[a]:
                    top = max(top, logits[b, a])
            for a in range(rules.actions):
                weight = np.exp(logits[b, a] - top) if legal[a] else 0.0
                trees.prior[game, node, a] = weight
                total += weight
            for a in range(rules.actions):
                trees.prior[game, node, a] = trees.prior[game, node, a] / total if legal[a] else -1.0
            trees.visits[game, node] = 0
            trees.value[game, node] = 0
            trees.child[game, node] = -1
            trees.node_visits[game, node] = 1
            trees.node_value[game, node] = values[b]
        back_up(trees, leaves, b, values[b])


@njit(cache=True)
def mix_noise(trees: Any, game: int, gammas: Any, share: float) -> None:
    """Mix Dirichlet noise into a root's priors: gamma variates (actions,), those of legal actions divided by their sum."""
    prior = trees.prior[game, 0]
    total = 0.0
    for action in range(len(prior)):
        if prior[action] >= 0:
            total += gammas[action]
    for action in range(len(prior)):
        if prior[action] >= 0 and total > 0:
            prior[action] = (1 - share) * prior[action] + share * gammas[action] / total


@njit(cache=True)
def advance_root(trees: Any, game: int, action: int) -> None:
    """Keep the subtree behind an action of the root, as the new tree."""
    size, root = trees.size[game], -1
    if size > 0:
        root = trees.child[game, 0, action]
    trees.node_visits[game, 0] = 0
    trees.size[game] = 0
    if root < 0:
        return
    place = np.full(size, -1, np.int64)  # children lie behind their parents, so that one pass finds and moves them all
    place[root] = 0
    kept = 0
    for node in range(root, size):
        if place[node] < 0:
            continue
        place[node] = kept
        for a in range(trees.child.shape[2]):
            if trees.prior[game, node, a] >= 0 and trees.child[game, node, a] >= 0:
                place[trees.child[game, node, a]] = 0  # wanted; where it goes is known when its turn comes
        if kept != node:
            trees.prior[game, kept], trees.visits[game, kept] = trees.prior[game, node], trees.visits[game, node]
            trees.value[game, kept], trees.child[game, kept] = trees.value[game, node], trees.child[game, node]
            trees.node_visits[game, kept] = trees.node_visits[game, node]
            trees.node_value[game, kept] = trees.node_value[game, node]
        kept += 1
    for node in range(kept):
        for a in range(trees.child.shape[2]):
            if trees.child[game, node, a] >= 0:
                trees.child[game, node, a] = place[trees.child[game, node, a]]
    trees.size[game] = kept


# For Python -------------------------------------------------------------------------------------------------------


class Search:
    """Games side by side, each with its tree.

    Args:
        rules: The game.
        evaluate: The network, or whatever else knows priors and values.
        games: How many.
        options: How far it looks.
        rng: Of the noise.
    """

    def __init__(
        self, rules: Rules, evaluate: Evaluator, games: int, options: SearchOptions, rng: np.random.Generator
    ) -> None:
        self.rules, self.evaluate, self.options, self.rng = rules, evaluate, options, rng
        shape = (games, options.playouts + options.leaves + 1, rules.actions)
        self.trees = Trees(
            np.zeros(shape, np.float32), np.zeros(shape, np.int32), np.zeros(shape, np.float32),
            np.zeros(shape, np.int32), np.zeros(shape[:2], np.int32), np.zeros(shape[:2], np.float32),
            np.zeros(games, np.int64),
        )  # fmt: skip
        batch, depth = games * options.leaves, rules.max_moves + 1
        self.leaves = Leaves(
            np.zeros(batch, np.int64), np.zeros((batch, rules.length), np.int64), np.zeros((batch, depth), np.int32),
            np.zeros((batch, depth), np.int32), np.zeros(batch, np.int64),
        )  # fmt: skip
        self.states = np.zeros((games, rules.length), np.int64)
        for game in range(games):
            self.reset(game)

    def reset(self, game: int) -> None:
        """Begin a game anew."""
        r.reset(self.rules, self.states[game])
        self.forget(game)

    def forget(self, game: int) -> None:
        """Drop a game's tree."""
        self.trees.size[game] = self.trees.node_visits[game, 0] = 0

    def set_state(self, game: int, state: np.ndarray) -> None:
        """Go to a position."""
        self.states[game] = state
        self.forget(game)

    def play(self, game: int, action: int) -> None:
        """Play a legal action and keep what the tree knows of what follows."""
        r.play(self.rules, self.states[game], action)
        advance_root(self.trees, game, action)

    def search(self, active: np.ndarray | None = None) -> np.ndarray:
        """Look ahead in all active games that are not over.

        Args:
            active: bool (games,); default: all.

        Returns:
            Visits of the root's actions, int32 (games, actions).
        """
        o, active = self.options, np.ones(len(self.states), bool) if active is None else active
        while self.grow(active & (self.trees.size == 0), 1):
            pass
        if o.noise > 0:
            gammas = self.rng.standard_gamma(o.alpha, (len(self.states), self.rules.actions)).astype(np.float32)
            for game in np.flatnonzero(active & (self.trees.size > 0)):
                mix_noise(self.trees, int(game), gammas[game], o.noise)
        while self.grow(active, o.playouts):
            pass
        return self.visits

    def grow(self, active: np.ndarray, playouts: int) -> int:
        """One call of the evaluator; returns for how many positions."""
        o = self.options
        constants = o.c_init, o.c_base, o.fpu_reduction
        count = collect(self.rules, self.trees, self.states, active, playouts, self.leaves, o.leaves, *constants)
        if count:
            logits, values = self.evaluate(self.leaves.states[:count])
            expand(self.rules, self.trees, self.leaves, count, logits, values)
        return count

    @property
    def visits(self) -> np.ndarray:
        """Visits of the root's actions, int32 (games, actions); 0 for a game without a tree."""
        return np.where(self.trees.size[:, None] > 0, self.trees.visits[:, 0], 0)

    @property
    def root_values(self) -> np.ndarray:
        """What the search expects for the player to move, float32 (games,), −1 to 1."""
        return self.trees.node_value[:, 0] / np.maximum(self.trees.node_visits[:, 0], 1)

    def state_dict(self) -> dict[str, Any]:
        """Positions and trees, as arrays."""
        return {"states": self.states.copy(), **{name: array.copy() for name, array in self.trees._asdict().items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to saved positions and trees."""
        self.states[:] = state["states"]
        for name, array in self.trees._asdict().items():
            array[:] = state[name]


def pick_actions(visits: np.ndarray, temperature: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Actions by their visits: in proportion to N^(1/τ), or, where τ = 0, the most visited.

    Args:
        visits: (games, actions).
        temperature: (games,).
        rng: Of the choice.

    Returns:
        int64 (games,).
    """
    uniform = rng.random((len(visits), 1))
    weights = (visits / np.maximum(visits.max(1, keepdims=True), 1)) ** (1 / np.maximum(temperature, 1e-3))[:, None]
    drawn = (weights.cumsum(1) < uniform * weights.sum(1, keepdims=True)).sum(1)
    return np.where(temperature > 0, np.minimum(drawn, visits.shape[1] - 1), visits.argmax(1))
