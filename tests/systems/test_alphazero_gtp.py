"""The Go Text Protocol as a graphical board speaks it, nonsense included; records there and back."""

import io
import random
import string
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from potmeter.cli import execute
from potmeter.errors import UserError
from potmeter.media import Game
from potmeter.systems.play.alphazero import AlphaZero
from potmeter.systems.play.alphazero import rules as r
from potmeter.systems.play.alphazero.gtp import GtpEngine
from potmeter.systems.play.alphazero.model import Config, Network
from potmeter.systems.play.alphazero.players import ProgramPlayer
from potmeter.systems.play.alphazero.positions import play_through
from potmeter.systems.play.alphazero.thoughts import pieces_of
from potmeter.systems.play.alphazero.vertices import parse_action

CONFIG = Config(size=5, komi=24.5, history=2, blocks=1, channels=8, value_units=8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(CONFIG).eval()


@pytest.fixture
def ask(network):
    engine = GtpEngine(CONFIG, network, playouts=24)
    return lambda *lines: [answer.removesuffix("\n\n") for answer in engine.serve(lines)]


def test_a_session_as_a_board_has_it(ask):
    answers = ask(
        "1 protocol_version", "name", "known_command genmove", "known_command fly", "boardsize 5", "clear_board", "komi 7.5",
        "play black C3", "genmove w", "showboard", "undo", "play w c2", "final_score", "quit", "name",
    )  # fmt: skip
    assert answers[:8] == ["=1 2", "= potmeter alphazero", "= true", "= false", "=", "=", "=", "="]
    assert answers[8].startswith("= ") and len(answers) == 14, "nothing after quit"
    board = answers[9].splitlines()
    assert "X" in board[3] and len(board) == 7
    assert answers[12] == "= W+7.5", "one stone each, the rest touches both"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("boardsize 19", "unacceptable size"), ("boardsize", "unacceptable size"), ("komi NaN", "syntax error"),
        ("komi inf", "syntax error"), ("komi 0.3", "komi is a multiple of one half"), ("komi", "syntax error"),
        ("play black z99", "syntax error"), ("play black", "syntax error"), ("play green C3", "syntax error"),
        ("genmove", "syntax error"), ("genmove purple", "syntax error"), ("fly", "unknown command"),
        ("time_left w", "syntax error"), ("time_settings 1", "syntax error"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_answered_and_nothing_changes(ask, line, error):
    assert ask("play black C3", f"7 {line}", "play white C3", "play white C2")[1:] == [
        f"?7 {error}", "? illegal move", "=",
    ]  # fmt: skip


def test_moves_are_taken_back_as_far_as_there_are_any(ask):
    assert ask("play b C3", "play w C2", "undo", "undo", "undo", "play b C3")[2:] == ["=", "=", "? cannot undo", "="]


def test_it_lives_through_nonsense(ask):
    rng = random.Random(0)
    lines = ["".join(rng.choices(string.printable, k=rng.randrange(60))) for _ in range(300)]
    lines += ["play b " * 5000, "\0", "# a comment", "", "12345678901234 name", "１ name", "play b C3 C4 C5"]
    answers = ask(*lines, "9 name")
    assert answers[-1] == "=9 potmeter alphazero"


def test_it_never_plays_against_the_rules_to_the_end_and_beyond(ask):
    lines = [f"genmove {colour}" for _ in range(30) for colour in "bw"]
    moves = [answer.removeprefix("= ") for answer in ask(*lines)]
    referee = np.zeros(CONFIG.rules.length, np.int64)
    r.reset(CONFIG.rules, referee)
    for move in moves:
        if referee[r.OVER] or move == "resign":
            break
        assert r.is_legal(CONFIG.rules, referee, parse_action(CONFIG.rules, move))
        r.play(CONFIG.rules, referee, parse_action(CONFIG.rules, move))
    assert len(moves) == 60


def test_an_engine_that_looks_at_no_move_is_refused(network):
    with pytest.raises(UserError, match="playouts must be at least 2. Received: 1"):
        GtpEngine(CONFIG, network, playouts=1)


def test_one_player_may_play_twice_and_after_two_passes_the_game_may_go_on(ask):
    assert ask("play b C3", "play b C4", "play w pass", "play b pass", "play w B3")[-1] == "="


def test_the_clock_bounds_the_search(network):
    engine = GtpEngine(CONFIG, network, playouts=50)
    assert engine.playouts_for(r.BLACK) == 50
    engine.speed = 100.0
    [*engine.serve(["time_settings 60 0 0"])]
    long = engine.playouts_for(r.BLACK)
    [*engine.serve(["time_left b 1 0"])]
    assert 2 <= engine.playouts_for(r.BLACK) < long
    [*engine.serve(["time_left b 0 0"])]
    assert engine.playouts_for(r.BLACK) == 2


def test_thoughts_are_in_the_form_that_boards_know(ask):
    text = ask("lz-analyze b 50")[0]
    first = text.splitlines()[1].split()
    assert first[:2] == ["info", "move"] and first[3] == "visits" and "winrate" in first and "pv" in first


@pytest.fixture
def converse(monkeypatch, capsys):
    """What ``potmeter gtp`` answers to bytes on standard input."""

    def answer(typed, *flags):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed), "utf-8"))
        assert execute(["gtp", "alphazero.go5", "--playouts", "4", "--device", "cpu", *flags]) == 0
        return capsys.readouterr().out

    return answer


