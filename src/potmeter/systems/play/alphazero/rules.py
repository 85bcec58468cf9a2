"""The rules of Go, tic-tac-toe and Connect Four, compiled (numba): a game's state is one row of whole numbers.

Whoever plays many games at once keeps their states as the rows of a matrix, copies them with an assignment and saves them
as they are. Every function takes the ``Rules``, which say which game it is and where in the row everything lies.

Go is scored by area (Tromp–Taylor), without suicide and with positional superko: no position of the whole board may come
back. Stones of one colour that touch form a chain; with each chain the number, the sum and the sum of the squares of its
pseudo-liberties are kept (an empty point counts once for every stone of the chain that it touches). No liberties means
capture; and all are the same point exactly where number × sum of squares = sum².
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

GO, TIC_TAC_TOE, CONNECT_FOUR = 0, 1, 2
BLACK, WHITE, BORDER = 1, 2, 3
"""What lies on a point besides 0, nothing."""
TO_PLAY, MOVES, PASSES, OVER, WINNER, LAST, HASH = range(7)
"""What the head of a state holds: who plays (1 or 2), moves so far, passes in a row, whether the game is over, who won it
(0 = nobody), the last move (an action; −1 = none), the hash of the position."""
HEAD = 7
"""Length of that head."""


class Rules(NamedTuple):
    """A game, and where everything lies in its states. Made by ``make_rules``."""

    kind: int
    rows: int
    columns: int
    actions: int
    """Moves there are: of Go the points, row by row from the top, then the pass; of Connect Four the columns."""
    in_a_row: int
    """Pieces in a row that win; 0 in Go."""
    twice_komi: int
    """Twice the points that White gets for moving second."""
    max_moves: int
    """A game of Go that lasts as long is scored as it stands."""
    history: int
    """Positions that a state remembers, the present one among them."""
    stride: int
    """From a point to that below it; a column of border lies between the rows."""
    points: int
    """Points of the board with its border."""
    board: int
    """Where the points begin, each 0, BLACK, WHITE or BORDER; the earlier positions follow in a ring."""
    chain: int
    """Where five blocks of numbers for every point begin: of a stone, the point that stands for its chain, and the next
    stone of the chain, in a ring; of the point that stands for a chain, number, sum, sum of squares of its pseudo-liberties."""
    seen: int
    """Where the hashes of all earlier positions begin, a table with open addressing."""
    seen_size: int
    """Its places, a power of 2."""
    length: int
    """Of a state."""


def make_rules(kind: int, rows: int, columns: int, *, in_a_row: int = 0, komi: float = 0.0, history: int = 8) -> Rules:
    """The rules of a game on a board of so many rows and columns."""
    stride = columns + 1
    points = (rows + 2) * stride + 1
    go = kind == GO
    max_moves = 2 * rows * columns if go else rows * columns
    seen_size = 1 << (2 * max_moves - 1).bit_length() if go else 1
    chain = HEAD + history * points
    seen = chain + (5 * points if go else 0)
    actions = {GO: rows * columns + 1, TIC_TAC_TOE: rows * columns, CONNECT_FOUR: columns}[kind]
    return Rules(
        kind, rows, columns, actions, in_a_row, round(2 * komi), max_moves, history, stride, points, HEAD, chain, seen,
        seen_size, seen + seen_size,
    )  # fmt: skip


def random_numbers(count: int) -> np.ndarray:
    """int64 (count,): what a position's hash is composed of (Zobrist 1970), the same on every machine."""
    return np.random.Generator(np.random.PCG64(1970)).integers(1, 2**62, count, np.int64)


BOARD_POINTS = 21 * 21
"""Points of the largest board with its border."""
ZOBRIST = random_numbers(3 * BOARD_POINTS)
"""Of a stone on each point: BLACK × BOARD_POINTS + point, WHITE × BOARD_POINTS + point."""


@njit(cache=True)
def reset(rules: Any, state: Any) -> None:
    """Make a state the beginning of the game."""
    state[:] = 0
    state[TO_PLAY], state[LAST] = BLACK, -1
    for slot in range(rules.history):
        at = rules.board + slot * rules.points
        state[at : at + rules.points] = BORDER
        for row in range(rules.rows):
            first = at + (row + 1) * rules.stride + 1
            state[first : first + rules.columns] = 0
    if rules.kind == GO:
        remember(rules, state, 0)


