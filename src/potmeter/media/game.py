"""A game that was played: its moves, its boards, its result; games of Go as SGF too."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import UserError, reject
from potmeter.media.board import LETTERS, Look, draw_board, svg_board
from potmeter.media.medium import Medium, read_bytes

if TYPE_CHECKING:
    import numpy as np

MAX_RECORD = 2**20
"""Bytes of the largest record that is read: a game takes a few thousand."""
MAX_SHOWN = 60
"""Positions that a page shows of a game: of a longer one, so many spread evenly."""
TOKEN = re.compile(r"\(|\)|;|([A-Z]+)\s*((?:\[(?:\\.|[^\]\\])*\]\s*)+)", re.DOTALL)
"""Parentheses, the beginning of a node, or a property with its values."""


@dataclass(frozen=True, eq=False)
class Game(Medium):
    """A game of two players who move in turn, Black (the first) and White.

    Args:
        moves: Names of the moves, as ``D4`` (column, I left out, and row from below), ``D`` where pieces fall, or ``pass``.
        rows, columns: Of the board.
        result: As SGF writes it: ``B+R``, ``W+3.5``, ``0`` for a draw, ``?`` for unknown.
        komi: Points that White gets for moving second; None where the game has none.
        boards: int8 (moves + 1, rows, columns), 0 empty, 1 black, 2 white; None in a record that nobody has played through.
        look: Where pieces lie.
        players: Who played.
    """

    moves: tuple[str, ...]
    rows: int
    columns: int
    result: str = "?"
    komi: float | None = None
    boards: np.ndarray | None = None
    look: Look = "crossings"
    players: tuple[str, str] = ("", "")
    setup: tuple[tuple[str, str], ...] = field(default=())
    """Stones that lay on the board before the first move, each a colour, B or W, and a point."""

    suffix = ".png"
    formats = (".png", ".sgf")
    noun = "a game"
    suffixes = (".sgf",)

    @classmethod
    def open(cls, path: str | Path) -> Game:
        """Read a game of Go from an SGF file, its main line; whether the moves are legal is for the rules to say.

        Raises:
            UserError: It is no SGF, of another game, of a board that is not square or larger than 25 × 25, or too long.
        """
        data = read_bytes(path)
        len(data) <= MAX_RECORD or reject(f"{path} is too long for the record of a game.", f"{len(data):,} bytes")
        return cls.from_sgf(data.decode("utf-8", "replace"), str(path))

    @classmethod
    def from_sgf(cls, text: str, name: str = "the record") -> Game:
        """The main line of an SGF text; ``name`` is how an error calls it."""
        nodes = [*main_line(text, name)] or reject(f"{name} is no SGF.", text[:60])
        root = nodes[0]
        root.get("GM", ["1"])[0].strip() == "1" or reject(f"{name} is no game of Go.", f"GM[{root['GM'][0]}]")
        size = root.get("SZ", ["19"])[0].strip()
        (size.isdigit() and 1 <= int(size) <= 25) or reject(
            f"{name} has no square board of 1 to 25 lines.", f"SZ[{size}]"
        )
        n, turn = int(size), "B"
        moves: list[str] = []
        setup: list[tuple[str, str]] = []
        for number, node in enumerate(nodes):
            for colour in ("AB", "AW"):
                number == 0 or colour not in node or reject(f"{name} puts stones on the board in mid-game.", colour)
                setup += [(colour[1], point_name(point, n, name)) for point in node.get(colour, [])]
            for colour in ("B", "W"):
                if colour in node:
                    if not moves and setup:
                        turn = colour  # after handicap stones White begins
                    colour == turn or reject(
                        f"{name}: move {len(moves) + 1} is out of turn.", f"{colour}[{node[colour][0]}]"
                    )
                    moves.append(point_name(node[colour][0], n, name))
                    turn = "W" if turn == "B" else "B"
        try:
            komi = float(root.get("KM", ["0"])[0])
        except ValueError:
            reject(f"{name} has a komi that is no number.", root["KM"][0])
        abs(komi) <= 400 or reject(f"{name} has a komi out of all reason.", root["KM"][0])
        result, players = root.get("RE", ["?"])[0].strip(), (root.get("PB", [""])[0], root.get("PW", [""])[0])
        return cls(tuple(moves), n, n, result, komi, players=players, setup=tuple(setup))

    @property
    def sgf(self) -> str:
        """The game of Go as SGF (FF[4]). Raises UserError for another game."""
        self.look == "crossings" or reject("Only games of Go are saved as SGF.", self.look)
        head = f"(;GM[1]FF[4]CA[UTF-8]AP[potmeter]SZ[{self.rows}]KM[{self.komi or 0:g}]RE[{escape(self.result)}]"
        head += "".join(f"P{c}[{escape(player)}]" for c, player in zip("BW", self.players, strict=True) if player)
        for colour in "BW":
            points = [point for c, point in self.setup if c == colour]
            head += f"A{colour}" * bool(points) + "".join(f"[{sgf_point(point, self.rows)}]" for point in points)
        first = self.first_player
        colours = (first, "W" if first == "B" else "B")
        moves = [f";{colours[i % 2]}[{sgf_point(move, self.rows)}]" for i, move in enumerate(self.moves)]
        return head + "".join(moves) + ")\n"

    @property
    def first_player(self) -> str:
        """B, or W where Black has handicap stones."""
        return "W" if self.setup and all(colour == "B" for colour, _ in self.setup) else "B"

    def cell(self, move: int) -> int | None:
        """The cell of a move, counted row by row from the top: where a piece came onto the board; None for a pass."""
        if self.boards is None or move < 0:
            return None
        new = ((self.boards[move] == 0) & (self.boards[move + 1] != 0)).ravel().nonzero()[0]
        return int(new[0]) if len(new) else None

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        if suffix == ".sgf":
            return self.sgf.encode()
        return self.sheet().encode(suffix)

    def sheet(self) -> Any:
        """The positions as one picture, each with the move that led to it."""
        from potmeter.media.labelled_page import labelled_page

        boards = self.require_boards()
        shown = [*evenly(len(boards), 24)]
        cells = [(draw_board(boards[t], self.look, last=self.cell(t - 1), side=220), self.caption(t)) for t in shown]
        return labelled_page(
            [("" if start else self.title, cells[start : start + 6]) for start in range(0, len(cells), 6)]
        )

    def require_boards(self) -> np.ndarray:
        """The boards. Raises UserError where nobody has played the record through."""
        return (
            self.boards if self.boards is not None else reject("This record has no boards.", f"{len(self.moves)} moves")
        )

    @property
    def title(self) -> str:
        """Who played, and the result in words."""
        black, white = (name or colour for name, colour in zip(self.players, ("Black", "White"), strict=True))
        winner, _, margin = self.result.partition("+")
        how = {"R": " by resignation", "": ""}.get(margin, f" by {margin}")
        ends = {"B": f"{black} wins{how}", "W": f"{white} wins{how}", "0": "a draw"}.get(winner, "no result")
        return f"{black} against {white}: {ends}" if any(self.players) else ends[:1].upper() + ends[1:]

    def caption(self, t: int) -> str:
        """The move that led to a position."""
        return f"{t}. {self.moves[t - 1]}" if t else "start"

    def html(self) -> str:
        boards = self.require_boards()
        frames = "".join(
            f'<figure style="margin:0;flex:none;scroll-snap-align:start">{svg_board(boards[t], self.look, self.cell(t - 1))}'
            f"<figcaption>{html.escape(self.caption(t))}</figcaption></figure>"
            for t in evenly(len(boards), MAX_SHOWN)
        )
        strip = "display:flex;gap:12px;overflow-x:auto;scroll-snap-type:x mandatory;max-width:100%"
        return (
            f'<div class="game"><p>{html.escape(self.title)} ({len(self.moves)} moves, ◀ ▶)</p>'
            f'<div tabindex="0" style="{strip}" aria-label="the game, move by move">{frames}</div></div>'
        )

    def json(self) -> dict[str, Any]:
        return {
            "moves": list(self.moves),
            "rows": self.rows,
            "columns": self.columns,
            "result": self.result,
            "komi": self.komi,
        }


def evenly(count: int, most: int) -> Iterator[int]:
    """At most ``most`` of the numbers from 0 to ``count`` − 1, spread evenly, the first and last among them."""
    if count <= most:
        yield from range(count)
    else:
        yield from (round(i * (count - 1) / (most - 1)) for i in range(most))


# SGF (FF[4]) ------------------------------------------------------------------------------------------------------


def main_line(text: str, name: str) -> Iterator[dict[str, list[str]]]:
    """The nodes of an SGF text from the root on, wherever it branches the first branch; each by its properties."""
    start = text.find("(")
    start >= 0 or reject(f"{name} is no SGF.", text[:60])
    node: dict[str, list[str]] | None = None
    last = start
    for match in TOKEN.finditer(text, start):
        not text[last : match.start()].strip() or reject(f"{name} is no SGF.", text[last : match.start()][:60])
        last, token = match.end(), match[0]
        if token == ")":
            yield require_node(node, text, name)
            return  # the first line ends at the first parenthesis that closes
        elif token == ";":
            if node is not None:
                yield node
            node = {}
        elif token != "(":
            require_node(node, token, name).setdefault(match[1], []).extend(
                unescape(value) for value in values_of(match[2])
            )
    raise UserError(f"{name} is cut off: an SGF ends with a parenthesis.", received=text[-30:])


def require_node(node: dict[str, list[str]] | None, text: str, name: str) -> dict[str, list[str]]:
    """The node that has begun. Raises UserError where none has."""
    return node if node is not None else reject(f"{name} is no SGF.", text[:60])


def values_of(text: str) -> list[str]:
    """The bracketed values of a property."""
    return re.findall(r"\[((?:\\.|[^\]\\])*)\]", text, re.DOTALL)


def unescape(value: str) -> str:
    """A value as it was meant."""
    return re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)


def escape(value: str) -> str:
    """A value as SGF writes it."""
    return re.sub(r"([\]\\:])", r"\\\1", value)


def point_name(point: str, size: int, name: str) -> str:
    """An SGF point as a vertex: ``dd`` on 19 lines is ``D16``; nothing, and ``tt`` up to 19 lines, is a pass."""
    point = point.strip()
    if point == "" or (point == "tt" and size <= 19):
        return "pass"
    column, row = (ord(letter) - ord("a") for letter in point) if len(point) == 2 else (-1, -1)
    (0 <= column < size and 0 <= row < size) or reject(f"{name} has a point that is not on the board.", point)
    return f"{LETTERS[column]}{size - row}"


def sgf_point(vertex: str, size: int) -> str:
    """A vertex as an SGF point."""
    if vertex == "pass":
        return ""
    return chr(ord("a") + LETTERS.index(vertex[0])) + chr(ord("a") + size - int(vertex[1:]))
