"""gpt2 reads each text of a folder once: what is held out was not trained on."""

import shutil

from potmeter.systems.language.gpt2.texts import load_texts


def test_backups_and_copies_of_a_text_are_not_trained_on(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{name} {i} is a line.\n" for i in range(400)), encoding="utf-8")
    alone = load_texts(str(tmp_path))
    (tmp_path / ".ipynb_checkpoints").mkdir()
    shutil.copy(tmp_path / "c.txt", tmp_path / ".ipynb_checkpoints" / "c-checkpoint.txt")
    shutil.copy(tmp_path / "c.txt", tmp_path / "c copy.txt")
    (tmp_path / "._c.txt").write_bytes(b"\0\5\x16\7")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._c.txt").write_bytes(b"\0\5\x16\7")
    again = load_texts(str(tmp_path))
    text = lambda splits: "".join(splits.train.chunks())
    assert len(text(again)) == len(text(alone)) and again.test.text
    assert not set(again.test.text.splitlines()[1:-1]) & set(text(again).splitlines())
