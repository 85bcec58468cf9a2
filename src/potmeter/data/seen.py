"""Which files weights were trained on, by their contents: what is measured on are others."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import reject
from potmeter.notices import note

NAME = "seen.txt"
"""In a run's folder: a digest a line, of every file that was trained on or validated with."""


def write_seen(run: Path, splits: Splits) -> None:
    """Note the files of a training in its folder, where its data are files."""
    digests = [digest for part in (splits.train, splits.valid) for digest in getattr(part, "digests", ())]
    if digests and not (path := run / NAME).exists():
        aside = path.with_name(f".{NAME}-{os.getpid()}")
        aside.write_text("".join(f"{digest}\n" for digest in sorted(set(digests))), encoding="ascii")
        aside.replace(path)


def read_seen(weights: str | Path | None) -> frozenset[str] | None:
    """The digests noted in a run's folder, or in that of one of its checkpoints; None where there are none."""
    for folder in (Path(weights), Path(weights).parent) if weights else ():
        if os.path.isfile(folder / NAME):  # os.path: False for what can be no path
            return frozenset((folder / NAME).read_text(encoding="ascii").split())
    return None


def leave_out_seen(splits: Splits, weights: str | Path | None, trained_on: str) -> Splits:
    """A user's folder for measuring: all of its files that the weights have not seen, not only those that we hold out.

    Args:
        splits: The folder as it is read. One that the user divided, or a data set by name, stays as it is.
        weights: The run or checkpoint that is measured.
        trained_on: The name of the data that they were trained on.

    Returns:
        ``test`` has what was not seen; ``train`` what was, for the baselines, or is None.

    Raises:
        UserError: When all files were seen.
    """
    everything, seen = splits.unsplit, read_seen(weights)
    if everything is None:
        return splits
    if seen is None and trained_on == OWN_DATA:
        note("These weights do not say which files they were trained on; measured are those that we hold out of all.")
        return splits
    new = [i for i, digest in enumerate(everything.digests) if digest not in (seen or ())]
    new or reject("These weights have seen all files of this folder: name one with others.", f"{len(everything)} files")
    of_which = "" if seen is None else ", which these weights have not seen"
    note(f"Measured on {len(new):,} of {len(everything):,} files{of_which}.", about="parts")
    known = [i for i, digest in enumerate(getattr(splits.train, "digests", ())) if digest in (seen or ())]
    return replace(splits, train=splits.train.select(known) if known else None, valid=None, test=everything.select(new))
