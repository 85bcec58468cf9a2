"""Words in many scripts: marks stay with their letters, and where there are no spaces the documented rule holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potmeter.data.words import find_words, split_words

SCRIPTS = {
    "hindi": ("हिन्दी में लिखना", ["हिन्दी", "में", "लिखना"]),
    "tamil": ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
    "pointed arabic": ("اَلْعَرَبِيَّةُ لُغَةٌ", ["اَلْعَرَبِيَّةُ", "لُغَةٌ"]),
    "persian with a joiner": ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
    "pointed hebrew": ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
    "russian with stresses": ("замо\u0301к и за\u0301мок", ["замо\u0301к", "и", "за\u0301мок"]),
    "vietnamese": ("tiếng Việt", ["tiếng", "Việt"]),
    "korean": ("안녕하세요 세계", ["안녕하세요", "세계"]),
    "dotless and dotted": ("İstanbul’da ısı".lower(), ["i\u0307stanbul’da", "ısı"]),
    "chinese": ("中文句子。", ["中", "文", "句", "子"]),
    "japanese": ("カタカナ語のテキスト", ["カタカナ", "語", "の", "テキスト"]),
    "thai": ("ที่นี่", ["ที่", "นี่"]),
    "burmese": ("မြန်မာ", ["မြ", "န်", "မာ"]),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_of_a_script(script):
    text, words = SCRIPTS[script]
    assert find_words(text) == words
    assert [token for token in split_words(text.replace("’", "")) if token != "。"] == [
        w.replace("’", "") for w in words
    ]


def test_an_accent_is_the_same_word_written_as_one_character_or_two():
    assert find_words("cafe\u0301 naïve") == find_words("café nai\u0308ve") == ["café", "naïve"]
    assert split_words("cafe\u0301") == ["cafe\u0301"]  # what is copied is not changed


def test_letters_alone_are_words_and_everything_is_a_token():
    assert find_words("'tis 1st, don't 3.14 foo_bar e-mail dogs'") == [
        *("tis", "st", "don't", "foo", "bar", "e", "mail", "dogs")
    ]
    assert split_words("don't (3.14) 👩‍👩‍👧🇭🇺!") == [*("don", "'", "t", "(", "3", ".", "14", ")"), "👩‍👩‍👧", "🇭🇺", "!"]


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_cut_as_python_cuts_it(text):
    assert find_words(text) == re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text)
    assert split_words(text) == re.findall(r"\w+|[^\w\s]", text)


@given(st.text())
def test_no_character_is_lost(text):
    assert "".join(split_words(text)) == "".join(text.split())
