"""English sentences spoken by flite, a small synthesis program: speech whose text is known, and which is the same each time.

Its libraries are loaded from the unpacked package; they are linked to each other by names under which an installation would
lie, so each is loaded before those that want it.
"""

from __future__ import annotations

import ctypes
import platform
import random
import re
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import zip_longest
from typing import Any

import numpy as np

from potmeter.data.fetching.fetch import fetch
from potmeter.data.sets.english import english
from potmeter.data.speech import SpeechData
from potmeter.data.splits import Splits
from potmeter.errors import UserError, reject
from potmeter.media import Audio

WORDS = range(1, 15)
"""How many words a sentence has: of each number there are as many sentences, as far as there are enough."""
SENTENCES = {"train": 5600, "valid": 140, "test": 100}
"""How many are spoken of each part of ``english``, whose parts are whole books."""
MAX_LENGTH = 90
"""Characters of the longest sentence."""
PLAIN = re.compile(r"[A-Z][a-z']*(?:[,;:]? [A-Za-z][a-z]*(?:'[a-z]+)?)*[.?!]")
"""A sentence of words and commas alone: what is spoken is what is written."""
MACHINE = "Linux x86_64"
"""What the package is built for."""
lock = threading.Lock()
"""flite speaks one text at a time."""


class Wave(ctypes.Structure):
    """flite's ``cst_wave``."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


@cache
def load_flite() -> tuple[Any, Any]:
    """flite's library, and its voice slt.

    Raises:
        UserError: When the package cannot be fetched, or its libraries not loaded on this system.
    """
    machine = f"{platform.system()} {platform.machine()}"
    machine == MACHINE or reject(
        "flite speaks on Linux on x86-64 only: give speech of your own with --data FOLDER, or take --preset russian.",
        machine,
    )
    folder = fetch("flite")
    try:
        try:
            ctypes.CDLL("libasound.so.2", mode=ctypes.RTLD_GLOBAL)
        except OSError:
            ctypes.CDLL(str(next(fetch("alsa").rglob("libasound.so.2.0.0"))), mode=ctypes.RTLD_GLOBAL)
        library, lexicon, english_text, voice = (
            ctypes.CDLL(str(next(folder.rglob(f"libflite{part}.so.2.2"))), mode=ctypes.RTLD_GLOBAL)
            for part in ("", "_cmulex", "_usenglish", "_cmu_us_slt")
        )
    except (OSError, StopIteration) as error:
        raise UserError(
            "flite cannot be loaded on this system; give speech of your own with --data FOLDER.", received=str(error)
        ) from None
    del lexicon, english_text  # loaded, for the voice to find them
    library.flite_init()
    voice.register_cmu_us_slt.restype = ctypes.c_void_p
    library.flite_text_to_wave.restype = ctypes.POINTER(Wave)
    library.flite_text_to_wave.argtypes = ctypes.c_char_p, ctypes.c_void_p
    library.delete_wave.argtypes = (ctypes.POINTER(Wave),)
    return library, voice.register_cmu_us_slt(None)


def speak(text: str) -> Audio:
    """A text as flite's voice slt speaks it, at 16 kHz.

    Raises:
        UserError: When it makes no sound of the text.

    Example:
        >>> speak("Hello.").rate  # doctest: +SKIP
        16000
    """
    library, voice = load_flite()
    with lock:
        ctypes.CDLL(None).srand(0)  # the breath in the voice is C's random noise
        wave = library.flite_text_to_wave(text.encode(), voice)
        samples = np.ctypeslib.as_array(wave.contents.samples, (max(wave.contents.num_samples, 1),)).copy()
        rate = wave.contents.sample_rate
        library.delete_wave(wave)
    len(samples) > 1 or reject("flite finds nothing to speak in this text.", text[:80])
    return Audio.from_array(samples, rate)


def flite_sentences() -> Splits:
    """Sentences of English books, each spoken by flite; those for validation and testing are of other books.

    Raises:
        UserError: When a package cannot be fetched, or flite does not run on this machine.
    """
    load_flite()  # before books are fetched for nothing
    parts = {name: speak_all(texts) for name, texts in select_sentences().items()}
    return Splits(parts["train"], parts["valid"], parts["test"], dataset="flite")


def speak_all(texts: tuple[str, ...]) -> SpeechData:
    """Sentences with the sounds that flite makes of them."""
    return SpeechData(texts, lambda i: speak(texts[i]), origin=("flite slt", 1))


@cache
def select_sentences() -> dict[str, tuple[str, ...]]:
    """The sentences of each part: as many of one word as of two, and so on; none stands in two parts."""
    chosen: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for name, count in reversed(SENTENCES.items()):  # what stands in a held-out book is not trained on
        by_words: dict[int, list[str]] = {words: [] for words in WORDS}
        for sentence in find_sentences(english()[name]):
            words = sentence.count(" ") + 1
            if words in by_words and len(sentence) <= MAX_LENGTH and sentence not in taken:
                taken.add(sentence)
                by_words[words].append(sentence)
        rng = random.Random(0)
        for sentences in by_words.values():
            rng.shuffle(sentences)
        turns = (sentence for row in zip_longest(*by_words.values()) for sentence in row if sentence)
        chosen[name] = tuple(sentence for sentence, _ in zip(turns, range(count), strict=False))
    return chosen


def find_sentences(documents: Iterable[str]) -> Iterator[str]:
    """The plain sentences of texts."""
    for document in documents:
        for part in re.split(r"(?<=[.?!])\s+|\n+|[\"“”]+", document.replace("’", "'")):
            sentence = " ".join(part.split())
            if PLAIN.fullmatch(sentence):
                yield sentence
