"""A folder for a Hugging Face Space: three files, which run the same page there."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from potmeter import __version__
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
REQUIREMENTS = """potmeter[gallery]>={version}
"""


def write_space(folder: Path) -> Path:
    """Write ``app.py``, ``requirements.txt`` and a ``README.md`` with the Space's front matter, and return the folder.

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
        "requirements.txt": REQUIREMENTS.format(version=__version__),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {os.strerror(error.errno or 0)}.", received=str(folder)) from None
    return folder
