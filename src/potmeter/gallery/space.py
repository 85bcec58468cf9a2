"""A folder for a Hugging Face Space: this very package and three files, which run the same page there."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from potmeter.errors import UserError, missing_extra

APP = '''"""The gallery of potmeter, as a Hugging Face Space."""

import os

from potmeter.gallery import serve

serve(os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"), int(os.environ.get("GRADIO_SERVER_PORT", "7860")))
'''
README = """---
title: potmeter
emoji: 🎛️
colorFrom: gray
colorTo: red
sdk: gradio
sdk_version: {gradio}
app_file: app.py
license: mit
short_description: The deep-learning lecture that runs
---

The deep-learning lecture that runs: every system of it as a page, made by `potmeter gallery --space`.
"""
PACKAGE = Path(__file__).parents[1]


def write_space(folder: Path) -> Path:
    """Write ``app.py``, ``requirements.txt``, a ``README.md`` with the Space's front matter, and the package beside them.

    The package is copied, weights and all (some 60 MB), so that the Space runs what runs here and needs no release of it.

    Args:
        folder: A new or an empty folder.

    Returns:
        The folder.

    Raises:
        UserError: When the folder holds something already, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError("--space takes a new or an empty folder.", received=str(folder))
    try:
        gradio = version("gradio")
    except PackageNotFoundError:
        raise missing_extra("The gallery", "gallery", "gradio") from None
    texts = {
        "app.py": APP,
        "README.md": README.format(gradio=gradio),
        "requirements.txt": "".join(f"{line}\n" for line in list_requirements("gallery")),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        shutil.copytree(PACKAGE, folder / "potmeter", ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {os.strerror(error.errno or 0)}.", received=str(folder)) from None
    return folder


def list_requirements(extra: str) -> list[str]:
    """What the package needs, in the words of its metadata: for the core and for an extra."""
    found = []
    for requirement in requires("potmeter") or ():
        name, _, marker = requirement.partition(";")
        if "extra ==" not in marker or f'"{extra}"' in marker.replace("'", '"'):
            found.append(name.strip())
    return found
