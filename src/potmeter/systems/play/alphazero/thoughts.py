"""What a search thought, to be looked at: the board with its visits, the moves with their figures, the planes of the slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from potmeter.media import Image, Result, Table, Text
from potmeter.media.board import Look, draw_board
from potmeter.media.image_grid import resize_to_side
from potmeter.media.labelled_page import labelled_page

from . import rules as r
from .evaluators import encode
from .rules import Rules
from .search import Search
from .vertices import name_action

LISTED = 8
"""Moves in the table."""


@dataclass(frozen=True)
class Thoughts(Result):
    """A move, and why."""

    move: Text
    board: Image
    """The position before the move: blue discs are the visits of the search, in per cent."""
    moves: Table
    """The most visited moves: prior of the network, share of the visits, value for the player to move, and what follows."""


def look_of(rules: Rules) -> Look:
    """Where the pieces of a game lie."""
    return "crossings" if rules.kind == r.GO else "cells"


def pieces_of(rules: Rules, state: np.ndarray) -> np.ndarray:
    """What lies on the board, int8 (rows, columns)."""
    cells = [state[rules.board + r.point_of(rules, cell)] for cell in range(rules.rows * rules.columns)]
    return np.array(cells, np.int8).reshape(rules.rows, rules.columns)


def last_cell(rules: Rules, state: np.ndarray) -> int | None:
    """The cell on which the last move put a piece; None at the beginning and after a pass."""
    action = int(state[r.LAST])
    if action < 0 or action == rules.rows * rules.columns:
        return None
    if rules.kind != r.CONNECT_FOUR:
        return action
    pieces = pieces_of(rules, state)[:, action]
    return int((pieces != 0).argmax()) * rules.columns + action  # the topmost of its column


def draw_position(rules: Rules, state: np.ndarray, shares: np.ndarray | None = None, side: int = 420) -> Image:
    """The board, its last piece marked, with shares (actions,) of the visits on the cells."""
    shades = None
    if shares is not None:
        flat = np.zeros(rules.rows * rules.columns)
        for action in np.flatnonzero(shares[: rules.actions - (rules.kind == r.GO)]):
            flat[r.landing_cell(rules, state, int(action))] = shares[action]
        shades = flat.reshape(rules.rows, rules.columns)
    last = last_cell(rules, state)
    return draw_board(pieces_of(rules, state), look_of(rules), last=last, shades=shades, side=side)


def list_moves(search: Search, network_priors: np.ndarray) -> Table:
    """The most visited moves of a search of one game."""
    rules, trees = search.rules, search.trees
    visits, value = search.visits[0], trees.value[0, 0]
    rows = []
    for action in np.argsort(-visits, kind="stable")[:LISTED]:
        if visits[action]:
            rows.append((
                name_action(rules, int(action)), float(network_priors[action]), float(visits[action] / visits.sum()),
                float(value[action] / visits[action]), " ".join(principal_variation(search, int(action))),
            ))  # fmt: skip
    return Table(("move", "prior", "share of visits", "value", "and then"), rows)


def principal_variation(search: Search, action: int, longest: int = 6) -> list[str]:
    """The moves that the search expects after an action of the root, each the most visited."""
    trees = search.trees
    names: list[str] = []
    node = trees.child[0, 0, action]
    while node >= 0 and len(names) < longest and trees.visits[0, node].max() > 0:
        best = int(trees.visits[0, node].argmax())
        names.append(name_action(search.rules, best))
        node = trees.child[0, node, best]
    return names


def draw_planes(rules: Rules, state: np.ndarray) -> Image:
    """The slide: a position, and the feature planes that the network sees of it."""
    cells = np.arange(rules.rows * rules.columns)[None]
    planes = torch.from_numpy(encode(rules, state[None], cells))[0]
    names = [f"{who}, {'now' if t == 0 else f'{t} earlier'}" for t in range(rules.history) for who in ("own", "other")]
    names.append("Black to play" if state[r.TO_PLAY] == r.BLACK else "White to play")
    tiles = [(resize_to_side(0.12 + 0.8 * plane[None], 120), name) for plane, name in zip(planes, names, strict=True)]
    rows = [
        (f"{len(planes)} feature planes" if start == 0 else "", tiles[start : start + 6])
        for start in range(0, len(tiles), 6)
    ]
    whose = "Black" if state[r.TO_PLAY] == r.BLACK else "White"
    return labelled_page([(f"the position, {whose} to play", [(draw_position(rules, state, side=300), "")]), *rows])
