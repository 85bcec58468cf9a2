"""Phonemes of a text, in the International Phonetic Alphabet, by eSpeak NG, which the package espeakng-loader brings."""

from __future__ import annotations

import ctypes
import re
import threading
from functools import cache
from typing import Any

import numpy as np

from potmeter.errors import UserError, missing_extra, reject
from potmeter.media import Audio

PUNCTUATION = ",.;:?!"
"""What is kept beside the phonemes, because one hears it."""
SYNCHRONOUS, UTF8, IPA = 2, 1, 2
"""Of eSpeak NG's interface: sound is handed over, not played; what texts are; what it answers."""
SWITCH = re.compile(r"\([a-z-]+\)")
"""eSpeak NG's mark of a word that it reads in another language."""
RATE = 22_050
"""Samples per second of eSpeak NG's own voices."""
lock = threading.Lock()
"""eSpeak NG has one voice at a time."""


@cache
def load_espeak() -> Any:
    """The library.

    Raises:
        UserError: When it is not installed, or not for this system.
    """
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        started = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 1 << 15)
    except ImportError as error:
        raise missing_extra("Finding phonemes", "speech", error.name) from None
    except OSError as error:
        raise UserError(
            "eSpeak NG cannot be loaded here: train with --text letters.", received=str(error)[:80]
        ) from None
    started > 0 or reject("eSpeak NG does not start.", started)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library


def find_phonemes(text: str, language: str) -> str:
    """A text's phonemes, with a space between words and punctuation as in the text.

    Args:
        text: What is written, of any script that the language has.
        language: As eSpeak NG calls it: en-us, hu, ru.

    Raises:
        UserError: When eSpeak NG is not there, or does not know the language.

    Example:
        >>> find_phonemes("Hello, world!", "en-us")
        'həlˈoʊ, wˈɜːld!'
    """
    library = load_espeak()
    with lock:
        if library.espeak_SetVoiceByName(language.encode()) != 0:
            reject("eSpeak NG does not know this language; it knows en-us, hu, ru, de …", language)
        parts = [
            part if part in PUNCTUATION else " ".join(phonemise(library, part))
            for part in re.split(f"([{PUNCTUATION}])", text)
            if part.strip()
        ]
    return re.sub(rf" (?=[{PUNCTUATION}])", "", " ".join(parts)).strip()


def phonemise(library: Any, text: str) -> list[str]:
    """The phonemes of each clause."""
    pointer = ctypes.c_char_p(text.encode())
    clauses = []
    while pointer.value is not None:
        answer = library.espeak_TextToPhonemes(ctypes.byref(pointer), UTF8, IPA)
        clauses.append(SWITCH.sub("", (answer or b"").decode()).strip())
    return [clause for clause in clauses if clause]


def speak_with_espeak(text: str, language: str = "en-us") -> Audio:
    """A text as eSpeak NG itself speaks it, to compare with.

    Args:
        text: What is spoken.
        language: As eSpeak NG calls it.
    """
    library, pieces = load_espeak(), []

    def collect(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(collect)
    with lock:
        library.espeak_SetVoiceByName(language.encode())
        library.espeak_SetSynthCallback(callback)
        data = text.encode()
        library.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
        library.espeak_Synchronize()
    return Audio.from_array(np.concatenate(pieces), RATE)