def test_the_command_answers_until_it_is_told_to_quit_and_lives_through_bytes_that_are_no_text(converse):
    answers = converse(b"\xff\xfe\x00 \xc3(\n1 name\r\nplay b z99\n2 quit\n3 name\n").split("\n\n")
    assert answers == ["? unknown command", "=1 potmeter alphazero", "? syntax error", "=2", ""]


def test_a_person_plays_in_the_terminal_by_moves_alone(converse):
    first, played, answer, second, refused, *_ = converse(b"c3\nc3\nundo\n", "--board").split("\n\n")
    assert "X" not in first and played == "=" and answer.startswith("= ") and refused == "? illegal move"
    assert second.splitlines()[3].split()[:4] != first.splitlines()[3].split()[:4] and second.count("X") == 1


def test_other_games_speak_no_gtp():
    system = AlphaZero(AlphaZero.presets["tiny"])
    with pytest.raises(UserError, match="GTP is a protocol for Go"):
        system.gtp()
    with pytest.raises(UserError, match="GTP is a protocol for Go"):
        system.match()


@pytest.mark.parametrize("command", ["", "no-such-program --mode gtp", "true", "echo hello", 'unclosed "quote'])
def test_a_program_that_does_not_answer_is_told(command):
    states = np.zeros((1, CONFIG.rules.length), np.int64)
    r.reset(CONFIG.rules, states[0])
    with pytest.raises(UserError, match="The program"):
        player = ProgramPlayer(CONFIG.rules, command)
        try:
            player.begin(states)
        finally:
            player.close()


PROGRAM = """
import sys
answer, heard = sys.argv[1:]
for line in sys.stdin:
    with open(heard, "a") as file:
        file.write(line)
    print(f"= {answer}\\n" if line.startswith("genmove") else "=\\n", flush=True)
"""


@pytest.mark.parametrize(("answer", "won"), [("resign", 2), ("C3", 2), ("PASS", None)])
def test_a_match_with_another_program_is_counted_and_its_first_game_recorded(tmp_path, answer, won):
    """One that resigns, or plays where a stone lies already, has lost; one that passes has played by the rules."""
    (tmp_path / "program.py").write_text(PROGRAM)
    torch.manual_seed(0)
    system = AlphaZero(CONFIG).eval()
    command = Path(f"{sys.executable} {tmp_path}/program.py {answer} {tmp_path}/heard")
    result = system.match(command, games=2, playouts=4)
    (row,) = result.table.json()
    assert row["games"] == row["won"] + row["drawn"] + row["lost"] == 2 and won in (None, row["won"])
    assert row["from"] <= row["Elo difference"] <= row["to"]
    game = result.first_game
    assert game.players[0] == "alphazero" and len(game.boards) == len(game.moves) + 1 and "SZ[5]KM[24.5]" in game.sgf
    heard = (tmp_path / "heard").read_text().splitlines()
    assert heard[:3] == ["boardsize 5", "clear_board", "komi 24.5"] and "genmove white" in heard
    assert f"play black {game.moves[2]}" in heard, "it is told what we play after the opening's two moves"


def test_two_sets_of_weights_meet_and_those_for_another_board_are_refused(tmp_path):
    system = AlphaZero(CONFIG).eval()
    result = system.play(opponent=system.save_pretrained(tmp_path / "same"), games=4, playouts=4)
    (row,) = result.table.json()
    assert row["won"] + row["drawn"] + row["lost"] == 4 and row["from"] <= row["Elo difference"] <= row["to"]
    larger = AlphaZero(replace(CONFIG, size=7)).save_pretrained(tmp_path / "larger")
    with pytest.raises(UserError, match=r"play go 7 × 7, .*these go 5 × 5, .*Received: .*larger"):
        system.play(opponent=larger)


# Records ----------------------------------------------------------------------------------------------------------


def test_a_record_is_read_as_sgfmill_reads_it():
    sgf = pytest.importorskip("sgfmill.sgf")
    text = "(;FF[4]GM[1]SZ[9]KM[6.5]PB[a\\]b]RE[B+R];B[ee];W[cc](;B[gc];W[];B[tt])(;B[aa]))"
    game, theirs = Game.from_sgf(text), sgf.Sgf_game.from_string(text)
    wanted = [node.get_move() for node in theirs.get_main_sequence()[1:]]
    names = ["pass" if p is None else f"{'ABCDEFGHJ'[p[1]]}{p[0] + 1}" for _, p in wanted]
    assert list(game.moves) == names and game.rows == theirs.get_size() and game.komi == theirs.get_komi()
    assert game.players[0] == theirs.get_player_name("b") == "a]b" and game.result == "B+R"


