"""Positions of a game from records and names of moves, and records from games."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from potmeter.errors import reject
from potmeter.media import Game

from . import rules as r
from .rules import Rules
from .thoughts import look_of, pieces_of
from .vertices import name_action, parse_action, parse_actions


@dataclass(frozen=True)
class Position:
    """A position, and how it came about."""

    state: np.ndarray
    moves: list[str]


def play_through(rules: Rules, game: Game | None, moves: str) -> Position:
    """Play a record, then further moves.

    Raises:
        UserError: The record is of another board, or a move is not legal.
    """
    state = np.zeros(rules.length, np.int64)
    r.reset(rules, state)
    names: list[str] = []
    if game is not None:
        rules.kind == r.GO or reject("Records are read of Go only.", f"{len(game.moves)} moves")
        (game.rows, game.columns) == (rules.rows, rules.columns) or reject(
            f"These weights play on {rules.rows} × {rules.columns}.", f"a record of {game.rows} × {game.columns}"
        )
        for colour, point in game.setup:
            put_setup(rules, state, r.BLACK if colour == "B" else r.WHITE, point)
        state[r.TO_PLAY] = r.BLACK if game.first_player == "B" else r.WHITE
        names += game.moves
    actions = [parse_action(rules, name) for name in names] + parse_actions(rules, moves)
    for number, action in enumerate(actions, 1):
        r.is_legal(rules, state, action) or reject(f"Move {number} is against the rules.", name_action(rules, action))
        r.play(rules, state, action)
    return Position(state, [name_action(rules, action) for action in actions])


def put_setup(rules: Rules, state: np.ndarray, colour: int, vertex: str) -> None:
    """Put a stone onto the board before the game: as a move of that colour, but it counts as none."""
    action, head = parse_action(rules, vertex), state[: r.HEAD].copy()
    state[r.TO_PLAY] = colour
    r.is_legal(rules, state, action) or reject("A stone cannot be put there.", vertex)
    r.put_stone(rules, state, r.point_of(rules, action), colour)
    r.remember(rules, state, state[r.HASH])
    state[r.TO_PLAY] = head[r.TO_PLAY]


def record(
    rules: Rules, opening: np.ndarray, actions: list[int], players: tuple[str, str], result: float, black: bool
) -> Game:
    """The record of a game of a match, its opening found again from the position: stones that lie there come first.

    Args:
        rules: The game.
        opening: The first position.
        actions: Played from there.
        players: Black and White.
        result: For the first player: 1, 0 or −1.
        black: Whether the first player was Black.
    """
    state, boards, names = opening.copy(), [], []
    first = pieces_of(rules, state)
    stones = {colour: [int(c) for c in np.flatnonzero(first.ravel() == colour)] for colour in (r.BLACK, r.WHITE)}
    boards.append(np.zeros_like(first))
    for turn in range(int(state[r.MOVES])):  # random openings take nothing, so that these are its moves
        colour = r.BLACK if turn % 2 == 0 else r.WHITE
        cell = opening_cell(rules, boards[-1], stones[colour])
        stones[colour].remove(cell)
        board = boards[-1].copy()
        board.ravel()[cell] = colour
        boards.append(board)
        names.append(name_action(rules, cell % rules.columns if rules.kind == r.CONNECT_FOUR else cell))
    for action in actions:
        r.play(rules, state, action)
        boards.append(pieces_of(rules, state))
        names.append(name_action(rules, action))
    winner = "0" if result == 0 else "B+" if (result > 0) == black else "W+"
    if rules.kind == r.GO:
        lead = r.area_score(rules, state)
        winner = f"{winner}{abs(lead):g}" if state[r.OVER] and winner != "0" else f"{winner}R" if winner != "0" else "0"
    return Game(
        tuple(names), rules.rows, rules.columns, winner, rules.twice_komi / 2 if rules.kind == r.GO else None,
        np.stack(boards), look_of(rules), players,
    )  # fmt: skip


def opening_cell(rules: Rules, board: np.ndarray, cells: list[int]) -> int:
    """Which of a colour's pieces may have come first: where pieces fall, the lowest of its column."""
    if rules.kind != r.CONNECT_FOUR:
        return cells[0]
    below = lambda cell: cell // rules.columns == rules.rows - 1 or board.ravel()[cell + rules.columns] != 0
    return next(cell for cell in cells if below(cell))
