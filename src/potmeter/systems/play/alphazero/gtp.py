"""The Go Text Protocol, version 2: the engine that any graphical board of Go can play with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from potmeter.errors import UserError, reject
from potmeter.version import __version__

from . import rules as r
from .evaluators import NetworkEvaluator
from .model import Config, Network, fuse
from .search import Search
from .self_play import search_options
from .thoughts import pieces_of, principal_variation
from .vertices import name_action, parse_action

MOST_PLAYOUTS = 3200
"""Most visits of the root for a move, where a clock runs or it is asked for more."""
RESIGN = -0.95
"""Value of the root below which the engine resigns."""
MAX_LINE = 10_000
"""Characters of a command; longer ones are nonsense."""
COLOURS = {"b": r.BLACK, "black": r.BLACK, "w": r.WHITE, "white": r.WHITE}


class Refused(Exception):
    """A command that is answered with an error."""


class GtpEngine:
    """Answers commands; whatever they are, it never ends of itself and never plays against the rules.

    Args:
        config: The Config: board, and search.
        network: The network.
        playouts: Visits of the root for each move where no clock runs; at least 2, or no move has any.

    Raises:
        UserError: Fewer.

    Example:
        >>> from .presets import PRESETS
        >>> engine = GtpEngine(PRESETS["lecture"], Network(PRESETS["lecture"]).eval())
        >>> print("".join(engine.serve(["1 protocol_version", "nonsense"])), end="")
        =1 2
        <BLANKLINE>
        ? unknown command
        <BLANKLINE>
    """

    def __init__(self, config: Config, network: Network, playouts: int = 400) -> None:
        playouts >= 2 or reject("playouts must be at least 2.", playouts)
        self.config, self.playouts = config, playouts
        self.network = fuse(network)
        self.rules = config.rules
        self.rng = np.random.default_rng()
        self.clock: tuple[float, float, int] | None = None
        self.left: dict[int, tuple[float, int]] = {}
        self.speed = 200.0  # playouts a second, measured as it plays
        self.commands: dict[str, Callable[[list[str]], str]] = {
            "protocol_version": lambda _: "2",
            "name": lambda _: "potmeter alphazero",
            "version": lambda _: __version__,
            "known_command": lambda words: "true" if words and words[0] in self.commands else "false",
            "list_commands": lambda _: "\n".join(self.commands),
            "quit": lambda _: "",
            "boardsize": self.set_size,
            "clear_board": self.clear,
            "komi": self.set_komi,
            "play": self.play,
            "genmove": self.generate_move,
            "undo": self.undo,
            "showboard": lambda _: "\n" + self.show(),
            "final_score": self.score,
            "time_settings": self.set_clock,
            "time_left": self.set_time_left,
            "lz-analyze": self.analyze,
        }
        self.clear([])

    def serve(self, lines: Iterable[str]) -> Iterator[str]:
        """The answer to each command, until ``quit`` or the end."""
        for line in lines:
            words = (
                "".join(c for c in line.partition("#")[0] if c == "\t" or c >= " ").split()
                if len(line) <= MAX_LINE
                else ["?"]
            )
            if not words:
                continue
            number = words.pop(0) if words[0].isdigit() and len(words[0]) < 10 else ""
            name = words.pop(0) if words else ""
            try:
                command = self.commands.get(name)
                if command is None:
                    raise Refused("unknown command")
                answer, mark = command(words), "="
            except (Refused, UserError) as error:
                answer, mark = str(error), "?"
            yield f"{mark}{number} {answer}".rstrip(" ") + "\n\n"
            if name == "quit":
                return

    # The game

    def clear(self, words: list[str]) -> str:
        """Begin anew."""
        options = search_options(self.config, noise=0.0, playouts=max(MOST_PLAYOUTS, self.playouts), leaves=8)
        self.search = Search(self.rules, NetworkEvaluator(self.network, self.rules, self.rng), 1, options, self.rng)
        self.past: list[np.ndarray] = []
        return ""

    @property
    def state(self) -> np.ndarray:
        """The position."""
        return self.search.states[0]

    def set_size(self, words: list[str]) -> str:
        """The network has learned on one size only."""
        if not words or words[0] != str(self.rules.rows):
            raise Refused("unacceptable size")
        return self.clear([])

    def set_komi(self, words: list[str]) -> str:
        """Any multiple of one half; the network has learned with its own."""
        komi = self.number(words, 0)
        if not (2 * komi).is_integer() or abs(komi) > 400:
            raise Refused("komi is a multiple of one half")
        self.rules = self.rules._replace(twice_komi=round(2 * komi))
        self.search.rules = self.rules
        self.search.forget(0)
        return ""

    def number(self, words: list[str], place: int) -> float:
        """A finite number."""
        try:
            value = float(words[place])
        except (IndexError, ValueError):
            raise Refused("syntax error") from None
        if not np.isfinite(value):
            raise Refused("syntax error")
        return value

    def colour(self, words: list[str]) -> int:
        """Black or White."""
        if not words or words[0].casefold() not in COLOURS:
            raise Refused("syntax error")
        return COLOURS[words[0].casefold()]

    def take_turn(self, colour: int) -> None:
        """Make it a player's turn: the protocol lets one play twice in a row."""
        if self.state[r.TO_PLAY] != colour:
            self.state[r.TO_PLAY] = colour
            self.search.forget(0)

    def play(self, words: list[str]) -> str:
        """Play a move of the other's."""
        colour = self.colour(words)
        if len(words) < 2:
            raise Refused("syntax error")
        try:
            action = parse_action(self.rules, words[1])
        except UserError:
            raise Refused("syntax error") from None
        before = self.state.copy()
        self.take_turn(colour)
        self.state[r.OVER] = 0  # after two passes they may agree to go on
        if before[r.MOVES] >= self.rules.max_moves - 1 or not r.is_legal(self.rules, self.state, action):
            self.search.set_state(0, before)
            raise Refused("illegal move")
        self.past.append(before)
        self.search.play(0, action)
        return ""

    def generate_move(self, words: list[str]) -> str:
        """Look ahead, and play."""
        colour = self.colour(words)
        before = self.state.copy()
        if before[r.MOVES] >= self.rules.max_moves - 1:
            return "pass"
        self.take_turn(colour)
        self.state[r.OVER] = 0
        visits = self.think(self.playouts_for(colour))
        value = float(self.search.root_values[0])
        if value < RESIGN and self.state[r.MOVES] > self.rules.rows:
            return "resign"
        self.past.append(before)
        action = int(visits.argmax())
        self.search.play(0, action)
        return name_action(self.rules, action)

    def think(self, playouts: int) -> np.ndarray:
        """Visits of the root's actions (actions,) after so many playouts, those of a kept tree counted."""
        started, done = time.monotonic(), int(self.search.trees.node_visits[0, 0])
        active = np.ones(1, bool)
        while self.search.grow(active, playouts):
            pass
        grown = int(self.search.trees.node_visits[0, 0]) - done
        if grown > 50:
            self.speed = grown / max(time.monotonic() - started, 1e-3)
        return self.search.visits[0]

    def undo(self, words: list[str]) -> str:
        """Take the last move back."""
        if not self.past:
            raise Refused("cannot undo")
        self.search.set_state(0, self.past.pop())
        return ""

    def score(self, words: list[str]) -> str:
        """The area as it stands, dead stones counted as alive."""
        lead = r.area_score(self.rules, self.state)
        return "0" if lead == 0 else f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"

    def show(self) -> str:
        """The board, as text."""
        pieces, names = (
            pieces_of(self.rules, self.state),
            [name_action(self.rules, a)[0] for a in range(self.rules.columns)],
        )
        lines = [
            f"{self.rules.rows - row:2} " + " ".join(".XO"[piece] for piece in line) for row, line in enumerate(pieces)
        ]
        return "\n".join([*lines, "   " + " ".join(names)])

    # The clock

    def set_clock(self, words: list[str]) -> str:
        """Main time, overtime, stones of an overtime period."""
        main, over, stones = (self.number(words, place) for place in range(3))
        self.clock = None if over > 0 and stones == 0 else (main, over, int(stones))
        self.left = {}
        return ""

    def set_time_left(self, words: list[str]) -> str:
        """What a player has left: seconds, and stones in overtime (0 = main time)."""
        colour, seconds, stones = self.colour(words), self.number(words[1:], 0), self.number(words[1:], 1)
        self.left[colour] = (seconds, int(stones))
        return ""

    def playouts_for(self, colour: int) -> int:
        """How far to look, so that the time suffices."""
        if self.clock is None:
            return self.playouts
        main, over, stones = self.clock
        seconds, overtime = self.left.get(colour, (main, 0) if main > 0 else (over, stones))
        moves = overtime if overtime > 0 else max(self.rules.rows * self.rules.columns // 3, 5)
        share = max(seconds - 0.2, 0) / max(moves, 1) * 0.8
        return int(min(max(share * self.speed, 2), MOST_PLAYOUTS))

    # Thoughts

    def analyze(self, words: list[str]) -> str:
        """The moves it thinks of, in the form of Leela Zero: visits, winrate and prior in ten thousandths, and what follows."""
        words = words[1:] if words and words[0].casefold() in COLOURS else words
        visits = self.think(self.playouts)
        trees, rows = self.search.trees, []
        for order, action in enumerate(np.argsort(-visits, kind="stable")[:10]):
            if visits[action] == 0:
                break
            value, prior = trees.value[0, 0, action] / visits[action], trees.prior[0, 0, action]
            name = name_action(self.rules, int(action))
            variation = " ".join([name, *principal_variation(self.search, int(action))])
            rows.append(
                f"info move {name} visits {visits[action]} winrate {round(5000 * (value + 1))} "
                f"prior {round(10000 * prior)} order {order} pv {variation}"
            )
        return "\n" + " ".join(rows) if rows else ""