def test_a_record_comes_back_from_its_file(tmp_path):
    game = Game(("C3", "pass", "A1"), 5, 5, "W+3.5", 24.5, players=("one", "t]wo"), setup=())
    back = Game.open(game.save(tmp_path / "game.sgf"))
    assert (back.moves, back.rows, back.result, back.komi, back.players) == (
        game.moves, game.rows, game.result, game.komi, game.players,
    )  # fmt: skip


def test_a_record_that_is_written_is_what_sgfmill_reads():
    sgf = pytest.importorskip("sgfmill.sgf")
    setup = (("B", "B4"), ("B", "D2"))
    for game in (
        Game(("C3", "pass", "A1", "E5"), 5, 5, "W+3.5", 24.5, players=("one", "t]w\\o: 2")),
        Game(("C3", "B1"), 5, 5, "B+R", 0.5, setup=setup),
    ):
        theirs = sgf.Sgf_game.from_string(game.sgf)
        nodes = [node.get_move() for node in theirs.get_main_sequence()[1:]]
        names = ["pass" if p is None else f"{'ABCDE'[p[1]]}{p[0] + 1}" for _, p in nodes]
        assert tuple(names) == game.moves and "".join(c for c, _ in nodes) == ("wb" if game.setup else "bwbw")
        assert (theirs.get_size(), theirs.get_komi(), theirs.get_root().get("RE")) == (5, game.komi, game.result)
        assert not game.players[1] or theirs.get_player_name("w") == game.players[1]
        black, white, _ = theirs.get_root().get_setup_stones()
        assert black == ({(3, 1), (1, 3)} if game.setup else set()) and not white


def test_handicap_stones_lie_there_first():
    game = Game.from_sgf("(;GM[1]SZ[5]KM[0.5]AB[bb][dd];W[cc];B[cd])")
    at = play_through(CONFIG.rules, game, "B1")
    assert (
        at.moves == ["C3", "C2", "B1"]
        and np.count_nonzero(pieces_of(CONFIG.rules, at.state)) == 5
        and at.state[r.TO_PLAY] == r.BLACK
    )
    assert "AB[bb][dd]" in game.sgf and ";W[cc];B[cd]" in game.sgf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "is no SGF"), ("(;GM[1]SZ[5];B[cc]", "is cut off"), ("(;GM[2])", "no game of Go"),
        ("(;SZ[99])", "square board"), ("(;SZ[5:7])", "square board"), ("(;SZ[5];B[zz])", "not on the board"),
        ("(;SZ[5];B[cc];B[dd])", "out of turn"), ("(;SZ[5];B[cc];AB[dd])", "in mid-game"), ("(;SZ[5]KM[x])", "no number"),
        ("(;SZ[5]KM[1e9])", "out of all reason"), ("(B[cc])", "is no SGF"), ("()", "is no SGF"), ("(;SZ[5] rubbish ;B[cc])", "is no SGF"),
    ],
)  # fmt: skip
def test_a_broken_record_is_told_in_one_line(text, message):
    with pytest.raises(UserError, match=message) as told:
        Game.from_sgf(text)
    assert "Received: " in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(;SZ[9];B[cc])", "play on 5 × 5"),
        ("(;SZ[5];B[cc];W[cc])", "Move 2 is against the rules"),
        ("(;SZ[5]AB[cc][cc])", "cannot be put"),
    ],
)
def test_a_record_against_the_rules_is_told(text, message):
    with pytest.raises(UserError, match=message):
        play_through(CONFIG.rules, Game.from_sgf(text), "")


def test_a_huge_record_is_not_read(tmp_path):
    path = tmp_path / "huge.sgf"
    path.write_text("(;SZ[5]" + ";B[cc]" * 2_000_000 + ")")
    with pytest.raises(UserError, match="too long"):
        Game.open(path)


def test_a_record_without_end_of_brackets_does_not_hang():
    with pytest.raises(UserError):
        Game.from_sgf("(;C[" + "\\" * 500_000)


def test_a_game_shows_every_move_and_says_who_won():
    boards = np.zeros((3, 3, 3), np.int8)
    boards[1:, 1, 1], boards[2, 0, 0] = 1, 2
    game = Game(("B2", "A3"), 3, 3, "B+R", boards=boards, look="cells", players=("me", "you"))
    assert game.title == "me against you: me wins by resignation"
    assert game.html().count("<svg") == 3 and game.html().count("<circle") == 1 + 1 + 2 + 1
    assert game.cell(0) == 4 and game.cell(1) == 0
    with pytest.raises(UserError, match="Only games of Go"):
        game.encode(".sgf")
    assert game.encode(".png")[:4] == b"\x89PNG"
