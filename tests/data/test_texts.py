"""A folder of texts: each text once, and nothing that an editor or a system put there."""

import pytest

from potmeter.data.texts import find_texts, read_chunks
from potmeter.errors import UserError
from potmeter.notices import drop_notes, pending


@pytest.fixture(autouse=True)
def nothing_noted():
    drop_notes()


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "a.txt": "one",
        "b/B.TXT": "two",
        "c.md": "three",
        ".ipynb_checkpoints/a-checkpoint.txt": "one",
        "._a.txt": "\0\5\x16\7",
        "__MACOSX/._a.txt": "\0\5\x16\7",
        ".git/description.txt": "hidden",
        "~$b.txt": "lock",
        "runs/gpt2/metrics.jsonl": "{}",
        "runs/gpt2/sample.txt": "generated",
        "notes.docx": "PK",
        "again/copy of a.txt": "one",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_each_text_counts_once_and_nothing_else(folder):
    assert [path.name for path in find_texts(folder)] == ["a.txt", "B.TXT", "c.md"]
    assert "1 of 4 texts are copies of others, such as copy of a.txt" in " ".join(pending.values())
    assert "skipped 1 files that are no text, such as notes.docx" in " ".join(pending.values())


def test_no_text_is_in_two_parts(folder):
    parts = ["".join(read_chunks(folder, part)) for part in ("train", "valid", "test")]
    assert sorted("".join(parts)) == sorted("onetwothree")


def test_a_file_is_itself_and_what_is_none_is_told(folder):
    assert find_texts(folder / "notes.docx") == [folder / "notes.docx"]
    for name in ("missing.txt", "x" * 300, "with\0null"):
        with pytest.raises(UserError, match="Received: "):
            find_texts(folder / name)
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match="holds no text file"):
        find_texts(folder / "empty")
