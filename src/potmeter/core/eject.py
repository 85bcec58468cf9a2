"""Copy a system's code to a folder of the user's own, where it is a system too and can be changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from potmeter.errors import UserError, reject
from potmeter.registry import Entry
from potmeter.version import __version__

README = """\
# {title}

{summary}. Copied from potmeter {version} (`potmeter eject {name}`); it stands on the installed package.

    potmeter show {folder}
    potmeter train {folder} --preset tiny
    potmeter eval {folder}
    potmeter run {folder}

    >>> import potmeter
    >>> system = potmeter.load("{folder}", "runs/{title}")

`model.py` is the architecture, `system.py` the data, the loss, the training and the use. Change what you like: it takes
effect at the next start. A default that you change in `model.py`'s Config counts, whatever the preset says; the presets
are there to change too. What you train goes to `runs/{title}`, whose weights `run` and `eval` take from then on.
`system.json` makes this folder a system; leave it here. Weights that were trained before a change of the architecture do
not fit any more, and potmeter says so.
"""


def eject(entry: Entry, target: Path) -> Path:
    """Copy a system's files, with ``system.json`` and a README, into a new folder, and return it.

    The folder appears under its name when it is whole.

    Args:
        entry: The system, installed or itself ejected.
        target: A folder that does not exist, or is empty.

    Raises:
        UserError: The target holds something or cannot be written.
    """
    source = entry.source
    (source / "__init__.py").is_file() or reject(f"{entry.name} is not installed.", str(source))
    aside = target.parent / f".ejecting-{os.getpid()}"
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            reject("The folder must be new or empty.", str(target))
        if target.resolve().is_relative_to(source.resolve()):
            reject("A system cannot be copied into itself.", str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, aside, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "runs"))
        (aside / "README.md").write_text(readme(entry, target), encoding="utf-8")
        if target.exists():
            target.rmdir()
        aside.rename(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}.", received=str(target)) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def readme(entry: Entry, target: Path) -> str:
    """The commands by which the ejected system is used, from the folder that holds it."""
    return README.format(
        title=target.resolve().name,
        summary=entry.summary,
        version=__version__,
        name=entry.name,
        folder=f"./{target.resolve().name}",
    )
