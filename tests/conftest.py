"""What all tests share: one thread, no network unless asked for, and the small systems of ``fixtures``."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

from fixtures.shapes import check
from potmeter import registry

FIXTURES = Path(__file__).parent / "fixtures"
CHECKED = [
    ".".join(("potmeter", *path.relative_to(registry.ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(registry.ROOT.glob("**/*.py"))
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
]
"""Modules with annotated shapes, which are checked at every call."""

install_import_hook(CHECKED, f"{check.__module__}.{check.__name__}")


def pytest_configure(config):
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """``POTMETER_OFFLINE=1`` leaves out what needs a package registry."""
    if os.environ.get("POTMETER_OFFLINE") == "1":
        for item in items:
            if "network" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="POTMETER_OFFLINE=1"))


@pytest.fixture(autouse=True)
def reproducible():
    """Every test starts from the same torch seed, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def mels_aside(tmp_path_factory):
    """The mel spectrograms of the tests' sounds do not stay in the user's cache; what is downloaded does."""
    from potmeter.data.fetching.fetch import cache_folder
    from potmeter.systems.speech.tacotron2 import mels

    usual, aside = cache_folder(), tmp_path_factory.mktemp("mels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mels, "cache_folder", lambda: aside if cache_folder() == usual else cache_folder())
        yield


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def line_folder(tmp_path_factory) -> Path:
    """The system ``line`` as an ejected folder, which stands wherever a system's name does."""
    folder = tmp_path_factory.mktemp("ejected") / "my-line"
    folder.mkdir()
    shutil.copy(FIXTURES / "line.py", folder / "system.py")
    (folder / "__init__.py").write_text('"""Mine."""\n')
    facts = {"name": "line", "section": "basics", "slide": 1, "summary": "A curve", "target": "system:Line"}
    (folder / "system.json").write_text(json.dumps(facts))
    return folder
