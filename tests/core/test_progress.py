"""Progress that is read later is as good as progress that is watched."""

import time

import pytest

from potmeter.core.progress import format_duration, progress, show_progress


def test_without_a_terminal_there_is_a_line_each_ten_seconds(monkeypatch, capsys):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with show_progress():
        assert list(progress(range(20), "drawing")) == list(range(20))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "drawing: 3 of 20" and 4 <= len(lines) <= 6


def test_what_is_quick_says_nothing(capsys):
    with show_progress():
        list(progress(iter(range(1000)), "counting"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (50.2, "50 s"), (89, "89 s"), (91, "2 m"), (5300, "88 m"), (721_260, "200 h 21 m")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert format_duration(seconds) == words
