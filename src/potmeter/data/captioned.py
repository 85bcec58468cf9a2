"""Pictures with captions by the name of a data set, or a user's own."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from potmeter.data.captions import CaptionData
from potmeter.data.file_split import USES, count_splits, split_files
from potmeter.data.folder_data import FolderData
from potmeter.data.formats.captions import read_captions
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.notices import note

BOUNDS = (0.8, 0.9)
"""Where a user's own pictures are cut: 80 % to train, 10 % to validate, 10 % to test."""
UNDETERMINED = "und"
"""The language of captions that do not say theirs, as BCP 47 has it."""


def load_captioned(
    source: str | Path, size: int, pictures: str | Path | None = None, language: str | None = None
) -> Splits:
    """Pictures with captions.

    Args:
        source: The name of a set of captions in ``DATA_SETS``, or what ``read_captions`` reads.
        size: Side of the pictures in pixels.
        pictures: The folder of a user's own pictures; None = where the captions lie.
        language: Of a set in several languages the one to keep; of captions that do not say theirs, what it is.

    Returns:
        Splits of CaptionData.

    Raises:
        UserError: When there are no such captions, or too few, or pictures are missing or broken.
    """
    if source in DATA_SETS and DATA_SETS[str(source)].kind == "pictures with captions":
        splits: Splits = DATA_SETS[str(source)].read(size=size)
    else:
        splits = own_captions(source, size, pictures, UNDETERMINED if language is None else language)
    return splits if language is None else keep_language(splits, language)


def keep_language(splits: Splits, language: str) -> Splits:
    """The same pictures with captions in one language only. Raises UserError where it has none."""
    known = splits.test.languages
    language in known or reject(f"The captions are in {', '.join(known)}.", language)

    def keep(data: Any) -> Any:
        return data and data.in_language(language)

    unsplit = keep(splits.unsplit)
    return replace(splits, train=keep(splits.train), valid=keep(splits.valid), test=keep(splits.test), unsplit=unsplit)


def own_captions(source: str | Path, size: int, pictures: str | Path | None, language: str) -> Splits:
    """A user's own pictures with captions, divided by a hash of the pictures' names."""
    found = read_captions(source, pictures, language)
    paths = list(found)
    root = Path(os.path.commonpath([path.parent for path in paths]))
    parts = split_files([(path, "") for path in paths], root, BOUNDS)
    all(parts) or reject(f"{source} has too few pictures: some to train on, to validate and to test.", f"{len(paths)}")
    counts = count_splits(dict(zip(USES, parts, strict=True)))
    note(f"{source}: {len(paths):,} pictures: {counts}.", about="parts")
    order = [path for part in parts for path, _ in part]
    folder = FolderData([(path, "") for path in order], (), size)
    folder.check()
    captions = [found[path] for path in order]
    ends = [sum(map(len, parts[:number])) for number in range(4)]
    train, valid, test = (
        CaptionData(folder, captions, (), range(start, stop)) for start, stop in itertools.pairwise(ends)
    )
    return Splits(train, valid, test, unsplit=CaptionData(folder, captions))
