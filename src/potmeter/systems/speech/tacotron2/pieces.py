"""A text cut into pieces that the network can speak, and what is told about them."""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.errors import reject

from .config import Config
from .normalise import normalise, split_long, split_sentences
from .symbols import check_script, encode, spell_words

SENTENCE_PAUSE, CUT_PAUSE = 0.35, 0.12
"""Seconds of silence after a sentence, and where a long one was cut."""
MAX_CHARACTERS = 200_000
"""Longest text, some hours of speech."""


@dataclass(frozen=True)
class Piece:
    """What is spoken at once."""

    text: str
    spelt: str
    symbols: list[int]
    pause: float
    """Seconds of silence after it."""


def cut_text(text: str, config: Config) -> list[Piece]:
    """The sentences of a text, those that are longer than any that was trained on in parts.

    Raises:
        UserError: For a text that is too long, has nothing to speak, or is written in letters that were not trained on.
    """
    len(text) <= MAX_CHARACTERS or reject(f"A text has up to {MAX_CHARACTERS:,} characters.", f"{len(text):,}")
    config.symbols or reject("The system has no symbols yet: train it, or load weights.", "tacotron2")
    check_script(text, config)
    sentences = split_sentences(text) or reject("The text has nothing that could be spoken.", text[:80])
    limit = config.max_symbols or 200
    pieces = []
    for sentence in sentences:
        words = normalise(sentence, config.language)  # so that no number is cut between its digits
        parts = split_long(words, lambda part: len(spell_words(part, config)), limit)
        parts = [part for part in parts if any(c.isalnum() for c in part)]
        for number, part in enumerate(parts, 1):
            spelt = spell_words(part, config)
            pause = SENTENCE_PAUSE if number == len(parts) else CUT_PAUSE
            pieces.append(Piece(part, spelt, encode(spelt, config), pause))
    return pieces
