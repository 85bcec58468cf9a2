"""Which weights a verb works with where none are named."""

from __future__ import annotations

import sys
from pathlib import Path

from potmeter import registry
from potmeter.core.runs import best_checkpoint


def choose_weights(reference: registry.Reference, named: str | None) -> str | None:
    """The weights to load: those that were named, or, of an ejected system, the user's own run where there is one.

    Which these are is said on standard error; None stands for the usual ones.
    """
    entry = reference.entry
    if named is not None or reference.tag is not None or not entry.ejected or entry.kind == "probe":
        return named
    run = Path("runs") / entry.source.name
    checkpoint = best_checkpoint(run) if run.is_dir() else None
    if checkpoint is not None:
        print(f"potmeter: with the weights of {run}, {checkpoint.name}", file=sys.stderr)
        return str(run)
    if entry.default_tag:
        print(f"potmeter: with the weights {entry.name}.{entry.default_tag}; there is no {run} yet", file=sys.stderr)
    return None
