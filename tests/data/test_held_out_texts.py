"""A text of one's own that was not trained on is measured whole; one that was, by what was held out of it."""

import pytest

from potmeter.data.held_out import select_held_out, write_training_files
from potmeter.data.splits import OWN_DATA
from potmeter.errors import UserError
from potmeter.systems.language.gpt2.texts import load_texts
from potmeter.systems.language.translator.pairs import load_pairs
from potmeter.systems.language.word2vec import Word2Vec
from potmeter.systems.language.word2vec.model import Config as Word2VecConfig

VERSE = "a rose by any other name would smell as sweet and the river runs to the sea\n"


def read_for_gpt2(folder):
    return load_texts(str(folder))


def read_for_word2vec(folder):
    return Word2Vec.data(Word2VecConfig(min_count=1), str(folder))


def read_for_translator(folder):
    return load_pairs(str(folder / "a.txt"), str(folder / "b.txt"))


def write_texts(folder, *texts):
    folder.mkdir(exist_ok=True)
    for name, text in zip("abcdef", texts, strict=False):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def lines(start, count=400):
    return "".join(f"{n} {VERSE}" for n in range(start, start + count))


def size(part):
    """Words of a gpt2's held-out text or of word2vec's passages, or pairs, whatever is measured."""
    if hasattr(part, "pairs"):
        return len(part.pairs)
    return len(part.text.split()) if isinstance(part.text, str) else int((part.text >= 0).sum())


READERS = [read_for_gpt2, read_for_word2vec, read_for_translator]


@pytest.mark.parametrize("read", READERS)
def test_a_text_that_was_not_trained_on_is_measured_whole(tmp_path, read):
    trained = read(write_texts(tmp_path / "train", lines(0), lines(1000)))
    run = tmp_path / "run"
    run.mkdir()
    write_training_files(run, trained)
    other = read(write_texts(tmp_path / "other", lines(5000), lines(6000)))
    whole = select_held_out(other, run, OWN_DATA)
    assert size(whole.test) > 15 * size(other.test) and whole.train is None
    of_a_data_set = select_held_out(
        other, None, "austen"
    )  # weights of a data set by name have seen no file of a user's
    assert size(of_a_data_set.test) == size(whole.test)


@pytest.mark.parametrize("read", READERS)
def test_a_text_that_was_trained_on_is_measured_by_what_was_held_out_of_it(tmp_path, read):
    trained = read(write_texts(tmp_path / "train", lines(0), lines(1000)))
    run = tmp_path / "run"
    run.mkdir()
    write_training_files(run, trained)
    (tmp_path / "train").rename(tmp_path / "renamed")
    again = read(tmp_path / "renamed")
    assert size(select_held_out(again, run, OWN_DATA).test) == size(trained.test)


@pytest.mark.parametrize("read", READERS[:2])
def test_of_a_folder_that_has_grown_the_new_texts_are_measured_and_a_part_that_was_trained_on_is_refused(
    tmp_path, read
):
    folder, run = write_texts(tmp_path / "train", lines(0), lines(1000)), tmp_path / "run"
    run.mkdir()
    write_training_files(run, read(folder))
    alone = write_texts(tmp_path / "alone", lines(7000))
    write_texts(folder, lines(0), lines(1000), lines(7000))
    grown = select_held_out(read(folder), run, OWN_DATA)
    assert size(grown.test) == size(select_held_out(read(alone), run, OWN_DATA).test)
    part = write_texts(tmp_path / "part", lines(1000))
    with pytest.raises(UserError, match="have seen all files.*Received: 1 files"):
        select_held_out(read(part), run, OWN_DATA)


def test_a_translation_s_files_are_known_whichever_comes_first(tmp_path):
    trained = read_for_translator(write_texts(tmp_path / "train", lines(0), lines(1000)))
    run = tmp_path / "run"
    run.mkdir()
    write_training_files(run, trained)
    swapped = load_pairs(str(tmp_path / "train" / "b.txt"), str(tmp_path / "train" / "a.txt"))
    assert size(select_held_out(swapped, run, OWN_DATA).test) == size(trained.test)
