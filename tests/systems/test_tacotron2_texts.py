"""Tacotron 2's texts: read out as they are spoken, cut into pieces, spelt; what cannot be spoken is named."""

from dataclasses import replace

import pytest

from potmeter.errors import UserError
from potmeter.systems.speech.tacotron2 import Config
from potmeter.systems.speech.tacotron2.normalise import normalise, split_long, split_sentences
from potmeter.systems.speech.tacotron2.pieces import cut_text
from potmeter.systems.speech.tacotron2.symbols import END, encode, learn_symbols

LETTERS = Config(text="letters", language="none", symbols=tuple("_~ abcdef."), alphabet="abcdef", max_symbols=20)


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en-us", "Dr. Smith met Mrs. Jones.", "doctor Smith met misess Jones."),
        ("en-us", "3 of 1,250 — 2.5%", "three of one thousand, two hundred and fifty, two point five percent"),
        ("en-us", "In 1984 and 2005.", "In nineteen eighty-four and two thousand and five."),
        ("en-us", "It cost $3.50, or €7.", "It cost three dollars, fifty cents, or seven euro."),
        ("en-us", "The 21st at 10:05", "The twenty-first at ten oh five"),
        ("en-us", "on 5/6/1921", "on May sixth, nineteen twenty-one"),
        ("en-us", "“Quite so,” (he) said…", "Quite so, he said."),
        ("hu", "kb. 35 alma", "körülbelül harmincöt alma"),
        ("ru", "25 раз", "двадцать пять раз"),
        ("none", "abc.", "abc."),
    ],
)
def test_texts_are_read_out(language, text, spoken):
    assert normalise(text, language) == spoken


def test_long_numbers_are_read_digit_by_digit():
    assert normalise("0036", "en-us") == "zero zero three six"
    assert normalise("1" * 20, "en-us").split() == ["one"] * 20


def test_phonemes_of_several_languages():
    from potmeter.systems.speech.tacotron2.phonemes import find_phonemes

    assert find_phonemes("Hello, world!", "en-us") == "həlˈoʊ, wˈɜːld!"
    assert find_phonemes("szép nyár", "hu") == "sˈeːp ɲˌaːr"
    assert find_phonemes("мир", "ru") == "mʲˈir"
    with pytest.raises(UserError, match="does not know this language"):
        find_phonemes("a", "xx")


def test_a_text_is_cut_into_sentences_and_these_into_what_was_trained_on():
    assert split_sentences("One two. Three?\n\nfour") == ["One two.", "Three?", "four"]
    words = "abc " * 30
    pieces = cut_text(f"{words.strip()}. de", replace(LETTERS, max_symbols=20))
    assert all(len(piece.spelt) <= 20 for piece in pieces) and len(pieces) >= 7
    assert " ".join(piece.text for piece in pieces) == f"{words.strip()}. de"
    assert split_long("a, b c d e f", len, 8) == ["a, b c d", "e f"]


def test_a_long_text_without_a_full_stop_is_cut_and_no_number_in_it_is():
    words = "abc def " * 12_000
    pieces = cut_text(words, LETTERS)
    assert " ".join(piece.text for piece in pieces) == words.strip()
    assert all(len(piece.spelt) <= LETTERS.max_symbols for piece in pieces)
    english = replace(LETTERS, language="en-us", symbols=(*"_~ ,.", *"abcdefghijklmnopqrstuvwxyz-"), alphabet="")
    assert [piece.text for piece in cut_text("It cost 123,456,789,012. Supercalifragilisticexpialidocious", english)] == [
        "It cost one hundred", "and twenty-three", "billion,", "four hundred and", "fifty-six million,",
        "seven hundred and", "eighty-nine thousand", "and twelve.", "Supercalifragilistic", "expialidocious",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing that could be spoken"),
        ("?!", "nothing that could be spoken"),
        ("abc привет", "6 of these letters or signs. Received: в е и п р т"),
        ("abc 😀", "1 of these letters or signs. Received: 😀"),
        ("a" * 300_000, "up to 200,000 characters"),
        ("xyz", "3 of these letters or signs. Received: x y z"),
    ],
)
def test_what_cannot_be_spoken_is_named(text, told):
    with pytest.raises(UserError, match=told):
        cut_text(text, LETTERS)


def test_symbols_begin_with_the_padding_and_texts_end_with_the_end():
    symbols = learn_symbols(["ba", "c a"])
    assert symbols == ("_", END, " ", "a", "b", "c")
    assert encode("ab", replace(LETTERS, symbols=symbols)) == [3, 4, 1]
