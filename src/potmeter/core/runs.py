"""Where the checkpoints of a training run are, and which of them is the best."""

from __future__ import annotations

import json
import re
from pathlib import Path

from potmeter.errors import reject


def list_checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run, newest first."""
    found = [path for path in run.glob("step-*") if path.is_dir() and re.fullmatch(r"step-\d+~?", path.name)]
    return sorted(found, key=lambda path: (int(path.name[5:].rstrip("~")), path.name[-1] != "~"), reverse=True)


def reject_other(run: Path) -> None:
    """Raise UserError where a run's folder holds one already, that a new one would not continue."""
    if list_checkpoints(run):
        reject(f"{run} holds a run: --resume continues it, --out names another.", str(run))


def best_checkpoint(run: Path) -> Path | None:
    """The best checkpoint's folder, or the newest where none is marked; None without any."""
    marked = run / f"step-{best_step(run):08d}"
    return marked if marked.is_dir() else next(iter(list_checkpoints(run)), None)


def best_step(run: Path) -> int:
    """The step that ``best.json`` names; -1 without one."""
    try:
        return int(json.loads((run / "best.json").read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1
