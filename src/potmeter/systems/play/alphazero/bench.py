"""Speed of the compiled rules and of the search beside open_spiel's and alpha-zero-general's, with the same network."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from numba import njit

from potmeter.core.bench import Row, compare, interleave, is_selected
from potmeter.core.devices import multiplies_bfloat16

from . import rules as r
from .evaluators import NetworkEvaluator, RolloutEvaluator, random_below
from .model import Config, Network, fuse
from .presets import PRESETS
from .rules import GO, make_rules
from .search import Search, SearchOptions
from .self_play import SelfPlay
from .system import AlphaZero

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
        config = PRESETS["go7"]
        torch.manual_seed(0)
        network = fuse(Network(config).eval())
        functions = {
            "ours": time_search(config, network, games=64),
            "open_spiel": time_open_spiel_search(config, network),
        }
        rates = interleave(functions, rounds=3)
        limit = time_network(config, network, 64)()
        note = "64 games side by side; open_spiel's search in Python; the limit is the network alone, on batches of 64"
        yield compare(what, "playouts/s", rates["ours"], rates["open_spiel"], "open_spiel", limit=limit, note=note)
    if is_selected(what := "rollouts_per_s_go7"):
        rates = interleave({"ours": time_rollouts(7), "open_spiel": time_open_spiel_rollouts(7)}, rounds=3)
        note = "search whose values are results of random games; open_spiel's is C++"
        yield compare(what, "playouts/s", rates["ours"], rates["open_spiel"], "open_spiel", note=note)
    if is_selected(what := "playouts_per_s_connect4"):
        config = PRESETS["connect4"]
        torch.manual_seed(0)
        network = fuse(Network(config).eval())
        ours, peer = time_search(config, network, games=64), time_alpha_zero_general(network)
        note = "the same network" if peer else "alpha-zero-general is no package: put a clone of it on PYTHONPATH"
        rates = interleave({"ours": ours} | ({"peer": peer} if peer else {}), rounds=3)
        limit = time_network(config, network, 64)()
        yield compare(
            what, "playouts/s", rates["ours"], rates.get("peer"), "alpha-zero-general", limit=limit, note=note
        )
    precisions = ["bfloat16", "float32"] if multiplies_bfloat16(torch.device("cpu")) else ["float32"]
    for tag in ("go5", "go7"):
        if is_selected(what := f"self_play_games_per_h_{tag}"):
            system = AlphaZero.from_pretrained(tag)
            runs = {each: time_self_play(system.network, replace(system.config, precision=each)) for each in precisions}
            rates = interleave(runs, rounds=2)
            exact = rates["float32"] if len(rates) > 1 else None
            note = f"weights {tag}, {precisions[0]}; the peer is the same in float32, where bfloat16 is faster"
            yield compare(what, "games/h", rates[precisions[0]], exact, "float32", note=note)


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
    return time_playouts(Search(rules, NetworkEvaluator(network, rules), games, options, np.random.default_rng(0)))


def time_rollouts(size: int) -> Callable[[], float]:
    """Playouts a second of our search without a network, in one game."""
    rules, rng = make_rules(GO, size, size, komi=7.5, history=1), np.random.default_rng(0)
    options = SearchOptions(playouts=2000)
    return time_playouts(Search(rules, RolloutEvaluator(rules, rng), 1, options, rng))


def time_playouts(search: Search) -> Callable[[], float]:
    """Playouts a second of a search from the first position."""
    first = search.states.copy()

    def measure() -> float:
        for game, state in enumerate(first):
            search.set_state(game, state)
        started = time.perf_counter()
        search.search()
        return float(search.trees.node_visits[:, 0].sum()) / (time.perf_counter() - started)

    return measure


def time_network(config: Config, network: Network, batch: int) -> Callable[[], float]:
    """Positions a second of the network alone."""
    planes = torch.rand(batch, 2 * config.history + 1, config.rules.rows, config.rules.columns)

    def measure() -> float:
        started = time.perf_counter()
        with torch.inference_mode():
            for _ in range(20):
                network(planes)
        return 20 * batch / (time.perf_counter() - started)

    return measure


def time_self_play(network: Network, config: Config) -> Callable[[], float]:
    """Games an hour of self-play, by as many as are played side by side."""

    def measure() -> float:
        experience = SelfPlay(network, config, seed=0)
        started = time.perf_counter()
        while experience.statistics["games"] < config.games:
            experience.play_move()
        return 3600 * experience.statistics["games"] / (time.perf_counter() - started)

    return measure


def time_open_spiel_rollouts(size: int) -> Callable[[], float]:
    """Playouts a second of open_spiel's search in C++, each with one random game."""
    import pyspiel

    game = pyspiel.load_game("go", {"board_size": size, "komi": 7.5})

    def measure() -> float:
        bot = pyspiel.MCTSBot(game, pyspiel.RandomRolloutEvaluator(1, 1), 1.25, 2000, 1000, False, 1, False)
        state, started = game.new_initial_state(), time.perf_counter()
        bot.mcts_search(state)
        return 2000 / (time.perf_counter() - started)

    return measure


