"""Experience: games that the newest network plays against itself, many side by side, and the newest positions of them."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potmeter.core.devices import device_of, training_dtype
from potmeter.core.training import processes
from potmeter.core.training.batches import ResumableBatches

from . import rules as r
from .evaluators import NetworkEvaluator, encode_all
from .model import Config, Network, fuse
from .planes import action_symmetries, symmetries
from .players import SearchPlayer, elo_difference, play_match, random_openings
from .rules import Rules
from .search import Search, SearchOptions, pick_actions

WARM_UP = 8
"""Batches' worth of positions that are played before the first is trained on."""
PLAYED_ON = 0.1
"""Share of the games in which nobody resigns, to see how often it would have been wrong (as in the paper)."""
MATCH_GAMES = 40
"""Of the newest network with the one before."""


class Replay:
    """The newest positions, as a ring: planes packed to bits, policies, results.

    Args:
        rules: The game.
        size: How many.
    """

    def __init__(self, rules: Rules, size: int) -> None:
        planes = (2 * rules.history + 1) * rules.rows * rules.columns
        self.planes = np.zeros((size, -(-planes // 8)), np.uint8)
        self.policies = np.zeros((size, rules.actions), np.float32)
        self.results = np.zeros(size, np.int8)
        self.added = 0
        """Positions that ever came in."""
        self.shape = (2 * rules.history + 1, rules.rows * rules.columns)

    def add(self, planes: np.ndarray, policies: np.ndarray, results: np.ndarray) -> None:
        """Take positions in: packed planes (n, bytes), policies (n, actions), results (n,) for the players to move."""
        places = (self.added + np.arange(len(planes))) % len(self.results)
        self.planes[places], self.policies[places], self.results[places] = planes, policies, results
        self.added += len(planes)

    def __len__(self) -> int:
        return min(self.added, len(self.results))

    def sample(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Planes uint8 (n, planes, cells), policies and results at these places."""
        bits = np.unpackbits(self.planes[places], axis=1, count=self.shape[0] * self.shape[1])
        return bits.reshape(-1, *self.shape), self.policies[places], self.results[places].astype(np.float32)

    def state_dict(self) -> dict[str, Any]:
        """What has come in."""
        used = slice(0, len(self))
        arrays: dict[str, np.ndarray] = {"planes": self.planes, "policies": self.policies, "results": self.results}
        return {"added": self.added, **{name: torch.from_numpy(array[used].copy()) for name, array in arrays.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to what had come in."""
        self.added = state["added"]
        for name in ("planes", "policies", "results"):
            getattr(self, name)[: len(self)] = state[name].numpy()


class SelfPlay(ResumableBatches):
    """Batches from self-play. Each process plays its share of the games, and trains on positions of its own.

    Args:
        network: The one that is trained: as it is at the time, it plays.
        config: The Config.
        seed: Of games and samples.

    What is given out is a dictionary: ``planes`` (B, 2 history + 1, rows, columns), ``policy`` (B, actions), the shares of
    the visits, ``result`` (B,) for the player to move.
    """

    def __init__(self, network: Network, config: Config, *, seed: int) -> None:
        super().__init__(config.batch_size, seed=seed)
        rank, world = processes.rank(), processes.world_size()
        self.network, self.config, self.rules = network, config, config.rules
        self.rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, rank])))
        self.replay = Replay(self.rules, max(config.window // world, 1))
        self.cells, self.actions = symmetries(self.rules), action_symmetries(self.rules)
        self.dtype = training_dtype(config.precision, device_of(network))
        self.player = self.previous = self.freeze()
        games = max(config.games // world, 1)
        self.evaluator = NetworkEvaluator(self.player, self.rules, self.rng)
        self.search = Search(self.rules, self.evaluator, games, search_options(config), self.rng)
        moves = self.rules.max_moves
        self.planes = np.zeros((games, moves, self.replay.planes.shape[1]), np.uint8)
        self.policies = np.zeros((games, moves, self.rules.actions), np.float32)
        self.lowest = np.ones((games, 2), np.float32)  # value of the root, for Black and White
        self.first = np.zeros(games, np.int64)  # moves of the openings, which nobody chose
        self.playing_on = self.rng.random(games) < PLAYED_ON
        self.statistics: dict[str, int] = {"games": 0, "moves": 0, "would_resign": 0, "wrongly": 0, "black_wins": 0}
        self.elo = 0.0
        self.begun = 0, time.monotonic()
        """Games so far, and the clock, when this session began."""
        for game in range(games):
            self.begin(game)

    # What is given out

    def generate(self) -> Iterator[dict[str, Tensor]]:
        c, world = self.config, processes.world_size()
        local = c.batch_size // world
        for batch in range(self.position, 2**62):
            wanted = WARM_UP * local + batch * local / c.reuse
            if batch % c.match_every == 0 and batch:
                self.hold_match()
            elif not c.gate:
                self.use(self.freeze())
            while self.replay.added < wanted:
                self.play_move()
            yield self.sample(local)

    def sample(self, count: int) -> dict[str, Tensor]:
        """Positions of the window, each turned and mirrored at random."""
        planes, policies, results = self.replay.sample(self.rng.integers(len(self.replay), size=count))
        chosen = self.rng.integers(len(self.cells), size=count)
        turned = np.empty_like(planes)
        np.put_along_axis(turned, np.repeat(self.cells[chosen][:, None], planes.shape[1], 1), planes, 2)
        policy = np.empty_like(policies)
        np.put_along_axis(policy, self.actions[chosen], policies, 1)
        device = next(self.network.parameters()).device
        shaped = turned.reshape(*turned.shape[:2], self.rules.rows, self.rules.columns)
        return {
            "planes": torch.from_numpy(shaped).float().to(device),
            "policy": torch.from_numpy(policy).to(device),
            "result": torch.from_numpy(results).to(device),
        }

    # Games

    def freeze(self) -> Network:
        """The network as it is now, to play with."""
        return fuse(self.network).to(self.dtype)

    def use(self, network: Network) -> None:
        """Let this network play from now on."""
        self.player = self.evaluator.network = network

    def play_move(self) -> None:
        """One move in every game."""
        search, states, count = self.search, self.search.states, len(self.search.states)
        visits = search.search()
        at = states[:, r.MOVES].copy()
        encoded = np.empty((count, *self.replay.shape), np.uint8)
        encode_all(
            self.rules, states, np.broadcast_to(np.arange(self.replay.shape[1]), (count, self.replay.shape[1])), encoded
        )
        self.planes[np.arange(count), at] = np.packbits(encoded.reshape(count, -1), axis=1)
        self.policies[np.arange(count), at] = visits / visits.sum(1, keepdims=True)
        mover, exploring = states[:, r.TO_PLAY] - 1, at < self.config.explore_moves
        values = np.where(exploring, 1, search.root_values)
        self.lowest[np.arange(count), mover] = np.minimum(self.lowest[np.arange(count), mover], values)
        actions = pick_actions(visits, exploring.astype(np.float64), self.rng)
        resigns = (values < self.config.resign_below) & ~self.playing_on
        for game in range(count):
            if resigns[game]:
                self.finish(game, 1 - int(mover[game]), int(at[game]))
                continue
            search.play(game, int(actions[game]))
            if states[game, r.OVER]:
                self.finish(game, int(states[game, r.WINNER]) - 1, int(at[game]) + 1)

    def begin(self, game: int) -> None:
        """A new game, after an opening of random moves where the Config asks for some."""
        self.search.reset(game)
        if most := self.config.opening_moves:
            seed, moves = self.rng.integers(2**31), int(self.rng.integers(most + 1))
            self.search.set_state(game, random_openings(self.rules, np.array([seed]), moves)[0])
        self.first[game] = self.search.states[game, r.MOVES]

    def finish(self, game: int, winner: int, moves: int) -> None:
        """Take in the positions of a game, won by 0 (Black), 1 (White) or −1 (nobody), and begin a new one."""
        chosen = np.arange(self.first[game], moves)
        results = np.zeros(len(chosen)) if winner < 0 else np.where(chosen % 2 == winner, 1, -1)
        self.replay.add(self.planes[game, chosen], self.policies[game, chosen], results)
        s = self.statistics
        if self.playing_on[game]:
            would = self.lowest[game] < self.config.resign_below
            s["would_resign"] += int(would.any())
            s["wrongly"] += int(winner < 0 and would.any()) + int(winner >= 0 and would[winner])
        s["games"], s["moves"], s["black_wins"] = s["games"] + 1, s["moves"] + moves, s["black_wins"] + (winner == 0)
        self.lowest[game] = 1
        self.playing_on[game] = self.rng.random() < PLAYED_ON
        self.begin(game)

    def pace(self) -> float:
        """Games a second since this session began, the time for learning and matches counted."""
        games, clock = self.begun
        return (self.statistics["games"] - games) / max(time.monotonic() - clock, 1e-9)

    def hold_match(self) -> None:
        """Let the newest network meet the one of the last match: its rating grows by the difference that the score shows."""
        c, newest = self.config, self.freeze()
        rng = np.random.default_rng([self.seed, self.position])
        seat = lambda network: SearchPlayer(
            self.rules, NetworkEvaluator(network, self.rules, rng), search_options(c, noise=0.0), rng
        )
        openings = random_openings(self.rules, self.position + np.arange(MATCH_GAMES) // 2, 2)
        black = np.arange(MATCH_GAMES) % 2 == 0
        score = float(play_match(self.rules, seat(newest), seat(self.previous), openings, black).scores.mean())
        if score >= c.gate:
            self.elo += elo_difference(score, MATCH_GAMES)[0]
            self.previous = newest
            self.use(newest)
        else:
            self.use(self.previous)

    # The state

    def state_dict(self) -> dict[str, Any]:
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in self.search.state_dict().items()
        }
        own = ("planes", "policies", "lowest", "first", "playing_on")
        return {
            "position": self.position,
            "replay": self.replay.state_dict(),
            "search": tensors,
            **{name: torch.from_numpy(getattr(self, name).copy()) for name in own},
            "statistics": dict(self.statistics),
            "elo": self.elo,
            "rng": copy.deepcopy(self.rng.bit_generator.state),
            "previous": self.previous.state_dict(),
            "player": self.player.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position, self.elo, self.statistics = state["position"], state["elo"], dict(state["statistics"])
        self.begun = self.statistics["games"], time.monotonic()
        self.replay.load_state_dict(state["replay"])
        self.search.load_state_dict({name: tensor.numpy() for name, tensor in state["search"].items()})
        for name in ("planes", "policies", "lowest", "first", "playing_on"):
            getattr(self, name)[:] = state[name].numpy()
        self.rng.bit_generator.state = state["rng"]
        self.previous, self.player = self.freeze(), self.freeze()
        self.previous.load_state_dict(state["previous"])
        self.player.load_state_dict(state["player"])
        self.use(self.player)


def search_options(
    config: Config, *, noise: float | None = None, playouts: int | None = None, leaves: int = 1
) -> SearchOptions:
    """The search of a Config: by default, that of self-play."""
    rules = config.rules
    return SearchOptions(
        playouts=playouts or config.playouts, leaves=leaves, c_init=config.c_init, c_base=config.c_base,
        fpu_reduction=config.fpu_reduction, noise=config.noise if noise is None else noise,
        alpha=config.alpha or 0.03 * 361 / (rules.rows * rules.columns),
    )  # fmt: skip
