"""The rules: against open_spiel's, an independent writing, and what is known of the games."""

import functools
import random

import numpy as np
import pytest

from potmeter.systems.play.alphazero import rules as r
from potmeter.systems.play.alphazero.evaluators import RolloutEvaluator
from potmeter.systems.play.alphazero.planes import action_symmetries, encode_planes, symmetries
from potmeter.systems.play.alphazero.players import every_line
from potmeter.systems.play.alphazero.rules import make_rules
from potmeter.systems.play.alphazero.thoughts import last_cell, pieces_of
from potmeter.systems.play.alphazero.vertices import name_action, parse_action

TIC_TAC_TOE = make_rules(r.TIC_TAC_TOE, 3, 3, in_a_row=3, history=1)
CONNECT_FOUR = make_rules(r.CONNECT_FOUR, 6, 7, in_a_row=4, history=1)


def new(rules):
    state = np.zeros(rules.length, np.int64)
    r.reset(rules, state)
    return state


def play(rules, moves):
    state = new(rules)
    for name in moves.split():
        action = parse_action(rules, name)
        assert r.is_legal(rules, state, action), name
        r.play(rules, state, action)
    return state


def legal(rules, state):
    return {a for a in range(rules.actions) if r.is_legal(rules, state, a)}


class MinimaxPlayer:
    """Plays tic-tac-toe without a mistake, each of the best actions as likely.

    Args:
        rules: Of tic-tac-toe.
        rng: Of the choice.
    """

    def __init__(self, rules, rng):
        self.rules, self.rng = rules, rng
        self.solve = functools.cache(self.search)

    def begin(self, states):
        self.states = states.copy()

    def choose(self, games):
        actions = np.zeros(len(self.states), np.int64)
        for game in np.flatnonzero(games):
            _, best = self.solve(self.states[game].tobytes())
            actions[game] = self.rng.choice(best)
        return actions

    def follow(self, games, actions):
        for game in np.flatnonzero(games):
            r.play(self.rules, self.states[game], int(actions[game]))

    def search(self, position):
        """The value of a position for the player to move, and the best actions."""
        state = np.frombuffer(position, np.int64)
        values = {}
        for action in range(self.rules.actions):
            if r.is_legal(self.rules, state, action):
                after = state.copy()
                r.play(self.rules, after, action)
                player = int(state[r.TO_PLAY])
                over = bool(after[r.OVER])
                values[action] = r.outcome(self.rules, after, player) if over else -self.solve(after.tobytes())[0]
        best = max(values.values())
        return best, [action for action, value in values.items() if value == best]


# An independent writing, with sets of points and nothing kept ----------------------------------------------------------


class SlowGo:
    """Go as one would write it first: boards are tuples, chains are found by flooding, history is a set of boards."""

    def __init__(self, size):
        self.size, self.board, self.player = size, (0,) * size * size, 1
        self.seen, self.passes = {self.board}, 0

    def near(self, p):
        row, column = divmod(p, self.size)
        return [
            (row + i) * self.size + column + j
            for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0))
            if 0 <= row + i < self.size and 0 <= column + j < self.size
        ]

    def chain(self, board, p):
        found, todo = {p}, [p]
        while todo:
            new = {q for q in self.near(todo.pop()) if board[q] == board[p]} - found
            found |= new
            todo += new
        return found, {q for s in found for q in self.near(s)}

    def after(self, p):
        board = list(self.board)
        board[p] = self.player
        for q in self.near(p):
            if board[q] == 3 - self.player:
                stones, around = self.chain(board, q)
                if not any(board[s] == 0 for s in around):
                    for s in stones:
                        board[s] = 0
        _, around = self.chain(board, p)
        return tuple(board) if any(board[s] == 0 for s in around) else None

    def legal(self):
        return {
            p for p in range(len(self.board))
            if self.board[p] == 0 and (after := self.after(p)) is not None and after not in self.seen
        } | {self.size**2}  # fmt: skip

    def play(self, p):
        self.passes = self.passes + 1 if p == self.size**2 else 0
        if p != self.size**2:
            self.board = self.after(p)
            self.seen.add(self.board)
        self.player = 3 - self.player

    def lead(self):
        total, done = 0, set()
        for p, colour in enumerate(self.board):
            if colour:
                total += 1 if colour == 1 else -1
            elif p not in done:
                region, around = self.chain(self.board, p)
                done |= region
                owners = {self.board[q] for q in around} - {0}
                total += {(1,): 1, (2,): -1}.get(tuple(owners), 0) * len(region)
        return total


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_go_is_what_it_is_when_written_plainly(size):
    """Small boards are full of ko, of captures of everything and of positions that would come back."""
    rules = make_rules(r.GO, size, size, komi=0.5)
    rng, repeats = random.Random(size), 0
    for _ in range(60 if size < 4 else 12):
        slow, state = SlowGo(size), new(rules)
        while not state[r.OVER]:
            moves = slow.legal()
            assert legal(rules, state) == moves
            repeats += sum(slow.board[p] == 0 and slow.after(p) in slow.seen for p in range(size**2))
            stones = [m for m in moves if m != size**2]
            move = rng.choice(stones) if stones and rng.random() < 0.97 else size**2
            slow.play(move)
            r.play(rules, state, move)
            assert tuple(pieces_of(rules, state).ravel()) == slow.board
            assert r.area_score(rules, state) == slow.lead() - 0.5
        assert slow.passes == 2 or state[r.MOVES] == 2 * size**2
    assert repeats >= 10 or size > 3, "superko was put to the test"


