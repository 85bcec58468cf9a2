"""From a mel spectrogram to sound, by Griffin–Lim or by another system, and from the sounds of sentences to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.core.capabilities import Vocoder, check_vocoder
from potmeter.core.loading import load
from potmeter.errors import reject
from potmeter.media import Audio
from potmeter.metrics.speech import SILENT, loudness
from potmeter.nn.mel import MelConfig, griffin_lim

GRIFFIN_LIM = "griffinlim"
"""The vocoder that needs no network."""
LOUDNESS = -23.0
"""Loudness in LUFS that speech is brought to (EBU R 128)."""
PEAK = 0.9
"""Largest sample, whatever the loudness."""
FADE_SECONDS = 0.01
"""In which each piece fades in and out, so that nothing clicks."""

Vocode = Callable[[Float[Tensor, "m t"]], np.ndarray]
"""Turns a log-mel spectrogram into samples."""


def load_vocoder(name: str, config: MelConfig) -> Vocode:
    """A vocoder by its name.

    Args:
        name: griffinlim, or a system that is a Vocoder, with its weights.
        config: The spectrograms that it will be given.

    Raises:
        UserError: For an unknown name, a system that is none, or one for other spectrograms.
    """
    if name == GRIFFIN_LIM:
        return lambda mel: griffin_lim(mel, config).numpy()
    system = load(name)
    isinstance(system, Vocoder) or reject(
        f"The vocoder is {GRIFFIN_LIM}, or a system that is a Vocoder: wavenet.", name
    )
    check_vocoder(system, config)
    return lambda mel: system.vocode(mel, config).cpu().numpy()


def join_pieces(pieces: Sequence[np.ndarray], pauses: Sequence[float], rate: int) -> Audio:
    """The sounds of sentences one after the other, without clicks, as loud as speech is broadcast.

    Args:
        pieces: Samples of each.
        pauses: Seconds of silence after each but the last.
        rate: Samples per second.
    """
    fade = np.linspace(0, 1, int(FADE_SECONDS * rate), dtype=np.float32)
    parts: list[np.ndarray] = []
    for number, piece in enumerate(pieces):
        piece = piece.astype(np.float32, copy=True)
        piece[: len(fade)] *= fade[: len(piece)]
        piece[-len(fade) :] *= fade[::-1][-len(piece) :]
        parts.append(piece)
        if number < len(pieces) - 1:
            parts.append(np.zeros(int(pauses[number] * rate), np.float32))
    return Audio(set_loudness(np.concatenate(parts), rate), rate)


def set_loudness(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples at ``LOUDNESS``, or as loud as ``PEAK`` allows; a sound under 0.4 s is measured with silence around it."""
    padded = np.pad(samples, max(int(0.4 * rate) - len(samples), 0))
    level, peak = loudness(padded, rate), float(np.abs(samples).max(initial=0))
    if level <= SILENT or not peak:
        return samples
    scaled: np.ndarray = samples * np.float32(min(10 ** ((LOUDNESS - level) / 20), PEAK / peak))
    return scaled


@torch.no_grad()
def vocode_mel(vocode: Vocode, mel: Float[Tensor, "t m"]) -> np.ndarray:
    """The samples of log-mel frames; a single frame is held, since a vocoder speaks what lies between two."""
    return vocode((mel if len(mel) > 1 else mel.repeat(2, 1)).T)
