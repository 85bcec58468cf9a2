"""What scoring a text gives back."""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.media import Image, Result, Table, Text


@dataclass(frozen=True)
class Score(Result):
    """How likely a text is."""

    summary: Text
    """Bits per byte, and in all."""
    surprisal: Image
    """The text, its tokens coloured by surprisal."""
    tokens: Table
    """Each token with its surprisal in bits and its probability."""
