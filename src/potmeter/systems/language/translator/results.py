"""What a translator gives back."""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.media import Image, Result, Table, Text


@dataclass(frozen=True)
class Translation(Result):
    """The best translation of each line, and the hypotheses beside it."""

    translation: Text
    alternatives: Table
    """Source, translation, score and log p of each."""


@dataclass(frozen=True)
class AttendedTranslation(Translation):
    """The same of a system with attention: also the attention weights of the first line."""

    attention: Image
