"""A text as the symbols that the network reads: letters or phonemes, with punctuation and spaces."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import torch
from torch import Tensor

from potmeter.errors import reject
from potmeter.notices import note

from .config import PAD, Config
from .normalise import normalise
from .phonemes import find_phonemes

PADDING, END = "_", "~"
"""The symbols that fill a text up, and end it."""
MAX_NAMED = 10
"""Unknown symbols that are named."""


def spell(text: str, config: Config) -> str:
    """What is to be spoken, symbol for symbol, without the end."""
    return spell_words(normalise(text, config.language), config)


def spell_words(words: str, config: Config) -> str:
    """The symbols of words and punctuation, of which ``normalise`` has made all that is written otherwise."""
    if config.text == "phonemes":
        return find_phonemes(words, config.language)
    return words if any(symbol.isupper() for symbol in config.symbols) else words.lower()


def learn_symbols(texts: Iterable[str]) -> tuple[str, ...]:
    """The symbols of spelt texts, the padding first, then the end."""
    return PADDING, END, *sorted(set().union(*texts) - {PADDING, END})


def learn_alphabet(texts: Iterable[str], config: Config) -> str:
    """The letters that texts are written in, without their accents, in order."""
    return "".join(sorted({letter for text in texts for letter in base_letters(normalise(text, config.language))}))


def check_script(text: str, config: Config) -> None:
    """Refuse letters and signs other than those that were trained on, each named. Raises UserError."""
    known = set(config.alphabet or config.symbols)
    written = base_letters(normalise(text, config.language))
    if unknown := sorted(set(written) - {letter.lower() for letter in known}):
        shown = " ".join(unknown[:MAX_NAMED]) + (" …" if len(unknown) > MAX_NAMED else "")
        reject(f"The voice has not learnt to read {len(unknown)} of these letters or signs.", shown)


def base_letters(text: str) -> str:
    """The letters and signs of a text, small, without accents; punctuation, digits and spaces left out."""
    plain = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LS")


def encode(spelt: str, config: Config) -> list[int]:
    """Numbers of a spelt text's symbols, and of the end, where the weights have one; rare symbols are left out, and told.

    Raises:
        UserError: Where nothing that could be spoken is left.
    """
    numbers = {symbol: number for number, symbol in enumerate(config.symbols)}
    if unknown := sorted(set(spelt) - set(numbers)):
        note(f"left out, because the voice was not trained on them: {' '.join(unknown[:MAX_NAMED])}", about="symbols")
        spelt = "".join(symbol for symbol in spelt if symbol in numbers)
    any(symbol.isalpha() for symbol in spelt) or reject("The text has nothing that could be spoken.", spelt[:80])
    return [*(numbers[symbol] for symbol in spelt), *([numbers[END]] if END in numbers else [])]


def decode(numbers: Iterable[int], config: Config) -> list[str]:
    """The symbols of their numbers."""
    return [config.symbols[number] for number in numbers]


def pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Rows of symbols as one tensor (B, N), and their lengths (B,)."""
    lengths = torch.tensor([len(row) for row in rows])
    symbols = torch.full((len(rows), int(lengths.max())), PAD)
    for row, target in zip(rows, symbols, strict=True):
        target[: len(row)] = torch.tensor(row)
    return symbols, lengths
