"""What a network sees of a state: feature planes, under any symmetry of the board."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .rules import BLACK, CONNECT_FOUR, MOVES, TO_PLAY, Rules, point_of


@njit(cache=True)
def encode_planes(rules: Any, state: Any, symmetry: Any, planes: Any) -> None:
    """The feature planes of AlphaGo Zero: X_t, Y_t, X_{t−1}, Y_{t−1}, …, C.

    Args:
        rules, state: The game.
        symmetry: int64 (rows × columns,): where each cell goes.
        planes: (2 history + 1, rows × columns), overwritten: stones of the player to move and of the other now, a move
            before and so on; the last plane is 1 where Black is to play.
    """
    player = state[TO_PLAY]
    planes[:] = 0
    for slot in range(min(rules.history, state[MOVES] + 1)):
        at = rules.board + slot * rules.points
        for cell in range(rules.rows * rules.columns):
            piece = state[at + point_of(rules, cell)]
            if piece != 0:
                planes[2 * slot + (piece != player), symmetry[cell]] = 1
    if player == BLACK:
        planes[2 * rules.history] = 1


def symmetries(rules: Rules) -> np.ndarray:
    """Where each cell goes under the symmetries of the board: int64 (symmetries, rows × columns).

    Squares have eight, other boards four, and Connect Four, where things fall, two.
    """
    cells = np.arange(rules.rows * rules.columns).reshape(rules.rows, rules.columns)
    flips = [cells, cells[:, ::-1]]
    if rules.kind != CONNECT_FOUR:
        flips += [cells[::-1], cells[::-1, ::-1]]
        if rules.rows == rules.columns:
            flips += [flip.T for flip in flips]
    return np.stack([np.argsort(flip.ravel()) for flip in flips])  # cell → its new place


def action_symmetries(rules: Rules) -> np.ndarray:
    """Where each action goes under the same symmetries: int64 (symmetries, actions). A pass stays."""
    cells = symmetries(rules)
    if rules.kind == CONNECT_FOUR:
        return np.stack([np.arange(rules.columns), np.arange(rules.columns)[::-1]]).copy()
    passes = np.full((len(cells), rules.actions - cells.shape[1]), cells.shape[1])
    return np.concatenate([cells, passes], 1)
