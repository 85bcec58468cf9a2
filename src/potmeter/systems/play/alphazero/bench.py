"""Speed of the compiled rules beside open_spiel's, and of the search beside one written plainly, with the same network."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numba import njit

from potmeter.core.bench import Row, compare, interleave, is_selected

from . import rules as r
from .evaluators import NetworkEvaluator, random_below
from .model import Config, Network, fuse
from .rules import GO, Rules, make_rules
from .search import Search, SearchOptions

GAMES = 40
"""Random games in a measurement of the rules."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    for size in (5, 7, 9):
        if is_selected(what := f"moves_per_s_go{size}"):
            rates = interleave({"ours": time_rules(size), "open_spiel": time_open_spiel(size)}, rounds=5)
            note = "random games, all legal moves listed before each; open_spiel's C++ is called from Python"
            yield compare(what, "moves/s", rates["ours"], rates["open_spiel"], "open_spiel", note=note)
    if is_selected(what := "playouts_per_s_go7"):
        config = Config(size=7, komi=8.5, history=2, blocks=5, channels=64, value_units=64)
        torch.manual_seed(0)
        network = fuse(Network(config).eval())
        functions = {"ours": time_search(config, network, games=64), "plain": time_plain(config, network)}
        rates = interleave(functions, rounds=3)
        limit = time_network(config, network, 64)()
        note = "64 games side by side; the limit is the network alone, on batches of 64"
        yield compare(
            what,
            "playouts/s",
            rates["ours"],
            rates["plain"],
            "search in Python, one position a call",
            limit=limit,
            note=note,
        )


@njit(cache=True)
def play_random_games(rules: Any, games: int, seed: Any) -> int:
    """Random games, all legal moves listed before each; returns the moves played."""
    state, legal, moves = np.zeros(rules.length, np.int64), np.zeros(rules.actions, np.int8), 0
    for _ in range(games):
        r.reset(rules, state)
        while not state[r.OVER]:
            seed, rest = random_below(seed, r.legal_actions(rules, state, legal))
            action = -1
            while rest >= 0:
                action += 1
                rest -= legal[action]
            r.play(rules, state, action)
            moves += 1
    return moves


def time_rules(size: int) -> Callable[[], float]:
    """Moves a second of our rules."""
    rules = make_rules(GO, size, size, komi=7.5, history=1)

    def measure() -> float:
        started = time.perf_counter()
        return play_random_games(rules, 10 * GAMES, np.uint64(1)) / (time.perf_counter() - started)

    return measure


def time_open_spiel(size: int) -> Callable[[], float]:
    """Moves a second of open_spiel's."""
    import pyspiel

    game = pyspiel.load_game("go", {"board_size": size, "komi": 7.5})

    def measure() -> float:
        rng, moves, started = random.Random(1), 0, time.perf_counter()
        for _ in range(GAMES):
            state = game.new_initial_state()
            while not state.is_terminal():
                state.apply_action(rng.choice(state.legal_actions()))
                moves += 1
        return moves / (time.perf_counter() - started)

    return measure


def time_search(config: Config, network: Network, games: int) -> Callable[[], float]:
    """Playouts a second of our search."""
    rules, options = config.rules, SearchOptions(playouts=64)

    def measure() -> float:
        rng = np.random.default_rng(0)
        search = Search(rules, NetworkEvaluator(network, rules), games, options, rng)
        started = time.perf_counter()
        search.search()
        return float(search.trees.node_visits[:, 0].sum()) / (time.perf_counter() - started)

    return measure


def time_network(config: Config, network: Network, batch: int) -> Callable[[], float]:
    """Positions a second of the network alone."""
    planes = torch.rand(batch, 2 * config.history + 1, config.size, config.size)

    def measure() -> float:
        started = time.perf_counter()
        with torch.inference_mode():
            for _ in range(20):
                network(planes)
        return 20 * batch / (time.perf_counter() - started)

    return measure


def time_plain(config: Config, network: Network) -> Callable[[], float]:
    """Playouts a second of the search that one writes first: dictionaries, one position a call of the network."""
    rules, playouts = config.rules, 64
    evaluate = NetworkEvaluator(network, rules)

    def measure() -> float:
        state = np.zeros(rules.length, np.int64)
        r.reset(rules, state)
        started = time.perf_counter()
        tree: dict[bytes, dict[int, list[float]]] = {}
        for _ in range(playouts):
            descend_plainly(rules, state.copy(), tree, evaluate)
        return playouts / (time.perf_counter() - started)

    return measure


def descend_plainly(rules: Rules, state: np.ndarray, tree: dict[bytes, dict[int, list[float]]], evaluate: Any) -> float:
    """One playout, by recursion; a node's actions each have prior, visits and summed value."""
    if state[r.OVER]:
        return float(r.outcome(rules, state, int(state[r.TO_PLAY])))
    key = state.tobytes()
    if key not in tree:
        logits, values = evaluate(state[None])
        legal = [a for a in range(rules.actions) if r.is_legal(rules, state, a)]
        weights = np.exp(logits[0, legal] - logits[0, legal].max())
        tree[key] = {a: [float(p), 0, 0.0] for a, p in zip(legal, weights / weights.sum(), strict=True)}
        return float(values[0])
    edges = tree[key]
    total = 1 + sum(n for _, n, _ in edges.values())
    score = lambda edge: (edge[2] / edge[1] if edge[1] else 0.0) + 1.25 * edge[0] * total**0.5 / (1 + edge[1])
    action = max(edges, key=lambda a: score(edges[a]))
    r.play(rules, state, action)
    value = -descend_plainly(rules, state, tree, evaluate)
    edges[action][1] += 1
    edges[action][2] += value
    return value