def time_open_spiel_search(config: Config, network: Network) -> Callable[[], float]:
    """Playouts a second of open_spiel's AlphaZero search in Python, which asks the network for one position at a time.

    What the network sees makes no difference to the speed: blank planes spare its side the encoding.
    """
    import pyspiel
    from open_spiel.python.algorithms import mcts  # type: ignore[import-untyped]

    game = pyspiel.load_game("go", {"board_size": config.size, "komi": 7.5})
    planes, playouts = torch.zeros(1, 2 * config.history + 1, config.size, config.size), 64

    class Evaluator(mcts.Evaluator):  # type: ignore[misc]  # open_spiel has no types
        @torch.inference_mode()
        def evaluate(self, state: Any) -> np.ndarray:
            self.logits, values = network(planes)
            return np.array([float(values), -float(values)])

        def prior(self, state: Any) -> list[tuple[int, float]]:
            legal = state.legal_actions()
            return list(zip(legal, self.logits[0, legal].softmax(0).tolist(), strict=True))

    def measure() -> float:
        evaluator = Evaluator()
        state, started = game.new_initial_state(), time.perf_counter()
        evaluator.evaluate(state)
        bot = mcts.MCTSBot(game, 1.25, playouts, evaluator, solve=False, child_selection_fn=mcts.SearchNode.puct_value)
        bot.mcts_search(state)
        return playouts / (time.perf_counter() - started)

    return measure


def time_alpha_zero_general(network: Network) -> Callable[[], float] | None:
    """Playouts a second of alpha-zero-general's search for Connect Four, where a clone of it is on the path."""
    try:
        from connect4.Connect4Game import Connect4Game  # type: ignore[import-not-found]
        from MCTS import MCTS  # type: ignore[import-not-found]
    except ImportError:
        return None

    class Game(Connect4Game):  # type: ignore[misc]
        def stringRepresentation(self, board: np.ndarray) -> bytes:  # its own calls what NumPy 2 lacks
            return board.tobytes()

    class Predictor:
        @torch.inference_mode()
        def predict(self, board: np.ndarray) -> tuple[np.ndarray, float]:
            planes = torch.from_numpy(np.stack([board == 1, board == -1, board == 2]).astype(np.float32))[None]
            logits, values = network(planes)
            return logits[0].softmax(0).numpy(), float(values)

    playouts = 64

    def measure() -> float:
        with mock.patch.object(np, "int", int, create=True):
            game = Game()
        search = MCTS(game, Predictor(), SimpleNamespace(numMCTSSims=playouts, cpuct=1.25))
        started = time.perf_counter()
        search.getActionProb(game.getInitBoard())
        return playouts / (time.perf_counter() - started)

    return measure
