"""A text is a text, a path is a path, and a misspelt path is neither."""

import pytest

from potmeter.core.conversion import expand_folder, to_medium
from potmeter.errors import UserError
from potmeter.media import Image, Text

PATHS = (
    "novel.txt",
    "my novel.txt",
    "./novel",
    "../up",
    "~/letters",
    "letters.MD",
    "data.csv",
    "report.pdf",
    "novel.tx t.txt",
)
TEXTS = (
    "It was a truth", "and/or", "Mr.", "e.g.", "3.14", "a.b", "see README.md for how to do it", "first line\nnovel.txt",
    "Ende gut, alles gut.", "/", "~", ".", "...", "hello.world", "", "/imagine a cat", "km/h", "x" * 5000 + ".txt",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_what_looks_like_a_path_and_is_none_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no file of this name for prompt; if it is the text itself.*Received: "):
        to_medium("prompt", Text, path)
    assert to_medium("prompt", Text, f"{path} ").text == path, "the way to say that it is the text"
    assert to_medium("prompt", Text, Text(path)).text == path


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_a_text_stays_as_it_is(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert to_medium("prompt", Text, text).text == text


def test_a_name_in_a_folder_that_there_is_means_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "emma").write_text("It was")
    assert to_medium("prompt", Text, "books/emma").text == "It was"
    with pytest.raises(UserError, match="no file of this name"):
        to_medium("prompt", Text, "books/ema")


def test_a_folder_of_media_holds_no_hidden_ones(tmp_path):
    for name in ("b.txt", "a.txt", "._a.txt", ".hidden.txt", "~$a.txt", "c.png"):
        (tmp_path / name).write_text("x")
    (tmp_path / "d.txt").mkdir()
    assert [path.name for path in expand_folder(tmp_path, Text)] == ["a.txt", "b.txt"]
    with pytest.raises(UserError, match="holds no file of kind"):
        expand_folder(tmp_path / "d.txt", Image)


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "book.txt").write_text("It was")
    (tmp_path / "books").mkdir()
    (tmp_path / "books/a.txt").write_text("a")
    assert to_medium("prompt", Text, "~/book.txt").text == "It was"
    assert [path.name for path in expand_folder("~/books", Text)] == ["a.txt"]
    assert to_medium("prompt", Text, "~ five").text == "~ five"
    with pytest.raises(UserError, match="no file of this name"):
        to_medium("prompt", Text, "~/bok.txt")
