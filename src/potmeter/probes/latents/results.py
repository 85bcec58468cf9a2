"""What comes of a walk, and of making a vector."""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.media import Image, Result, Text, Video


@dataclass(frozen=True, eq=False)
class VectorFile(Text):
    """An attribute vector as JSON."""

    suffix = ".json"


@dataclass(frozen=True)
class AttributeVector:
    """An attribute vector and what it does: ``--out FOLDER`` writes ``strip.png`` and ``vector.json``."""

    strip: Image
    vector: VectorFile


@dataclass(frozen=True)
class Walk(Result):
    """A walk as a film, and some of its pictures side by side."""

    film: Video
    row: Image
