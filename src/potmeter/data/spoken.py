"""Sentences with their sounds by the name of a data set, or a user's own."""

from __future__ import annotations

from pathlib import Path

from potmeter.data.file_split import USES, count_splits, split_files
from potmeter.data.files import content_digest
from potmeter.data.fingerprint import digest_files
from potmeter.data.formats.ljspeech import read_metadata
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.speech import SpeechData, check_sound, read_sound
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.notices import note

BOUNDS = (0.9, 0.95)
"""Where a user's own sentences are cut: 90 % to train, 5 % to validate, 5 % to test."""


def load_spoken(source: str | Path) -> Splits:
    """Sentences with their sounds.

    Args:
        source: The name of a set of speech in ``DATA_SETS``, or a folder in LJSpeech's layout.

    Returns:
        Splits of SpeechData.

    Raises:
        UserError: When there is no such speech, or too little, or sounds are missing or broken.
    """
    if str(source) in DATA_SETS and DATA_SETS[str(source)].kind == "speech":
        splits: Splits = DATA_SETS[str(source)].read()
        return splits
    return own_speech(source)


def own_speech(source: str | Path) -> Splits:
    """A user's own sentences, divided by a hash of the sounds' names."""
    found = read_metadata(source)
    paths = list(found)
    for path in paths:
        check_sound(path)
    parts = split_files([(path, "") for path in paths], paths[0].parent, BOUNDS)
    all(parts) or reject(f"{source} has too few sentences: some to train on, to validate and to test.", f"{len(paths)}")
    counts = count_splits(dict(zip(USES, parts, strict=True)))
    note(f"{source}: {len(paths):,} sentences: {counts}.", about="parts")

    def build(chosen: list[Path]) -> SpeechData:
        return SpeechData(
            [found[path] for path in chosen],
            lambda i: read_sound(chosen[i]),
            origin=digest_files(chosen),
            names=[path.name for path in chosen],
            digests=[content_digest(path) for path in chosen],
        )

    train, valid, test = (build([path for path, _ in part]) for part in parts)
    return Splits(train, valid, test, unsplit=build(paths))
