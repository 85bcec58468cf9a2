"""Sounds as pictures: the waveform, and below it which frequencies sound when."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from potmeter.errors import reject
from potmeter.media.image import Image

if TYPE_CHECKING:
    import numpy as np

WINDOW = 512 / 16_000
"""Seconds under the window of the spectrogram."""
RANGE_DB = 80.0
"""What is quieter than the loudest by so much is black."""
COLUMNS = 1200
"""Most frames of the spectrogram and points of the waveform: a long sound is drawn coarsely."""


class Waveform(Protocol):
    """What is drawn of a sound; ``Audio`` has it."""

    @property
    def samples(self) -> np.ndarray:
        """Float samples (time,) in [-1, 1]."""

    @property
    def rate(self) -> int:
        """Samples per second."""

    @property
    def seconds(self) -> float:
        """Duration."""


def draw_sounds(sounds: Mapping[str, Waveform]) -> Image:
    """The waveforms and spectrograms of sounds below each other, over one common axis of time.

    The waveforms are drawn to one scale, so that the loudest fills its row; the frequencies go up to half the lowest rate.

    Args:
        sounds: By the name that stands above each; none where it is empty.

    Raises:
        UserError: When there is no sound.
    """
    from matplotlib.figure import Figure

    from potmeter.media.chart import escape_formulas

    sounds or reject("A picture takes at least one sound.", "none")
    top = min(sound.rate for sound in sounds.values()) / 2
    longest = max(sound.seconds for sound in sounds.values())
    loudest = max(0.01, *(float(abs(sound.samples).max()) for sound in sounds.values()))
    figure = Figure(figsize=(7.2, 0.4 + 2.0 * len(sounds)), dpi=100, layout="constrained")
    heights = [height for _ in sounds for height in (1, 3)]
    rows: Any = figure.subplots(2 * len(sounds), 1, sharex=True, gridspec_kw={"height_ratios": heights}, squeeze=False)
    for number, (name, sound) in enumerate(sounds.items()):
        wave, spectrum = rows[2 * number, 0], rows[2 * number + 1, 0]
        times, low, high = envelope(sound.samples, sound.rate)
        wave.fill_between(times, low, high, linewidth=0.5, color="#a5391b")
        wave.set(ylim=(-loudest, loudest), yticks=[])
        wave.set_title(escape_formulas(name), loc="left", fontsize=9) if name else None
        spectrum.imshow(
            decibels(sound.samples, sound.rate), origin="lower", aspect="auto", cmap="magma", vmin=-RANGE_DB, vmax=0,
            interpolation="nearest", extent=(0, sound.seconds, 0, sound.rate / 2000),
        )  # fmt: skip
        spectrum.set(ylim=(0, top / 1000), ylabel="kHz", xlim=(0, longest))
        spectrum.locator_params(axis="y", nbins=4, integer=top >= 4000)
    rows[-1, 0].set_xlabel("seconds")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    from PIL import Image as pillow

    with pillow.open(io.BytesIO(buffer.getvalue())) as picture:
        return Image.from_pil(picture.convert("RGB"))


def envelope(samples: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in seconds, and the least and the greatest sample around each."""
    import numpy as np

    step = max(1, -(-len(samples) // COLUMNS))
    starts = np.arange(0, len(samples), step)
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    return starts / rate, low, high


def decibels(samples: np.ndarray, rate: int) -> np.ndarray:
    """The magnitudes (bins, frames) of the short-time spectrum in dB below the loudest."""
    import numpy as np

    window = max(4, round(WINDOW * rate))
    step = max(window // 4, -(-len(samples) // COLUMNS))
    padded = np.pad(samples, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: len(samples) : step]
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32), axis=1)).T
    loudest = max(float(magnitudes.max()), 1e-6)
    levels: np.ndarray = 20 * np.log10(np.maximum(magnitudes / loudest, 1e-6))
    return levels
