"""Generated vowels: a buzz of a changing pitch through two resonances, for trainings of seconds without network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potmeter.data.sounds import SoundData
from potmeter.data.splits import Splits

COUNTS = {"train": 40, "valid": 6, "test": 8}
"""How many sounds of each part."""
SECONDS = 0.8
"""Of a sound."""
FORMANTS = {"a": (750, 1150), "e": (450, 1900), "i": (280, 2300), "o": (450, 800), "u": (300, 700)}
"""The two lowest resonances of vowels in Hz (Peterson and Barney 1952, rounded)."""
BANDWIDTH = 120.0
"""Of a resonance in Hz."""


def vowels(rate: int = 8000) -> Splits:
    """Sounds of two vowels each, from numbered seeds: the same on every machine.

    Args:
        rate: Samples per second.

    Returns:
        SoundData.
    """
    numbers = iter(range(sum(COUNTS.values())))
    parts = [[next(numbers) for _ in range(count)] for count in COUNTS.values()]
    train, valid, test = (
        SoundData.from_waves(speak(part, rate), rate, names=[f"vowels-{n}" for n in part]) for part in parts
    )
    return Splits(train, valid, test, dataset="vowels")


def speak(numbers: list[int], rate: int) -> Iterator[np.ndarray]:
    """The sounds with these numbers."""
    for number in numbers:
        rng = np.random.default_rng(number)
        time = np.arange(int(SECONDS * rate)) / rate
        pitch = rng.uniform(90, 220) * 2 ** (rng.uniform(-0.4, 0.4) * time / SECONDS)
        phase = 2 * np.pi * np.cumsum(pitch) / rate
        first, second = (np.array(FORMANTS[name]) for name in rng.choice(list(FORMANTS), 2))
        blend = 1 / (1 + np.exp(-(time - SECONDS / 2) * 30))[:, None]
        resonances = (1 - blend) * first + blend * second  # (time, 2)
        wave = np.zeros(len(time))
        for harmonic in range(1, int(rate / 2 / 90)):
            frequency = harmonic * pitch
            gains = 1 / (1 + ((frequency[:, None] - resonances) / BANDWIDTH) ** 2)
            wave += np.where(frequency < rate / 2, gains.sum(1) * np.sin(harmonic * phase), 0)
        swell = np.sin(np.pi * time / SECONDS) ** 0.5
        yield 0.15 * swell * wave / np.sqrt(np.square(wave).mean()) + 0.001 * rng.standard_normal(len(time))
