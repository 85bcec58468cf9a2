"""Sounds with one channel."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter.errors import UserError, reject
from potmeter.media.medium import MAX_PIXELS, Medium, data_uri, describe, read_bytes

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Audio(Medium):
    """A sound with one channel.

    Args:
        samples: float32 array of shape (time,), values in [-1, 1].
        rate: Samples per second.
    """

    samples: np.ndarray
    rate: int

    suffix = ".wav"
    suffixes = (".wav", ".flac", ".ogg", ".mp3")

    @classmethod
    def open(cls, path: str | Path) -> Audio:
        """Read a sound; several channels are averaged into one."""
        import soundfile

        data = read_bytes(path)
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                file.frames > 0 or reject(f"{path} holds no samples.", describe(data))
                size = file.frames * file.channels
                size <= 10 * MAX_PIXELS or reject(f"{path} is too long a sound.", f"{size:,} samples")
                samples = file.read(dtype="float32", always_2d=True).mean(axis=1)
                return cls(samples, file.samplerate)
        except soundfile.LibsndfileError:
            raise UserError(f"{path} is not a sound of a known format.", received=describe(data)) from None

    def resampled(self, rate: int) -> Audio:
        """The same sound at another rate, by polyphase filtering."""
        if rate == self.rate:
            return self
        from math import gcd

        import numpy as np
        from scipy.signal import resample_poly

        divisor = gcd(rate, self.rate)
        samples = resample_poly(self.samples.astype(np.float64), rate // divisor, self.rate // divisor)
        return Audio(samples.astype(np.float32), rate)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    def encode(self, suffix: str) -> bytes:
        import soundfile

        suffix in self.suffixes or reject("A sound is saved as .wav, .flac, .ogg or .mp3.", suffix)
        buffer = io.BytesIO()
        soundfile.write(buffer, self.samples, self.rate, format=suffix[1:].upper())
        return buffer.getvalue()

    def html(self) -> str:
        return f'<audio controls src="{data_uri(self, ".wav")}"></audio>'

    def json(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 3), "rate": self.rate}
