"""A board to play on: what a touch sends, and what comes back."""

import pytest

from potmeter.errors import UserError
from potmeter.gallery.demos import render_demo
from potmeter.systems.play.alphazero import AlphaZero
from potmeter.systems.play.alphazero.demo import demo


@pytest.fixture(scope="module")
def board():
    return demo(AlphaZero(AlphaZero.presets["tiny"]).eval())


def test_a_touch_is_answered_by_a_legal_move(board):
    steps = [*board.actions["answer"]((4,))]
    assert steps[0][0] == (4,) and len(steps[-1][0]) == 2 and steps[-1][0][1] != 4
    assert "Black to move" in steps[-1][1].state.text


def test_a_game_to_its_end_by_touch_says_who_won(board):
    moves = ()
    for _ in range(5):
        free = next(cell for cell in range(9) if cell not in moves)
        *_, (moves, view) = board.actions["answer"]((*moves, free))
        if "move." not in view.state.text.split(" Last")[0]:
            break
    assert "wins." in view.state.text or "A draw." in view.state.text
    assert [*board.actions["answer"](moves)][-1][0] == moves, "nobody moves after the end"


def test_a_move_against_the_rules_is_told_and_nothing_is_played(board):
    for bad in ((4, 4), (9,), (100,)):
        with pytest.raises(UserError, match="against the rules"):
            board.show(bad)
    for nonsense in ("x", [1.5], [-1], [True], None, [0] * 3000):
        with pytest.raises(UserError, match="numbers of moves"):
            board.check(nonsense)


def test_moves_are_taken_back_two_at_a_time_and_a_new_game_begins(board):
    assert [*board.actions["Take back"]((4, 0, 2, 6))][-1][0] == (4, 0)
    assert [*board.actions["New game"]((4, 0))][-1][0] == ()


def test_the_page_has_a_button_for_every_cell_and_none_for_the_answer(board):
    html = str(render_demo(board, "demo"))
    assert html.count("data-move=") == 9 and 'data-action="answer"' not in html and 'data-action="Take back"' in html
