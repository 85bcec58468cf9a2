"""The examples in the docstrings give what they say."""

import doctest
import importlib

import numpy as np
import pytest
import torch

from potmeter import registry

MODULES = sorted(
    ".".join(("potmeter", *path.relative_to(registry.ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in registry.ROOT.glob("**/*.py")
    if ">>> " in path.read_text(encoding="utf-8") and path.name != "__main__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {"torch": torch, "np": np}  # as in every example of theirs
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(name), extraglobs=known, optionflags=flags)
    assert not found.failed, f"{found.failed} of {found.attempted}"
