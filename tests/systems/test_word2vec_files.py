"""Word vectors in the original program's formats, and a user's own text: exact, bounded, never trusted."""

import tracemalloc

import numpy as np
import pytest

from potmeter.data.texts import read_chunks
from potmeter.errors import UserError
from potmeter.systems.language.word2vec import phrases, system
from potmeter.systems.language.word2vec.model import Config
from potmeter.systems.language.word2vec.phrases import build_vocabulary
from potmeter.systems.language.word2vec.system import Word2Vec
from potmeter.systems.language.word2vec.vector_files import read_vectors, write_vectors
from potmeter.systems.language.word2vec.vocabulary import count_words

WORDS = ("the", "ős", "new_york", "it's")


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.vec"])
def test_vectors_come_back_as_they_were(tmp_path, name):
    vectors = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
    words, back = read_vectors(write_vectors(tmp_path / name, WORDS, vectors))
    assert words == WORDS and (back == vectors).all()
    loaded = Word2Vec.from_pretrained(tmp_path / name)
    assert loaded.run(["ős"], top=3).rows[0][0] in WORDS and loaded.config.dataset == "own data"
    assert read_vectors(loaded.save_vectors(tmp_path / f"again-{name}"))[0] == WORDS


@pytest.mark.parametrize("name", ["v.bin", "v.txt"])
def test_gensim_reads_ours_and_we_read_gensims(tmp_path, name):
    models = pytest.importorskip("gensim.models")
    vectors = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
    binary = name.endswith(".bin")
    theirs = models.KeyedVectors.load_word2vec_format(
        str(write_vectors(tmp_path / name, WORDS, vectors)), binary=binary
    )
    assert tuple(theirs.index_to_key) == WORDS and np.allclose(theirs.vectors, vectors, atol=1e-6)
    theirs.save_word2vec_format(str(tmp_path / f"theirs-{name}"), binary=binary)
    words, back = read_vectors(tmp_path / f"theirs-{name}")
    assert words == WORDS and np.allclose(back, vectors, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("v.bin", b"", "must begin with"),
        ("v.bin", b"no header", "must begin with"),
        ("v.bin", b"99999999999 10000\n", "too short for"),
        ("v.bin", b"9999999999999999 3\n", "must begin with"),
        ("v.bin", b"3 999999\n", "from 1 to 10,000"),
        ("v.bin", b"1 3\n", "at least two words"),
        ("v.bin", b"2 2\na " + bytes(8) + b"\nb " + bytes(7), "too short|ends within"),
        ("v.bin", b"2 2\n" + b"a" * 4000, "no space"),
        ("v.bin", b"2 2\n\xff " + bytes(8) + b"\nb " + bytes(8), "not UTF-8"),
        ("v.bin", b"2 1\na " + bytes(4) + b"\na " + bytes(4), "a word twice"),
        ("v.bin", b"2 1\na \x00\x00\xc0\x7f\nb " + bytes(4), "not finite"),
        ("v.txt", b"2 2\na 1 2\nb 1\n", "2 numbers a line"),
        ("v.txt", b"2 2\na 1 2\nb 1 x\n", "no number"),
    ],
)
def test_damaged_vectors_are_told(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=f"{says}.*Received: "):
        read_vectors(tmp_path / name)


def test_the_parts_of_a_text_are_the_whole(tmp_path):
    text = "\n".join(f"line {n} of the text" for n in range(20_000))
    (tmp_path / "a.txt").write_text(text[:100_000])
    (tmp_path / "b.txt").write_text(text[100_000:])
    parts = {part: "".join(read_chunks(tmp_path, part)) for part in ("train", "valid", "test")}
    assert "".join(parts.values()) == text
    assert len(parts["train"]) / len(text) == pytest.approx(0.9, abs=0.03) and min(map(len, parts.values())) > 1000


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_read_in_pieces(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("one two three " * 3_600_000)
    assert max(map(len, read_chunks(path, "train"))) < 2**18
    assert count_words(read_chunks(path, "valid"))["two"] > 100_000
    path.write_bytes(b"x" * 50_000_000)
    assert max(map(len, read_chunks(path, "train"))) < 2**20


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "is empty"), (b"a\0b", "null byte"), (b"gr\xf6\xdfer " * 9, "not UTF-8")]
)
def test_what_is_no_text_is_told(tmp_path, data, says):
    (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(UserError, match=f"{says}.*Received: "):
        list(read_chunks(tmp_path / "x.txt", "train"))


def test_a_large_text_is_not_copied_into_memory(tmp_path, monkeypatch):
    numbers = np.zeros(4_000_000, np.int32)
    numbers[-1] = 1
    numbers.tofile(tmp_path / "numbers")
    monkeypatch.setattr(system, "map_words", lambda chunks, vocabulary: np.memmap(tmp_path / "numbers", np.int32, "r"))
    config = Config(vocabulary=("ant", "bee"), counts=(2, 1))
    (tmp_path / "a.txt").write_text("ant bee")
    tracemalloc.start()
    Word2Vec.data(config, str(tmp_path / "a.txt"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000, "four million words of four bytes"


def test_of_too_many_different_words_the_rarest_are_forgotten():
    chunks = [f"the {letters(n)} of the {letters(n)}" for n in range(300)]
    counts = count_words(chunks, max_counted=100)
    assert counts["the"] == 600 and counts["of"] == 300 and len(counts) <= 100
    assert len(count_words(chunks)) == 302, "by default far more are kept"


def test_a_vocabulary_as_large_as_asked_for_is_not_cut_short_by_counting(monkeypatch):
    monkeypatch.setattr(phrases, "MAX_COUNTED", 80)
    chunks = [" ".join(letters(n) for n in range(start, start + 50)) for start in (0, 50)]
    assert len(build_vocabulary(lambda: chunks, 0, min_count=1, threshold=100.0, max_size=100)) == 100


@pytest.mark.slow
def test_counting_a_text_of_many_different_words_takes_bounded_memory():
    chunks = (" ".join(letters(n) for n in range(start, start + 5000)) for start in range(0, 1_500_000, 5000))
    tracemalloc.start()
    count_words(chunks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 140e6, "all of them would take 170 MB"


def letters(number):
    """A made-up word for each number below 26⁹."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(9))
