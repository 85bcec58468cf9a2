"""The English prompts of a telephone exchange, 24 minutes of one woman's voice (Allison Smith), 16,000 samples a second.

They are coded in G.722, which keeps 7 kHz. Whole families of prompts are held out ("tt-…", "agent-…"), since those of one
family share words and are partly cut from the same recording.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potmeter.data.fetching.fetch import fetch
from potmeter.data.sounds import SoundData, decode_sounds
from potmeter.data.splits import Splits

RATE = 16_000
"""Samples per second of the recordings."""
GAIN = 0.5
"""By which they are made quieter: -17 LUFS are loud for a voice, half of that is -23."""
TONES = ("ascending-2tone", "descending-2tone", "beep", "beeperr", "confbridge-join", "confbridge-leave")
"""No speech."""
COPIES = ("privacy-thankyou", "queue-seconds")
"""Recordings of families that are held out which stand in another family too: they are in no part."""
TEST, VALID = ("tt", "agent", "queue", "pbx", "privacy"), ("dir",)
"""Families that are held out."""


def prompts(rate: int = RATE) -> Splits:
    """The recordings, by families.

    Args:
        rate: Samples per second; where it is not theirs they are resampled.

    Returns:
        SoundData.

    Raises:
        UserError: When the package cannot be fetched.
    """
    folder = fetch("asterisk")
    paths = sorted(path for path in folder.rglob("*.g722") if path.stem not in (*TONES, *COPIES))
    stored = decode_sounds(paths, rate)
    samples = np.round(stored.samples * np.float32(GAIN)).astype(np.int16)
    everything = SoundData(samples, stored.bounds, rate, names=[name_of(path) for path in paths])
    families = [path.stem.partition("-")[0] for path in paths]

    def part(wanted: bool, *names: str) -> SoundData:
        return everything.select([i for i, family in enumerate(families) if (family in names) == wanted])

    return Splits(part(False, *TEST, *VALID), part(True, *VALID), part(True, *TEST), dataset="prompts")


def name_of(path: Path) -> str:
    """A prompt's name, as Asterisk knows it: with its folder where it is in one."""
    return path.stem if path.parent.name.startswith("en_") else f"{path.parent.name}/{path.stem}"
