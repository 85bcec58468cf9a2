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
    import torch

OVERSHOOT = 1e-3
"""By how much samples may lie outside of [-1, 1]: rounding, which is not heard."""
LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
"""Codings whose waves may overshoot what was coded; players clip them."""
HEADLESS = {".g722": "g722"}
"""Endings of files that are nothing but coded samples, with the name of the coding."""


@dataclass(frozen=True, eq=False)
class Audio(Medium):
    """A sound with one channel.

    Args:
        samples: float32 array of shape (time,), values in [-1, 1]; ``from_array`` takes other types.
        rate: Samples per second.
    """

    samples: np.ndarray
    rate: int

    suffix = ".wav"
    formats = (".wav", ".flac", ".ogg", ".mp3")
    noun = "a sound"
    suffixes = (".wav", ".flac", ".ogg", ".mp3")

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.samples, "shape", ())
        kind = str(getattr(self.samples, "dtype", type(self.samples)))
        if len(shape) != 1 or shape[0] == 0 or kind != "float32":
            reject("Audio takes float32 samples of shape (time,).", f"{kind} of shape {tuple(shape)}")
        reject_overshoot(self.samples, "a sound")
        self.rate > 0 or reject("A sound has a positive number of samples per second.", self.rate)

    @classmethod
    def open(cls, path: str | Path) -> Audio:
        """Read a sound of any rate, bit depth and number of channels, which are averaged into one; the sound of a film too."""
        import soundfile

        data = read_bytes(path)
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                file.frames > 0 or reject(f"{path} holds no samples.", describe(data))
                size = file.frames * file.channels
                size <= 10 * MAX_PIXELS or reject(f"{path} is too long a sound.", f"{size:,} samples")
                samples = file.read(dtype="float32", always_2d=True)
                if file.subtype not in LOSSY:
                    reject_overshoot(samples, str(path))
                return cls(samples.mean(axis=1).clip(-1, 1), file.samplerate)
        except soundfile.LibsndfileError:
            samples, rate = decode(data, Path(path))
            return cls(samples, rate)

    @classmethod
    def from_array(cls, samples: np.ndarray | torch.Tensor, rate: int) -> Audio:
        """Convert samples of another type.

        Args:
            samples: Shape (time,); int16 or int32 over the type's whole range, uint8 around 128, or floats in [-1, 1].
            rate: Samples per second.

        Raises:
            UserError: For another shape or type, and for floats out of [-1, 1].
        """
        import numpy as np

        if not isinstance(samples, np.ndarray):
            samples = samples.detach().cpu()
            samples = (samples.float() if samples.is_floating_point() else samples).numpy()  # numpy has no bfloat16
        values: np.ndarray = samples
        values.ndim == 1 or reject("A sound's samples have shape (time,): average the channels.", values.shape)
        match str(values.dtype):
            case "uint8":
                values = (values - np.float32(128)) / 128
            case "int16" | "int32":
                values = values / -float(np.iinfo(values.dtype).min)
            case kind:
                values.dtype.kind == "f" or reject("Samples are uint8, int16, int32, or floats in [-1, 1].", kind)
        reject_overshoot(values, "a sound")
        return cls(values.astype(np.float32), rate)

    def resample(self, rate: int) -> Audio:
        """The same sound at another rate, by polyphase filtering; what overshoots is clipped."""
        if rate == self.rate:
            return self
        from math import gcd

        import numpy as np
        from scipy.signal import resample_poly

        divisor = gcd(rate, self.rate)
        samples = resample_poly(self.samples.astype(np.float64), rate // divisor, self.rate // divisor)
        return Audio(samples.clip(-1, 1).astype(np.float32), rate)

    @property
    def seconds(self) -> float:
        """Duration."""
        return len(self.samples) / self.rate

    def encode(self, suffix: str) -> bytes:
        import soundfile

        self.check_format(suffix)
        buffer = io.BytesIO()
        soundfile.write(buffer, self.samples, self.rate, format=suffix[1:].upper())
        return buffer.getvalue()

    def html(self) -> str:
        """A player, and below it the waveform and the spectrogram."""
        from potmeter.media.spectrogram import draw_sounds

        picture = f'<img alt="waveform and spectrogram" src="{data_uri(draw_sounds({"": self}), ".png")}">'
        return f'<audio controls src="{data_uri(self, ".wav")}"></audio><br>{picture}'

    def json(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 3), "rate": self.rate}


def decode(data: bytes, path: Path) -> tuple[np.ndarray, int]:
    """The samples (time,), channels averaged, and the rate of a file that libsndfile does not know: G.722, AAC, a film …

    Raises:
        UserError: When FFmpeg finds no sound in it either, or it is too long.
    """
    import av
    import numpy as np

    pieces, size, rate = [], 0, 0
    try:
        with av.open(io.BytesIO(data), "r", HEADLESS.get(path.suffix.lower())) as container:
            to_float = av.AudioResampler(format="fltp")
            container.streams.audio or reject(f"{path} is not a sound of a known format.", describe(data))
            for frame in container.decode(audio=0):
                for plain in to_float.resample(frame):
                    pieces.append(plain.to_ndarray().mean(axis=0))
                    size, rate = size + len(pieces[-1]), plain.sample_rate
                    size <= 10 * MAX_PIXELS or reject(f"{path} is too long a sound.", f"{size:,} samples")
    except av.FFmpegError:
        raise UserError(f"{path} is not a sound of a known format.", received=describe(data)) from None
    pieces or reject(f"{path} holds no samples.", describe(data))
    return np.concatenate(pieces).astype(np.float32).clip(-1, 1), rate


def reject_overshoot(samples: np.ndarray, name: str) -> None:
    """Raise UserError for samples out of [-1, 1], which are of another scale, and for what is no number."""
    low, high = float(samples.min(initial=0)), float(samples.max(initial=0))
    inside = -1 - OVERSHOOT <= low and high <= 1 + OVERSHOOT  # False for NaN
    inside or reject(f"The samples of {name} lie in [-1, 1]: scale them.", f"{low:g} to {high:g}")
