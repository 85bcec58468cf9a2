"""Who can play: a search, another program that speaks GTP; and matches between two of them."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from potmeter.core.progress import progress
from potmeter.errors import UserError, reject

from . import rules as r
from .rules import Rules
from .search import Evaluator, Search, SearchOptions, pick_actions
from .vertices import name_action, parse_action


class Player(Protocol):
    """Plays one side of many games at once."""

    def begin(self, states: np.ndarray) -> None:
        """Go to the first positions (games, length)."""
        ...

    def choose(self, games: np.ndarray) -> np.ndarray:
        """Actions, int64 (games,), of which those of the games (bool) are played."""
        ...

    def follow(self, games: np.ndarray, actions: np.ndarray) -> None:
        """Take note of actions in the games (bool), the own ones among them."""
        ...


class SearchPlayer:
    """Plays the most visited action of a search.

    Args:
        rules, evaluate, options: As of ``Search``.
        rng: Of noise, where there is any.
    """

    def __init__(self, rules: Rules, evaluate: Evaluator, options: SearchOptions, rng: np.random.Generator) -> None:
        self.rules, self.evaluate, self.options, self.rng = rules, evaluate, options, rng

    def begin(self, states: np.ndarray) -> None:
        self.search = Search(self.rules, self.evaluate, len(states), self.options, self.rng)
        for game, state in enumerate(states):
            self.search.set_state(game, state)

    def choose(self, games: np.ndarray) -> np.ndarray:
        visits = self.search.search(games)
        return pick_actions(visits, np.zeros(len(visits)), self.rng)

    def follow(self, games: np.ndarray, actions: np.ndarray) -> None:
        for game in np.flatnonzero(games):
            self.search.play(int(game), int(actions[game]))


class ProgramPlayer:
    """Another program of Go that speaks GTP on its standard input and output.

    Args:
        rules: Of Go.
        command: How it is started, as ``gnugo --mode gtp``.

    Raises:
        UserError: It cannot be started, or answers with an error.
    """

    def __init__(self, rules: Rules, command: str) -> None:
        self.rules, self.command = rules, command
        try:
            self.arguments = shlex.split(command)
        except ValueError as error:
            raise UserError(f"The program's command cannot be read: {error}.", received=command) from None
        self.arguments or reject("The program's command is empty.", command)
        self.programs: list[subprocess.Popen[str]] = []

    @property
    def name(self) -> str:
        """What the program is called: the first word of its command."""
        return self.arguments[0].rpartition("/")[2]

    def begin(self, states: np.ndarray) -> None:
        self.close()
        self.states, self.moved = states.copy(), np.zeros(len(states), bool)
        for state in states:
            self.programs.append(self.start())
            self.ask(-1, f"boardsize {self.rules.rows}")
            self.ask(-1, "clear_board")
            self.ask(-1, f"komi {self.rules.twice_komi / 2:g}")
            for colour, vertex in stones_of(self.rules, state):
                self.ask(-1, f"play {colour} {vertex}")

    def start(self) -> subprocess.Popen[str]:
        """Start the program."""
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        try:
            return subprocess.Popen(self.arguments, text=True, **pipes)
        except (OSError, ValueError) as error:
            raise UserError(f"The program cannot be started: {error}.", received=self.command) from None

    def ask(self, game: int, line: str) -> str:
        """One command's answer."""
        stdin, stdout = self.programs[game].stdin, self.programs[game].stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the program was started without pipes")
        try:
            stdin.write(line + "\n")
            stdin.flush()
            answer: list[str] = []
            while (text := stdout.readline()).strip() or not answer:
                text or reject("The program has ended.", self.command)
                answer += [text.strip()] if text.strip() else []
        except OSError:
            reject("The program has ended.", self.command)
        answer[0].startswith("=") or reject(f"The program refuses {line!r}.", " ".join(answer))
        return " ".join(answer)[1:].strip()

    def choose(self, games: np.ndarray) -> np.ndarray:
        actions = np.full(len(self.states), -1)
        self.moved = games  # there the program has played on its own board already
        for game in np.flatnonzero(games):
            colour = "black" if self.states[game][r.TO_PLAY] == r.BLACK else "white"
            answer = self.ask(int(game), f"genmove {colour}").lower()
            if answer != "resign":
                actions[game] = parse_action(self.rules, answer)
        return actions

    def follow(self, games: np.ndarray, actions: np.ndarray) -> None:
        for game in np.flatnonzero(games):
            state, action = self.states[game], int(actions[game])
            colour = "black" if state[r.TO_PLAY] == r.BLACK else "white"
            if not self.moved[game]:
                self.ask(int(game), f"play {colour} {name_action(self.rules, action)}")
            r.play(self.rules, state, action)
        self.moved = np.zeros(len(self.states), bool)

    def close(self) -> None:
        """End the programs that this player started."""
        for program in self.programs:
            program.terminate()
            for pipe in (program.stdin, program.stdout):
                with contextlib.suppress(OSError):  # of what it no longer reads
                    pipe and pipe.close()
            program.wait()
        self.programs = []


