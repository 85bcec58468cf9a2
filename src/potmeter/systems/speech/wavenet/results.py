"""What WaveNet's tasks give."""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.media import Audio, Chart, Image, Result, Text


@dataclass(frozen=True)
class Resynthesis(Result):
    """A sound, and what was made of its mel spectrogram alone."""

    original: Audio
    """The sound, at the network's rate."""
    wavenet: Audio
    """Spoken by the network."""
    griffin_lim: Audio
    """Without a network."""
    spectrograms: Image
    """The three below each other."""


@dataclass(frozen=True)
class Bits(Result):
    """What a sound costs."""

    summary: Text
    """Bits per sample, and what that is in a second."""
    over_time: Chart
    """Bits per sample over time."""