def compare_with_open_spiel(size, games):
    """Random games of Go, with a komi of each one's own so that the score is compared and not only who is ahead."""
    pyspiel = pytest.importorskip("pyspiel")
    rng, mask = random.Random(size), np.zeros(size * size + 1, np.int8)
    ours_of = np.append(np.arange(size * size).reshape(size, size)[::-1].ravel(), size * size)  # its rows begin below
    for _ in range(games):
        komi = rng.randrange(-size * size, size * size) + 0.5
        rules, game = (
            make_rules(r.GO, size, size, komi=komi),
            pyspiel.load_game("go", {"board_size": size, "komi": komi}),
        )
        state, theirs = new(rules), game.new_initial_state()
        while not (state[r.OVER] or theirs.is_terminal()):
            count = r.legal_actions(rules, state, mask)
            ours, others = np.flatnonzero(mask[ours_of]).tolist(), theirs.legal_actions()
            assert len(ours) == count
            if ours != others:
                assert set(ours) < set(others)
                for repeated in set(others) - set(ours):  # open_spiel ends such a game instead
                    assert theirs.child(repeated).is_terminal()
            move = rng.choice(ours)
            r.play(rules, state, int(ours_of[move]))
            theirs.apply_action(move)
        board = np.array(theirs.observation_tensor(0)).reshape(4, size, size)[:, ::-1]
        assert (pieces_of(rules, state) == board[0] + 2 * board[1]).all()
        assert bool(state[r.OVER]) == theirs.is_terminal()
        assert r.outcome(rules, state, r.BLACK) == theirs.returns()[0]


@pytest.mark.parametrize("size", [5, 7, 9])
def test_go_is_open_spiels(size):
    compare_with_open_spiel(size, 20)


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 7, 9])
def test_go_is_open_spiels_in_ten_thousand_games(size):
    compare_with_open_spiel(size, 3400)


def test_a_stone_without_liberties_is_taken_and_suicide_is_refused():
    rules = make_rules(r.GO, 3, 3)
    state = play(rules, "A2 A3 B3")  # the corner stone is gone
    assert pieces_of(rules, state)[0].tolist() == [0, 1, 0]
    assert parse_action(rules, "A3") not in legal(rules, state), "White would have no liberty there"


def test_the_stone_of_a_ko_may_not_be_taken_back_at_once():
    rules = make_rules(r.GO, 5, 5)
    state = play(rules, "B3 C3 A2 D2 B1 C1 C2 B2")
    ko = parse_action(rules, "C2")
    assert ko not in legal(rules, state)
    for move in ("E5", "E4"):
        r.play(rules, state, parse_action(rules, move))
    assert ko in legal(rules, state)


def test_komi_decides_and_may_make_a_draw():
    for komi, winner in ((24.5, r.BLACK), (25.0, 0), (25.5, r.WHITE)):
        state = play(make_rules(r.GO, 5, 5, komi=komi), "C3 pass pass")
        assert state[r.OVER] and state[r.WINNER] == winner


def test_two_passes_end_a_game_and_so_does_its_length():
    rules = make_rules(r.GO, 2, 2)
    assert play(rules, "pass pass")[r.OVER]
    state = new(rules)
    while not state[r.OVER]:
        r.play(rules, state, min(legal(rules, state)))
    assert state[r.MOVES] <= rules.max_moves


@pytest.mark.parametrize(
    ("moves", "winner"),
    [("A1 B1 A2 B2 A3", 1), ("A1 B1 A2 B2 C1 B3", 2), ("A1 B2 C3 A2 C2 C1 A3 B3 B1", 0), ("A1 B1 B2 C1 C3", 1)],
)
def test_tic_tac_toe_is_won_by_three_in_a_row(moves, winner):
    state = play(TIC_TAC_TOE, moves)
    assert state[r.OVER] and state[r.WINNER] == winner and not legal(TIC_TAC_TOE, state)


@pytest.mark.parametrize(
    ("moves", "winner"),
    [("A B A B A B A", 1), ("A A B B C C D", 1), ("A B B C C D C D D A D", 1), ("G A B A C A B A", 2)],
)
def test_connect_four_is_won_by_four_in_a_row(moves, winner):
    state = play(CONNECT_FOUR, moves)
    assert state[r.OVER] and state[r.WINNER] == winner


