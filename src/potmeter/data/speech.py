"""Sentences with their sounds: a data set that reads, or speaks, a sound when it is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from potmeter.data.fingerprint import digest
from potmeter.errors import reject
from potmeter.media import Audio

SILENCE_DB = -45.0
"""Level, below the loudest frame, under which a frame at either end counts as silence."""
FRAME_SECONDS, MARGIN_SECONDS = 0.01, 0.05
"""Length of such a frame, and what is kept of the silence."""
SHORTEST, LONGEST = 0.1, 30.0
"""Seconds that a sentence may last."""


class SpeechData:
    """Sentences, each with the sound of it.

    Args:
        texts: What is spoken, as it is written.
        load: Gives the sound of a sentence by its number.
        origin: What the sounds hang on besides the texts: digests of the files, or a synthesiser's name.
        names: Of the sentences.
        digests: Of the files, where the sounds are a user's own.
    """

    def __init__(
        self, texts: Sequence[str], load: Callable[[int], Audio], *, origin: Any, names: Sequence[str] = (),
        digests: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.texts, self.load, self.origin = tuple(texts), load, origin
        self.names, self.digests = tuple(names), tuple(digests)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[str, Audio]:
        """A sentence and its sound."""
        return self.texts[index], self.load(index)

    def fingerprint(self) -> str:
        """A digest of texts and sounds, which does not change with the folder that they lie in."""
        return digest([self.texts, self.origin])

    def select(self, indices: Sequence[int]) -> SpeechData:
        """Some of the sentences."""
        chosen = list(indices)
        return SpeechData(
            [self.texts[i] for i in chosen],
            lambda i: self.load(chosen[i]),
            origin=[self.origin, chosen],
            names=[self.names[i] for i in chosen] if self.names else (),
            digests=[self.digests[i] for i in chosen] if self.digests else (),
        )


def find_speech(sound: Audio) -> tuple[int, int]:
    """The first sample of the sound and the one after its last, without the silence at its ends.

    ``MARGIN_SECONDS`` of it are kept: a clean end is what a stop token learns from.
    """
    import numpy as np

    size = max(int(FRAME_SECONDS * sound.rate), 1)
    count = len(sound.samples) // size
    power = np.square(sound.samples[: count * size].reshape(count, size), dtype=np.float64).mean(1)
    if not power.any():
        return 0, len(sound.samples)
    loud = np.flatnonzero(power > power.max() * 10 ** (SILENCE_DB / 10))
    margin = int(MARGIN_SECONDS * sound.rate)
    return max(int(loud[0]) * size - margin, 0), min((int(loud[-1]) + 1) * size + margin, len(sound.samples))


def trim_silence(sound: Audio) -> Audio:
    """A sound without the silence at its ends.

    Example:
        >>> import numpy as np
        >>> tone = np.sin(np.arange(8000) / 5).astype("float32")
        >>> silence = np.zeros(8000, "float32")
        >>> trim_silence(Audio(np.concatenate([silence, tone, silence]), 8000)).seconds
        1.1
    """
    start, stop = find_speech(sound)
    return Audio(sound.samples[start:stop], sound.rate)


def check_sound(path: Path) -> None:
    """Refuse a file that is no sound of a sentence's length, by its header where it has one.

    Raises:
        UserError: When it cannot be read, or is too short or too long.
    """
    import soundfile

    try:
        seconds = soundfile.info(path).duration
    except (soundfile.LibsndfileError, OSError):
        seconds = Audio.open(path).seconds  # says what is wrong with it, or knows its format
    LONGEST >= seconds or reject(
        f"{path} is too long for a sentence, of at most {LONGEST:g} s: cut it.", f"{seconds:,.0f} s"
    )
    seconds >= SHORTEST or reject(f"{path} is too short for a sentence, of at least {SHORTEST:g} s.", f"{seconds:g} s")


def read_sound(path: Path) -> Audio:
    """A sentence's sound from its file. Raises UserError where it cannot be read, or is silent."""
    sound = Audio.open(path)
    bool(sound.samples.any()) or reject(f"{path} is silent.", f"{sound.seconds:g} s of zeros")
    return sound
