"""Held-out files: weights are measured on those of a user's folder that they were not trained on.

Every run notes digests of its training and validation files. When its weights are measured on the same folder, grown or
renamed in between, the files with these digests are left out of the test data. Texts are split within each file: the same
texts are measured by what was held out of them, others as a whole.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from potmeter.data.splits import OWN_DATA, Splits
from potmeter.data.texts import TextFiles
from potmeter.errors import reject
from potmeter.notices import note

FILE_NAME = "training-files.txt"
"""In a run's folder: a line with the digest of every file that was trained on or validated with."""


def write_training_files(run: Path, splits: Splits) -> None:
    """Write the digests of a run's training and validation files into its folder, where its data are files."""
    digests = [digest for part in (splits.train, splits.valid) for digest in getattr(part, "digests", ())]
    if digests and not (path := run / FILE_NAME).exists():
        aside = path.with_name(f".{FILE_NAME}-{os.getpid()}")
        aside.write_text("".join(f"{digest}\n" for digest in sorted(set(digests))), encoding="ascii")
        aside.replace(path)


def read_training_files(weights: str | Path | None) -> frozenset[str] | None:
    """The digests in a run's folder, which may be named by one of its checkpoints; None where there are none."""
    for folder in (Path(weights), Path(weights).parent) if weights else ():
        if os.path.isfile(folder / FILE_NAME):  # os.path: False for what can be no path
            return frozenset((folder / FILE_NAME).read_text(encoding="ascii").split())
    return None


def select_held_out(splits: Splits, weights: str | Path | None, trained_on: str) -> Splits:
    """The splits of a user's folder with all files as test data that the weights were not trained on.

    Args:
        splits: The folder, or the text, as it is read. One that the user split, or a data set by name, stays as it is.
        weights: The run or checkpoint that is measured.
        trained_on: The name of the data set that it was trained on.

    Returns:
        ``test`` has the files that were not trained on; ``train`` those that were, for the baselines, or is None, as it
        is for texts.

    Raises:
        UserError: When all files were trained on.
    """
    samples, digests = splits.unsplit, read_training_files(weights)
    if samples is None:
        return splits
    if digests is None and trained_on == OWN_DATA:
        note("These weights do not say which files they were trained on; measured are those that we hold out of all.")
        return splits
    trained = digests or frozenset()
    texts = isinstance(samples, TextFiles)
    if texts and trained and trained == frozenset(splits.train.digests):
        return splits  # the same texts, and the same parts of them held out
    new = [i for i, digest in enumerate(samples.digests) if digest not in trained]
    new or reject("These weights have seen all files of this folder: name one with others.", f"{len(samples)} files")
    of_which = "" if digests is None else ", which these weights have not seen"
    what = "the whole text" if texts and len(samples) == 1 else f"{len(new):,} of {len(samples):,} files"
    note(f"Measured on {what}{of_which}.", about="splits")
    if texts:
        return replace(splits, train=None, valid=None, test=samples.select(new))
    old = [i for i, digest in enumerate(getattr(splits.train, "digests", ())) if digest in trained]
    return replace(splits, train=splits.train.select(old) if old else None, valid=None, test=samples.select(new))