def stones_of(rules: Rules, state: np.ndarray) -> list[tuple[str, str]]:
    """The stones on the board, each a colour and a vertex."""
    board = state[rules.board : rules.board + rules.points]
    pieces = [(cell, board[r.point_of(rules, cell)]) for cell in range(rules.rows * rules.columns)]
    return [("black" if piece == r.BLACK else "white", name_action(rules, cell)) for cell, piece in pieces if piece]


# Matches ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """Games that two players have played."""

    results: np.ndarray
    """float64 (games,) for the first player: 1 won, 0 drawn, −1 lost."""
    black: np.ndarray
    """bool (games,): where the first player was Black."""
    actions: list[list[int]]
    """Of each game, those after its opening."""

    @property
    def scores(self) -> np.ndarray:
        """float32 (games,): 1, ½ or 0."""
        return ((self.results + 1) / 2).astype(np.float32)


def play_match(rules: Rules, player: Player, opponent: Player, openings: np.ndarray, black: np.ndarray) -> Match:
    """Play games to their end, side by side.

    Args:
        rules: The game.
        player, opponent: The two.
        openings: First positions, int64 (games, length).
        black: bool (games,): where ``player`` is Black.
    """
    states, count = openings.copy(), len(openings)
    played: list[list[int]] = [[] for _ in range(count)]
    resigned = np.zeros(count, np.int64)
    for one in (player, opponent):
        one.begin(openings)
    for _ in progress(range(rules.max_moves), "moves"):
        live = (states[:, r.OVER] == 0) & (resigned == 0)
        if not live.any():
            break
        first = live & (black == (states[:, r.TO_PLAY] == r.BLACK))
        actions = np.where(first, player.choose(first), -1) if first.any() else np.full(count, -1)
        other = live & ~first
        actions = np.where(other, opponent.choose(other), actions) if other.any() else actions
        for game in np.flatnonzero(live):
            action = int(actions[game])
            if action < 0 or not r.is_legal(
                rules, states[game], action
            ):  # resigned, or lost by a move against the rules
                resigned[game] = states[game, r.TO_PLAY]
                continue
            r.play(rules, states[game], action)
            played[game].append(action)
        moved = live & (resigned == 0)
        for one in (player, opponent):
            one.follow(moved, actions)
    colour = np.where(black, r.BLACK, r.WHITE)
    results = [
        (-1.0 if resigned[g] == colour[g] else 1.0) if resigned[g] else r.outcome(rules, states[g], colour[g])
        for g in range(count)
    ]
    return Match(np.array(results), black, played)


def random_openings(rules: Rules, seeds: np.ndarray, moves: int) -> np.ndarray:
    """Positions after so many random moves, none of them a pass: int64 (seeds, length); the same for the same seed."""
    states = np.zeros((len(seeds), rules.length), np.int64)
    for state, seed in zip(states, seeds, strict=True):
        rng = np.random.default_rng([int(seed), 2017])
        over = True
        while over:
            r.reset(rules, state)
            for _ in range(moves):
                legal = [a for a in range(rules.actions) if not is_pass(rules, a) and r.is_legal(rules, state, a)]
                r.play(rules, state, int(rng.choice(legal))) if legal and not state[r.OVER] else None
            over = bool(state[r.OVER])
    return states


def is_pass(rules: Rules, action: int) -> bool:
    """Whether an action is the pass."""
    return rules.kind == r.GO and action == rules.actions - 1


def elo_difference(score: float, games: int) -> tuple[float, float, float]:
    """How many Elo points a player is ahead who scores so much a game, with the bounds of the 95 % interval (Wilson's).

    A score of 0 or 1 counts as half a point short of it, since no finite difference gives it.
    """
    z, n = 1.96, max(games, 1)
    middle = (score + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (score * (1 - score) / n + z * z / (4 * n * n)) ** 0.5
    elo = lambda p: float(400 * np.log10(p / (1 - p)))
    clip = lambda p: min(max(p, 0.5 / n), 1 - 0.5 / n)
    return elo(clip(score)), elo(clip(middle - half)), elo(clip(middle + half))


def every_line(player: Player, rules: Rules) -> np.ndarray:
    """All games in which a player meets every legal answer, as either colour: float32 (games,), 1 where it loses.

    Only of games as small as tic-tac-toe. The player must choose the same in the same position.
    """
    lost: list[float] = []
    for colour in (r.BLACK, r.WHITE):
        start = np.zeros(rules.length, np.int64)
        r.reset(rules, start)
        states = [start]
        while states:
            following = []
            mine = np.array([state[r.TO_PLAY] == colour for state in states])
            unique, places = np.unique(np.stack(states), axis=0, return_inverse=True)
            actions = np.zeros(len(unique), np.int64)
            if mine.any():
                player.begin(unique)
                actions = player.choose(np.array([state[r.TO_PLAY] == colour for state in unique]))
            for state, place in zip(states, places.ravel(), strict=True):
                legal = [a for a in range(rules.actions) if r.is_legal(rules, state, a)]
                for action in [int(actions[place])] if state[r.TO_PLAY] == colour else legal:
                    after = state.copy()
                    r.play(rules, after, action)
                    if after[r.OVER]:
                        lost.append(float(r.outcome(rules, after, colour) < 0))
                    else:
                        following.append(after)
            states = following
    return np.array(lost, np.float32)
