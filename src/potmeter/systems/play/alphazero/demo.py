"""Play against it: touch a point, and see its answer, what it thought of, and who it believes is winning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from potmeter.core.demo import Board
from potmeter.errors import reject
from potmeter.media import Bars, Image, Result, Text

from . import rules as r
from .evaluators import NetworkEvaluator
from .model import fuse
from .search import Search
from .self_play import search_options
from .system import AlphaZero
from .thoughts import draw_position
from .vertices import name_action

Moves = tuple[int, ...]
PLAYOUTS = 96
"""Visits of the root for an answer."""


@dataclass(frozen=True)
class BoardView(Result):
    """The board, whose turn it is or how it ended, and who is winning in the engine's eyes."""

    board: Image
    state: Text
    chances: Bars


def demo(system: AlphaZero) -> Board:
    """A board; the person is Black unless the engine is asked to begin."""
    rules = system.rules
    evaluate = NetworkEvaluator(fuse(system.network), rules, np.random.default_rng(0))

    def replay(moves: Moves) -> np.ndarray:
        state = np.zeros(rules.length, np.int64)
        r.reset(rules, state)
        for action in moves:
            r.is_legal(rules, state, action) or reject("That move is against the rules.", f"action {action}")
            r.play(rules, state, action)
        return state

    def think(state: np.ndarray) -> tuple[np.ndarray, float]:
        options = search_options(system.config, noise=0.0, playouts=PLAYOUTS, leaves=4)
        search = Search(rules, evaluate, 1, options, np.random.default_rng(0))
        search.set_state(0, state)
        return search.search()[0], float(search.root_values[0])

    def view(state: np.ndarray, thoughts: np.ndarray | None = None, value: float | None = None) -> BoardView:
        if value is None:
            _, values = evaluate(state[None])
            value = float(values[0])
        if state[r.OVER]:
            value = r.outcome(rules, state, int(state[r.TO_PLAY]))
        black = (1 + (value if state[r.TO_PLAY] == r.BLACK else -value)) / 2
        last = f" Last move: {name_action(rules, int(state[r.LAST]))}." if state[r.LAST] >= 0 else ""
        return BoardView(
            board=draw_position(rules, state, thoughts),
            state=Text(describe_state(rules, state) + last),
            chances=Bars({"Black": black, "White": 1 - black}),
        )

    def answer(moves: Moves) -> Iterator[tuple[Moves, BoardView]]:
        state = replay(moves)
        yield moves, view(state)
        if not state[r.OVER]:
            visits, _ = think(state)
            moves = (*moves, int(visits.argmax()))
            yield moves, view(replay(moves))

    def begin(moves: Moves) -> Iterator[tuple[Moves, BoardView]]:
        yield (), view(replay(()))

    def undo(moves: Moves) -> Iterator[tuple[Moves, BoardView]]:
        yield moves[:-2], view(replay(moves[:-2]))

    def hint(moves: Moves) -> Iterator[tuple[Moves, BoardView]]:
        state = replay(moves)
        if state[r.OVER]:
            yield moves, view(state)
            return
        visits, value = think(state)
        yield moves, view(state, visits / visits.sum(), value)

    actions = {"answer": answer, "New game": begin, "Take back": undo, "What would it play?": hint, "You begin": answer}
    if rules.kind == r.GO:
        actions["Pass"] = lambda moves: answer((*moves, rules.actions - 1))
    longest = max(rules.rows, rules.columns)
    cell = 1 / (longest + 1)
    width, height = cell * (rules.columns + 1), cell * (rules.rows + 1)
    left, top = 0.5 * cell / width, 0.25 * cell / height
    return Board(
        title="touch the board",
        help="Touch the board: you are Black, and it answers. The bars say who is winning in its eyes.",
        rows=rules.rows,
        columns=rules.columns,
        margins=(left, top, 1 - left - rules.columns * cell / width, 1 - top - rules.rows * cell / height),
        by_column=rules.kind == r.CONNECT_FOUR,
        show=lambda moves: view(replay(tuple(moves))),
        actions=actions,
    )


def describe_state(rules: r.Rules, state: np.ndarray) -> str:
    """Whose turn it is, or who has won."""
    names = {0: "Nobody", r.BLACK: "Black", r.WHITE: "White"}
    if not state[r.OVER]:
        return f"{names[int(state[r.TO_PLAY])]} to move."
    if rules.kind == r.GO and state[r.WINNER]:
        return f"{names[int(state[r.WINNER])]} wins by {abs(r.area_score(rules, state)):g}."
    return "A draw." if not state[r.WINNER] else f"{names[int(state[r.WINNER])]} wins."
