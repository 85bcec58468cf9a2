"""AlphaGo Zero as a system: experience from self-play, two losses, training, use."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import reject
from potmeter.media import Game, Image, Table, Text

from . import model
from . import rules as r
from .evaluators import NetworkEvaluator, RolloutEvaluator
from .gtp import GtpEngine
from .players import (
    Match,
    Player,
    ProgramPlayer,
    SearchPlayer,
    elo_difference,
    every_line,
    play_match,
    random_openings,
)  # fmt: skip
from .positions import Position, play_through, record
from .presets import PRESETS
from .results import MatchResult
from .search import Evaluator, Search
from .self_play import SelfPlay, search_options
from .thoughts import Thoughts, draw_planes, draw_position, list_moves
from .vertices import name_action

OPENING_MOVES = {r.GO: 2, r.TIC_TAC_TOE: 1, r.CONNECT_FOUR: 2}
"""Random moves with which the games of a match begin, so that no two are alike."""
GNUGO = "gnugo --mode gtp --level 10 --chinese-rules --positional-superko --play-out-aftermath --capture-all-dead"
"""GNU Go so that the area that stands at the end is right: it takes what is dead."""
PLAYOUTS_AGAINST_GNUGO = 400
"""As ``potmeter gtp`` plays; so do the untrained network and the search without one that are measured beside."""
LIVE_PLAYOUTS = 32
"""Visits of the root for each move of the games that are kept while it trains."""
AT_ONCE = 10
"""Games that are played against another program side by side, each with a process of its own."""


class AlphaZero(System):
    """Learns a board game from its rules alone, by playing against itself (Silver et al. 2017)."""

    name = "alphazero"
    Config = model.Config
    presets = PRESETS
    goal = Goal("mcts_score", "higher", tolerance=0.03)

    # 1. Experience: games against itself; what is measured on are openings

    @classmethod
    def data(cls, config: model.Config) -> Splits:  # type: ignore[override]
        """Seeds of openings: what is trained on comes from self-play, what is measured are games from these."""
        games = lambda first, count: TensorData(opening=first + torch.arange(count) // 2)
        return Splits(games(0, 2), games(10_000, 60), games(20_000, 200), dataset=f"self-play, {describe_game(config)}")

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.network = model.Network(config)
        self.rules = config.rules
        self.experience: SelfPlay | None = None

    def forward(self, planes: Tensor) -> Tensor:
        """Logits (B, actions) of feature planes (B, 2 history + 1, rows, columns); ``predict`` gives values too."""
        logits, _ = self.network(planes)
        return logits

    def predict(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, actions), and the expected results for the players to move (B,), −1 to 1."""
        logits, values = self.network(planes)
        return logits, values

    # 3. The loss: cross-entropy with the visits of the search, squared error of the result

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits, value = self.network(batch["planes"])
        log_policy = logits.log_softmax(1)
        policy = -(batch["policy"] * log_policy).sum(1).mean()
        squared = F.mse_loss(value, batch["result"])
        entropy = -(log_policy.exp() * log_policy).sum(1).mean().detach()
        return {"loss": policy + squared, "policy": policy, "value": squared, "entropy": entropy}

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        return {"network": SGD(self.parameters(), lr=c.lr, momentum=0.9, weight_decay=c.weight_decay)}

    def batches(self, splits: Splits, trainer: TrainingLoop) -> SelfPlay:
        self.experience = SelfPlay(self.network, self.config, seed=trainer.seed)
        return self.experience

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """One step on positions of self-play; the log shows, besides the losses, how many games and the Elo rating.

        Of several processes each counts its own games; that of them all is taken to be as many times as large.
        """
        losses = super().step(batch, trainer)
        if self.experience is not None:
            s, world = self.experience.statistics, processes.world_size()
            losses["games"] = torch.tensor(float(world * s["games"]))
            losses["games_per_s"] = torch.tensor(world * self.experience.pace())
            losses["moves_per_game"] = torch.tensor(s["moves"] / max(s["games"], 1))
            losses["elo"] = torch.tensor(self.experience.elo)
            if self.config.resign_below > -1:
                losses["wrong_resignations"] = torch.tensor(s["wrongly"] / max(s["would_resign"], 1))
        return losses

    def validate(self, data: Any) -> dict[str, Tensor]:
        """Games against a search without a network, at as many playouts."""
        return {"mcts_score": self.score(self.player(self.network), data, self.mcts_player())}

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """``validate``; of tic-tac-toe also every game there can be, of Go, where it is installed, games against GNU Go."""
        return self.measure(self.network, data)

    def measure(self, network: model.Network, data: Any) -> dict[str, Tensor]:
        """The metrics of a network."""
        values = {"mcts_score": self.score(self.player(network), data, self.mcts_player())}
        if self.rules.kind == r.TIC_TAC_TOE:
            values["lines_lost"] = self.lines_lost(NetworkEvaluator(model.fuse(network), self.rules))
        if self.rules.kind == r.GO and self.rules.rows >= 5 and gnugo_command():
            values["gnugo_score"] = self.score_against_program(network, data, str(gnugo_command()))
        return values

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The same search with an untrained network, and the search without a network."""
        torch.manual_seed(0)
        untrained = self.measure(model.Network(self.config).eval().to(self.device), splits.test)
        values = {f"random_network_{name}": float(scores.mean()) for name, scores in untrained.items()}
        values["pure_mcts_mcts_score"] = float(self.score(self.mcts_player(4), splits.test, self.mcts_player(5)).mean())
        if self.rules.kind == r.TIC_TAC_TOE:
            values["pure_mcts_lines_lost"] = float(self.lines_lost(self.mcts_player(4).evaluate).mean())
        if "gnugo_score" in untrained:
            scores = self.score_against_program(None, splits.test, str(gnugo_command()))
            values["pure_mcts_gnugo_score"] = float(scores.mean())
        return values

    def describe_metrics(self) -> dict[str, str]:
        playouts = f"{self.config.playouts} playouts a move, openings of {OPENING_MOVES[self.rules.kind]} random moves"
        against = f"{PLAYOUTS_AGAINST_GNUGO} playouts a move, the same openings, komi {self.config.komi:g}; {GNUGO}"
        return {"mcts_score": playouts, "gnugo_score": against}

    # Who plays

    def player(self, network: nn.Module, playouts: int | None = None) -> SearchPlayer:
        """A search with a network, the same every time."""
        rng = np.random.default_rng(1)
        fused = model.fuse(network) if isinstance(network, model.Network) else network
        options = search_options(self.config, noise=0.0, playouts=playouts)
        return SearchPlayer(self.rules, NetworkEvaluator(fused, self.rules, rng), options, rng)

    def mcts_player(self, seed: int = 2, playouts: int | None = None) -> SearchPlayer:
        """A search whose values are results of random games."""
        rng = np.random.default_rng(seed)
        options = search_options(self.config, noise=0.0, playouts=playouts)
        return SearchPlayer(self.rules, RolloutEvaluator(self.rules, rng), options, rng)

    def score(self, player: Player, data: Any, opponent: Player) -> Tensor:
        """Points of a player, 1, ½ or 0, in a game from each opening of the data, in turn as Black and White: (N,)."""
        return torch.from_numpy(self.meet(player, data.tensors["opening"].numpy(), opponent).scores)

    def meet(self, player: Player, seeds: np.ndarray, opponent: Player) -> Match:
        """A game from the opening of each seed, in turn as Black and White."""
        openings = random_openings(self.rules, seeds, OPENING_MOVES[self.rules.kind])
        return play_match(self.rules, player, opponent, openings, np.arange(len(seeds)) % 2 == 0)

    def lines_lost(self, evaluate: Evaluator) -> Tensor:
        """Whether each game is lost that an opponent can lead it into, by whatever moves, as either colour: (lines,)."""
        rng = np.random.default_rng(0)
        options = search_options(self.config, noise=0.0)
        return torch.from_numpy(every_line(SearchPlayer(self.rules, evaluate, options, rng), self.rules))

    def score_against_program(self, network: nn.Module | None, data: Any, command: str) -> Tensor:
        """The same against another program, some games at a time; without a network, of the search without one."""
        scores = []
        for seeds in np.array_split(data.tensors["opening"].numpy(), -(-len(data) // AT_ONCE)):
            opponent = ProgramPlayer(self.rules, command)
            try:
                seat = self.mcts_player if network is None else partial(self.player, network)
                player = seat(playouts=PLAYOUTS_AGAINST_GNUGO)
                scores.append(self.meet(player, seeds, opponent).scores)
            finally:
                opponent.close()
        return torch.from_numpy(np.concatenate(scores))

    # 5. Use

    def run(
        self,
        position: Game | None = None,
        *,
        moves: str = "",
        playouts: Annotated[int, Range(2, 100_000)] = 200,
    ) -> Thoughts:
        """Look ahead from a position, and name the best move.

        Args:
            position: a game of Go so far, as SGF; default: the empty board
            moves: further moves, separated by spaces, as D4 or pass
            playouts: visits of the root
        """
        at = self.require_going_on(play_through(self.rules, position, moves))
        network = model.fuse(self.network)
        rng = np.random.default_rng(0)
        evaluate = NetworkEvaluator(network, self.rules, rng)
        options = search_options(self.config, noise=0.0, playouts=playouts, leaves=1 if playouts < 64 else 8)
        search = Search(self.rules, evaluate, 1, options, rng)
        search.set_state(0, at.state)
        visits = search.search()[0]
        return Thoughts(
            move=most_visited(self.rules, visits),
            board=draw_position(self.rules, at.state, visits / max(visits.sum(), 1)),
            moves=list_moves(search, search.trees.prior[0, 0]),
        )

    @task
    def planes(self, position: Game | None = None, *, moves: str = "") -> Image:
        """What the network sees of a position: for every remembered move the own and the other's stones, and who plays.

        Args:
            position: a game of Go so far, as SGF; default: the empty board
            moves: further moves, separated by spaces, as D4 or pass
        """
        return draw_planes(self.rules, play_through(self.rules, position, moves).state)

    @task
    def play(
        self,
        *,
        opponent: Path | None = None,
        games: Annotated[int, Range(2, 400)] = 20,
        playouts: Annotated[int, Range(2, 100_000)] = 100,
        handicap: Annotated[int, Range(1, 100)] = 1,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> MatchResult:
        """Play a match: against other weights, or against the search without a network.

        Args:
            opponent: a folder of weights for the same game; default: the search without a network
            games: how many, half of them as Black; two of them from each opening
            playouts: visits of the root for each move
            handicap: the opponent has so many times the playouts
            seed: start of the openings
        """
        if opponent is None:
            rival: Player = self.mcts_player(2, playouts * handicap)
        else:
            other = type(self).from_pretrained(opponent)
            (other.config.game == self.config.game and other.rules.actions == self.rules.actions) or reject(
                f"Those weights play {describe_game(other.config)}, these {describe_game(self.config)}.", str(opponent)
            )
            rival = other.to(self.device).player(other.network, playouts * handicap)
        return self.summarise_match(
            self.meet_for(self.player(self.network, playouts), rival, games, seed), games, seed, "opponent"
        )

    @task
    def match(
        self,
        command: Path = Path(GNUGO),
        *,
        games: Annotated[int, Range(2, 400)] = 10,
        playouts: Annotated[int, Range(2, 100_000)] = 400,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> MatchResult:
        """Play a match of Go against another program that speaks GTP.

        Args:
            command: how the program is started
            games: how many, half of them as Black; two of them from each opening
            playouts: visits of the root for each move
            seed: start of the openings
        """
        self.rules.kind == r.GO or reject("GTP is a protocol for Go.", describe_game(self.config))
        rival = ProgramPlayer(self.rules, str(command))
        try:
            return self.summarise_match(
                self.meet_for(self.player(self.network, playouts), rival, games, seed), games, seed, rival.name
            )
        finally:
            rival.close()

    def meet_for(self, player: Player, rival: Player, games: int, seed: int) -> Match:
        """A match over so many games."""
        return self.meet(player, 30_000 + seed * 1000 + np.arange(games) // 2, rival)

    def summarise_match(self, match: Match, games: int, seed: int, rival: str) -> MatchResult:
        """Points, the Elo difference with its interval, and the first game."""
        scores = match.scores
        elo, low, high = elo_difference(float(scores.mean()), games)
        won, drawn = int((scores == 1).sum()), int((scores == 0.5).sum())
        row = (games, won, drawn, games - won - drawn, float(scores.mean()), round(elo), round(low), round(high))
        opening = random_openings(self.rules, np.array([30_000 + seed * 1000]), OPENING_MOVES[self.rules.kind])[0]
        players = (self.name, rival) if match.black[0] else (rival, self.name)
        return MatchResult(
            table=Table(("games", "won", "drawn", "lost", "points a game", "Elo difference", "from", "to"), [row]),
            first_game=record(
                self.rules, opening, match.actions[0], players, float(match.results[0]), bool(match.black[0])
            ),
        )

    def require_going_on(self, position: Position) -> Position:
        """A position in which somebody can move."""
        not position.state[r.OVER] or reject("The game is over.", position.moves[-1] if position.moves else "no move")
        return position

    def gtp(self, playouts: int = 400) -> GtpEngine:
        """An engine that answers in the Go Text Protocol. Raises UserError where the game is not Go."""
        self.rules.kind == r.GO or reject("GTP is a protocol for Go.", describe_game(self.config))
        return GtpEngine(self.config, self.network, playouts)

    def illustrate(self) -> Game:
        """A game against itself."""
        start = random_openings(self.rules, np.zeros(1, np.int64), 0)
        one, other = (self.player(self.network, LIVE_PLAYOUTS) for _ in range(2))
        match = play_match(self.rules, one, other, start, np.ones(1, bool))
        return record(self.rules, start[0], match.actions[0], ("", ""), float(match.results[0]), True)

    def examples(self) -> list[Example]:
        if self.rules.kind == r.TIC_TAC_TOE:
            return [
                Example("Black took the centre: a corner holds the draw, an edge loses", moves="B2"),
                Example("Two in a row: where must White go?", moves="B2 A3 A2"),
                Example("A match with a search that has no network", task="play", games=20, playouts=48),
                Example("What the network sees", task="planes", moves="B2 A3 A2"),
            ]
        if self.rules.kind == r.CONNECT_FOUR:
            return [
                Example("The first move", moves=""),
                Example("A match with a search that has no network", task="play", games=20, playouts=50),
                Example("What the network sees", task="planes", moves="D D C E"),
            ]
        return [
            Example("A fight on a small board: where must Black play?", moves="C3 C2 D2 B3 B2 D3"),
            Example("The first move", moves=""),
            Example("A match with a search that has no network, which looks ten times as far", task="play", games=4,
                    playouts=50, handicap=10),
            Example("The slide: a position, and what the network sees of it", task="planes", moves="C3 C2 D2 B3 B2 D3"),
        ]  # fmt: skip

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        shape = (2, 2 * self.config.history + 1, self.rules.rows, self.rules.columns)
        return {"network": (self.network, (torch.rand(shape),))}


def most_visited(rules: r.Rules, visits: np.ndarray) -> Text:
    """The most visited move as text."""
    return Text(name_action(rules, int(visits.argmax())))


def describe_game(config: model.Config) -> str:
    """A game in words: go 5 × 5, komi 24.5."""
    return f"go {config.size} × {config.size}, komi {config.komi:g}" if config.game == "go" else config.game


def gnugo_command() -> str | None:
    """How GNU Go is started, where it is installed."""
    program = shutil.which("gnugo") or shutil.which("gnugo", path="/usr/games")
    return program + GNUGO.removeprefix("gnugo") if program else None