def test_a_full_column_takes_no_more():
    state = play(CONNECT_FOUR, "A A A A A A")
    assert legal(CONNECT_FOUR, state) == {1, 2, 3, 4, 5, 6}


def test_tic_tac_toe_has_as_many_games_as_is_known():
    """255,168 games, of which the first player wins 131,184, the second 77,904, and 46,080 are drawn."""

    @functools.cache
    def count(board, state):
        total = np.zeros(3, int)
        for action in legal(TIC_TAC_TOE, state.array):
            after = state.array.copy()
            r.play(TIC_TAC_TOE, after, action)
            total += (
                np.eye(3, dtype=int)[after[r.WINNER]]
                if after[r.OVER]
                else count(pieces_of(TIC_TAC_TOE, after).tobytes(), Known(after))
            )
        return total

    assert count(b"", Known(new(TIC_TAC_TOE))).tolist() == [46_080, 131_184, 77_904]


class Known:
    """A state for a cache whose key is the board alone."""

    def __init__(self, array):
        self.array = array

    def __eq__(self, other):
        return isinstance(other, Known)

    def __hash__(self):
        return 0


def test_names_of_moves_go_there_and_back():
    for rules in (TIC_TAC_TOE, CONNECT_FOUR, make_rules(r.GO, 19, 19)):
        assert [parse_action(rules, name_action(rules, a).lower()) for a in range(rules.actions)] == [
            *range(rules.actions)
        ]


@pytest.mark.parametrize("rules", [TIC_TAC_TOE, CONNECT_FOUR, make_rules(r.GO, 5, 5)], ids=["ttt", "c4", "go"])
def test_symmetries_are_the_boards(rules):
    cells, actions = symmetries(rules), action_symmetries(rules)
    assert len({tuple(c) for c in cells}) == len(cells) == {r.CONNECT_FOUR: 2}.get(rules.kind, 8)
    assert all(sorted(a) == [*range(rules.actions)] for a in actions)
    state, rng = new(rules), np.random.default_rng(0)
    for _ in range(6):
        r.play(rules, state, int(rng.choice(sorted(legal(rules, state)))))
    for cell, action in zip(cells, actions, strict=True):  # the turned game is the game of the turned moves
        turned = new(rules)
        replay, rng = new(rules), np.random.default_rng(0)
        for _ in range(6):
            move = int(rng.choice(sorted(legal(rules, replay))))
            r.play(rules, replay, move)
            r.play(rules, turned, int(action[move]))
        board = np.empty(len(cell), np.int8)
        board[cell] = pieces_of(rules, replay).ravel()
        assert (pieces_of(rules, turned).ravel() == board).all()


def test_the_last_move_is_known_by_the_cell_of_its_piece():
    assert last_cell(TIC_TAC_TOE, new(TIC_TAC_TOE)) is None
    assert last_cell(TIC_TAC_TOE, play(TIC_TAC_TOE, "A3 B3")) == 1
    assert last_cell(CONNECT_FOUR, play(CONNECT_FOUR, "C C")) == 4 * 7 + 2
    rules = make_rules(r.GO, 5, 5)
    assert last_cell(rules, play(rules, "A5")) == 0 and last_cell(rules, play(rules, "A5 pass")) is None


def test_planes_are_those_of_the_paper_written_again():
    rules, rng = make_rules(r.GO, 5, 5, history=8), random.Random(1)
    state, boards = new(rules), [np.zeros((5, 5), np.int8)]
    for _ in range(20):
        move = rng.choice(sorted(legal(rules, state) - {25}))
        r.play(rules, state, move)
        boards.insert(0, pieces_of(rules, state).copy())
        planes = np.full((17, 25), 9, np.float32)
        encode_planes(rules, state, np.arange(25), planes)
        player = 1 if len(boards) % 2 else 2
        wanted = np.zeros((17, 5, 5), np.float32)
        for t, board in enumerate(boards[:8]):
            wanted[2 * t], wanted[2 * t + 1] = board == player, board == 3 - player
        wanted[16] = player == 1
        assert (planes.reshape(17, 5, 5) == wanted).all()


def test_random_games_fill_no_eyes_and_say_who_is_ahead():
    rules = make_rules(r.GO, 5, 5, komi=0.5)
    state = play(rules, "C3 pass")
    _, values = RolloutEvaluator(rules, np.random.default_rng(0))(np.repeat(state[None], 300, 0))
    assert set(values) <= {-1.0, 1.0} and values.mean() > 0.2, "Black is to move and has the centre"


def test_every_line_counts_the_games_of_a_player_who_never_loses():
    class First(MinimaxPlayer):
        def choose(self, games):
            return np.array(
                [self.solve(s.tobytes())[1][0] if g else 0 for s, g in zip(self.states, games, strict=True)]
            )

    lines = every_line(First(TIC_TAC_TOE, np.random.default_rng(0)), TIC_TAC_TOE)
    assert len(lines) > 300 and lines.sum() == 0
