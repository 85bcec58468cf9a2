"""A made-up language whose letters are chords: what a synthesiser learns in seconds, without network."""

from __future__ import annotations

import random

import numpy as np

from potmeter.data.speech import SpeechData
from potmeter.data.splits import Splits
from potmeter.media import Audio

RATE = 8000
"""Samples per second."""
LETTERS = {"a": (300, 800), "b": (450, 1000), "c": (600, 1300), "d": (800, 1700), "e": (1100, 2100), "f": (1500, 2600)}
"""The frequencies in Hz of each letter's chord."""
LETTER_SECONDS, PAUSE_SECONDS = 0.064, 0.064
"""How long a letter sounds, and the pause between two words."""
WORDS, LENGTHS = (1, 3), (1, 4)
"""Fewest and most words of a sentence, and letters of a word."""


def tones() -> Splits:
    """Sentences of the language with their sounds, none of them in two parts."""
    rng = random.Random(0)
    sentences: dict[str, None] = {}
    while len(sentences) < 560:
        words = ("".join(rng.choices([*LETTERS], k=rng.randint(*LENGTHS))) for _ in range(rng.randint(*WORDS)))
        sentences[f"{' '.join(words)}."] = None
    texts = [*sentences]
    train, valid, test = (sound_out_all(part) for part in (texts[:500], texts[500:530], texts[530:]))
    return Splits(train, valid, test, dataset="tones")


def sound_out_all(texts: list[str]) -> SpeechData:
    """Sentences with their sounds."""
    return SpeechData(texts, lambda i: sound_out(texts[i]), origin=("tones", 2))


def sound_out(text: str) -> Audio:
    """A sentence as sound.

    Example:
        >>> sound_out("ab c.").seconds
        0.256
    """
    time = np.arange(int(LETTER_SECONDS * RATE)) / RATE
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
    pieces = [np.zeros(int(PAUSE_SECONDS * RATE)) if c == " " else chord(c, time) * fade for c in text if c != "."]
    return Audio.from_array(np.concatenate(pieces), RATE)


def chord(letter: str, time: np.ndarray) -> np.ndarray:
    """The wave of a letter."""
    wave: np.ndarray = np.sum([0.3 * np.sin(2 * np.pi * f * time) for f in LETTERS[letter]], axis=0)
    return wave