@njit(cache=True)
def point_of(rules: Any, action: int) -> int:
    """The point, in the board with its border, of a cell counted row by row from the top."""
    return (action // rules.columns + 1) * rules.stride + action % rules.columns + 1


@njit(cache=True)
def landing_cell(rules: Any, state: Any, action: int) -> int:
    """The cell on which a piece comes to lie that is dropped into a column, or put on a cell; −1 where it is full."""
    if rules.kind != CONNECT_FOUR:
        return action if state[rules.board + point_of(rules, action)] == 0 else -1
    for row in range(rules.rows - 1, -1, -1):
        cell = row * rules.columns + action
        if state[rules.board + point_of(rules, cell)] == 0:
            return cell
    return -1


@njit(cache=True)
def is_legal(rules: Any, state: Any, action: int) -> bool:
    """Whether the player to move may play an action."""
    if state[OVER] or action < 0 or action >= rules.actions:
        return False
    if rules.kind == GO:
        return action == rules.actions - 1 or is_legal_stone(rules, state, point_of(rules, action))
    return landing_cell(rules, state, action) >= 0


@njit(cache=True)
def legal_actions(rules: Any, state: Any, legal: Any) -> int:
    """Write 1 for every legal action into ``legal`` (actions,), else 0; returns how many there are."""
    if rules.kind == GO and not state[OVER]:
        count, action = 1, 0
        for row in range(rules.rows):
            first = (row + 1) * rules.stride + 1
            for point in range(first, first + rules.columns):
                legal[action] = is_legal_stone(rules, state, point)
                count += legal[action]
                action += 1
        legal[action] = 1
        return count
    count = 0
    for action in range(rules.actions):
        legal[action] = is_legal(rules, state, action)
        count += legal[action]
    return count


@njit(cache=True)
def play(rules: Any, state: Any, action: int) -> None:
    """Play a legal action."""
    push_history(rules, state)
    player = state[TO_PLAY]
    state[MOVES] += 1
    state[LAST] = action
    if rules.kind == GO and action == rules.actions - 1:
        state[PASSES] += 1
    elif rules.kind == GO:
        state[PASSES] = 0
        put_stone(rules, state, point_of(rules, action), player)
        remember(rules, state, state[HASH])
    else:
        point = point_of(rules, landing_cell(rules, state, action))
        state[rules.board + point] = player
        if has_row(rules, state, point, player):
            state[OVER], state[WINNER] = 1, player
    state[TO_PLAY] = BLACK + WHITE - player
    if not state[OVER] and (state[PASSES] == 2 or state[MOVES] == rules.max_moves):
        state[OVER] = 1
        if rules.kind == GO:
            lead = area_score(rules, state)
            state[WINNER] = BLACK if lead > 0 else WHITE if lead < 0 else 0


@njit(cache=True)
def push_history(rules: Any, state: Any) -> None:
    """Remember the present position before it changes."""
    points, board = rules.points, rules.board
    for slot in range(min(rules.history - 1, state[MOVES] + 1), 0, -1):
        to = board + slot * points
        state[to : to + points] = state[to - points : to]


@njit(cache=True)
def outcome(rules: Any, state: Any, player: int) -> float:
    """The result of a game that is over, for a player: 1 won, 0 drawn, −1 lost."""
    return 0.0 if state[WINNER] == 0 else 1.0 if state[WINNER] == player else -1.0


# In a row --------------------------------------------------------------------------------------------------------


@njit(cache=True)
def has_row(rules: Any, state: Any, point: int, player: int) -> bool:
    """Whether enough of a player's pieces stand in a row through a point."""
    stride = rules.stride
    for step in (1, stride, stride + 1, stride - 1):
        count = 1
        for direction in (step, -step):
            at = point + direction
            while state[rules.board + at] == player:
                count += 1
                at += direction
        if count >= rules.in_a_row:
            return True
    return False


# Go --------------------------------------------------------------------------------------------------------------


@njit(cache=True)
def in_atari(rules: Any, state: Any, head: int) -> bool:
    """Whether a chain has a single liberty."""
    at = rules.chain + head
    number, total, squares = state[at + 2 * rules.points], state[at + 3 * rules.points], state[at + 4 * rules.points]
    return number * squares == total * total


@njit(cache=True, inline="always")
def is_legal_stone(rules: Any, state: Any, point: int) -> bool:
    """Whether the player to move may put a stone on a point: it is empty, no suicide, and no position comes back."""
    board, chain, player, stride = rules.board, rules.chain, state[TO_PLAY], rules.stride
    if state[board + point] != 0:
        return False
    result, other = state[HASH] ^ ZOBRIST[player * BOARD_POINTS + point], BLACK + WHITE - player
    east, west = state[board + point + 1], state[board + point - 1]
    south, north = state[board + point + stride], state[board + point - stride]
    alive = bool(
        (east == 0) | (west == 0) | (south == 0) | (north == 0)
    )  # without branches, which no processor foresees
    alive = alive or (east == player and not in_atari(rules, state, state[chain + point + 1]))
    alive = alive or (west == player and not in_atari(rules, state, state[chain + point - 1]))
    alive = alive or (south == player and not in_atari(rules, state, state[chain + point + stride]))
    alive = alive or (north == player and not in_atari(rules, state, state[chain + point - stride]))
    # chains that would be taken, each once though it may touch the point twice
    first = second = third = -1
    if east == other and in_atari(rules, state, state[chain + point + 1]):
        first = state[chain + point + 1]
        result ^= chain_hash(rules, state, first, other)
    if west == other:
        second = state[chain + point - 1]
        if second != first and in_atari(rules, state, second):
            result ^= chain_hash(rules, state, second, other)
            alive = True
    if south == other:
        third = state[chain + point + stride]
        if third not in (first, second) and in_atari(rules, state, third):
            result ^= chain_hash(rules, state, third, other)
            alive = True
    if north == other:
        fourth = state[chain + point - stride]
        if fourth not in (first, second, third) and in_atari(rules, state, fourth):
            result ^= chain_hash(rules, state, fourth, other)
            alive = True
    return (alive or first >= 0) and not is_seen(rules, state, result)


@njit(cache=True)
def chain_hash(rules: Any, state: Any, head: int, colour: int) -> int:
    """The part of the position's hash that a chain has."""
    stone, result = head, 0
    while True:
        result ^= ZOBRIST[colour * BOARD_POINTS + stone]
        stone = state[rules.chain + rules.points + stone]
        if stone == head:
            return result


@njit(cache=True)
def put_stone(rules: Any, state: Any, point: int, player: int) -> None:
    """Put a stone on a point, and take what has no liberty left."""
    board, chain, points, stride = rules.board, rules.chain, rules.points, rules.stride
    state[board + point] = player
    state[HASH] ^= ZOBRIST[player * BOARD_POINTS + point]
    state[chain + point] = state[chain + points + point] = point
    for block in range(2, 5):
        state[chain + block * points + point] = 0
    for near in (point + 1, point - 1, point + stride, point - stride):
        colour = state[board + near]
        if colour == 0:
            add_liberty(rules, state, point, near, 1)
        elif colour != BORDER:
            add_liberty(rules, state, state[chain + near], point, -1)
    for near in (point + 1, point - 1, point + stride, point - stride):
        colour = state[board + near]
        if colour == player and state[chain + near] != state[chain + point]:
            join(rules, state, state[chain + near], state[chain + point])
        elif colour == BLACK + WHITE - player and state[chain + 2 * points + state[chain + near]] == 0:
            take(rules, state, near)


@njit(cache=True)
def add_liberty(rules: Any, state: Any, head: int, point: int, sign: int) -> None:
    """Count a pseudo-liberty of a chain, or no longer."""
    at = rules.chain + head
    state[at + 2 * rules.points] += sign
    state[at + 3 * rules.points] += sign * point
    state[at + 4 * rules.points] += sign * point * point


@njit(cache=True)
def join(rules: Any, state: Any, head: int, other: int) -> None:
    """Make the stones of the chain ``other`` stones of the chain ``head``."""
    chain, points = rules.chain, rules.points
    for block in range(2, 5):
        state[chain + block * points + head] += state[chain + block * points + other]
    stone = other
    while True:
        state[chain + stone] = head
        stone = state[chain + points + stone]
        if stone == other:
            break
    following = chain + points
    state[following + head], state[following + other] = state[following + other], state[following + head]


@njit(cache=True)
def take(rules: Any, state: Any, first: int) -> None:
    """Take a chain from the board; ``first`` is one of its stones."""
    board, chain, points, stride = rules.board, rules.chain, rules.points, rules.stride
    colour, stone = state[board + first], first
    while True:
        state[board + stone] = 0
        state[HASH] ^= ZOBRIST[colour * BOARD_POINTS + stone]
        for near in (stone + 1, stone - 1, stone + stride, stone - stride):
            if state[board + near] == BLACK + WHITE - colour:
                add_liberty(rules, state, state[chain + near], stone, 1)
        stone = state[chain + points + stone]
        if stone == first:
            break


@njit(cache=True)
def remember(rules: Any, state: Any, position: int) -> None:
    """Note the hash of a position; 0, the empty board's, stands for an empty place and comes back only by a capture of all."""
    mask = rules.seen_size - 1
    key = position if position != 0 else 1
    place = key & mask
    while state[rules.seen + place] != 0 and state[rules.seen + place] != key:
        place = (place + 1) & mask
    state[rules.seen + place] = key


@njit(cache=True)
def is_seen(rules: Any, state: Any, position: int) -> bool:
    """Whether a position of this hash has been on the board."""
    mask = rules.seen_size - 1
    key = position if position != 0 else 1
    place = key & mask
    while state[rules.seen + place] != 0:
        if state[rules.seen + place] == key:
            return True
        place = (place + 1) & mask
    return False


@njit(cache=True)
def area_score(rules: Any, state: Any) -> float:
    """Black's points minus White's: stones, and empty regions that touch stones of one colour only; komi subtracted."""
    board, points, stride = rules.board, rules.points, rules.stride
    visited, stack = np.zeros(points, np.uint8), np.empty(points, np.int64)
    lead = 0
    for start in range(points):
        colour = state[board + start]
        if colour == BORDER or visited[start]:
            continue
        if colour != 0:
            lead += 1 if colour == BLACK else -1
            continue
        stack[0], depth, size, touched = start, 1, 0, 0
        visited[start] = 1
        while depth > 0:
            depth -= 1
            point = stack[depth]
            size += 1
            for near in (point + 1, point - 1, point + stride, point - stride):
                colour = state[board + near]
                if colour == 0 and not visited[near]:
                    visited[near] = 1
                    stack[depth] = near
                    depth += 1
                elif colour in (BLACK, WHITE):
                    touched |= colour
        lead += size if touched == BLACK else -size if touched == WHITE else 0
    return lead - rules.twice_komi / 2
