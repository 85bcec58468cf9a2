"""Words in any script: Unicode's word boundaries (UAX #29), by the library ``regex``.

A letter keeps its marks: vowel signs (Hindi), points (Arabic, Hebrew), accents written as characters of their own, the dot
that ``"İ".lower()`` leaves. Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) take a
dictionary to be cut into words; here, as Unicode's rules have it without one, each Chinese character or Japanese hiragana
is a word of its own, as is a run of katakana, and in the others each letter with its marks. Put spaces between the words,
with a segmenter of the language, to have whole ones.
"""

from __future__ import annotations

import re
import unicodedata

import regex

FLAGS = regex.VERSION1 | regex.WORD  # \b and \B are UAX #29's
LETTERS = regex.compile(r"\p{L}(?:\B[\p{L}\p{M}\p{Join_Control}'’])*", FLAGS)
"""A letter, and what follows it without a boundary: letters, marks, joiners, an apostrophe between two letters."""
ASCII_LETTERS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")
"""The same where there is nothing but ASCII, at twice the speed."""
TOKENS = regex.compile(r"\w(?:\B\w)*|(?![\s\x1c-\x1f])\X", FLAGS)
"""A run of letters, digits and underscores without a boundary, or one other sign (an emoji of several characters, too)."""


def find_words(text: str) -> list[str]:
    """The words of a text: letters alone, with apostrophes inside; in Unicode's composed form (NFC).

    Example:
        >>> find_words("It's 1 TRUTH, universally_acknowledged: हिन्दी 中文")
        ["It's", 'TRUTH', 'universally', 'acknowledged', 'हिन्दी', '中', '文']
    """
    if text.isascii():
        return ASCII_LETTERS.findall(text)
    words: list[str] = LETTERS.findall(unicodedata.normalize("NFC", text))
    return words


def split_words(text: str) -> list[str]:
    """A text without its white space as words, numbers and single other signs; nothing is lost or changed.

    Example:
        >>> split_words("Don't_stop: हिन्दी 1,5…")
        ['Don', "'", 't_stop', ':', 'हिन्दी', '1', ',', '5', '…']
    """
    tokens: list[str] = TOKENS.findall(text)
    return tokens
