"""LJSpeech's layout: a folder with ``metadata.csv``, a line for each sentence, and the sounds in ``wavs``."""

from __future__ import annotations

from pathlib import Path

from potmeter.errors import reject
from potmeter.media import Audio, Text

METADATA, SOUNDS = "metadata.csv", "wavs"


def read_metadata(source: str | Path) -> dict[Path, str]:
    """The sounds of a folder, each with its text: ``name|text`` or ``name|text|text as it is read out`` in each line.

    Args:
        source: The folder, or its ``metadata.csv``; the sounds lie in ``wavs`` below it, or beside it.

    Returns:
        Paths in the order of the lines; empty lines and lines without text are left out.

    Raises:
        UserError: For a missing or broken file, a name that comes twice, and sounds that are not there.
    """
    path = Path(source)
    path = path / METADATA if path.is_dir() else path
    path.is_file() or reject(f"There is no folder with a {METADATA} there, as LJSpeech has it.", str(source))
    found: dict[Path, str] = {}
    for number, line in enumerate(Text.open(path).text.splitlines(), 1):
        if not line.strip():
            continue
        name, *texts = (part.strip() for part in line.split("|"))
        (texts and name) or reject(f"{path}, line {number}: name|text is expected.", line[:80])
        sound = find_sound(path.parent, name)
        sound not in found or reject(f"{path}, line {number}: the name came before.", name)
        if text := texts[-1] or texts[0]:
            found[sound] = text
    found or reject(f"{path} has no sentence.", str(source))
    if missing := [sound for sound in found if not sound.is_file()]:
        reject(f"{len(missing)} of the {len(found):,} sounds of {path} are missing.", missing[0].name)
    return found


def find_sound(folder: Path, name: str) -> Path:
    """The file of a sound: its name may have an ending, and it may lie in ``wavs``."""
    names = [name, *(name + suffix for suffix in Audio.suffixes)]
    places = [place / each for place in (folder / SOUNDS, folder) for each in names]
    return next((place for place in places if place.suffix and place.is_file()), folder / SOUNDS / f"{name}.wav")
