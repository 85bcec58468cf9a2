"""GCompris' photographs of animals where they live."""

from __future__ import annotations

from pathlib import Path

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.rcc import read_rcc


def read_animal_photos() -> dict[str, bytes]:
    """GCompris' 57 animal photos as they are packed (webp), by ``activity/name``, such as ``erase/heron``."""
    folder = fetch("gcompris") / "usr" / "share" / "gcompris-qt" / "rcc"
    files: dict[str, bytes] = {}
    for container in sorted(folder.glob("*.rcc")):
        found = {name: data for name, data in read_rcc(container).items() if name.endswith(".webp")}
        files |= {f"{container.stem}/{Path(name).stem}": found[name] for name in sorted(found)}
    return files
