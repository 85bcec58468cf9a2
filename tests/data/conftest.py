"""Tests of the data floor: everything is generated here; what truly fetches is marked ``network``."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from potmeter.data.fetching import packages
from potmeter.data.fetching.fetch import file_digest


def pytest_configure(config):
    config.addinivalue_line("markers", "network: fetches from a package registry")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("POTMETER_CACHE", str(folder))
    monkeypatch.delenv("POTMETER_OFFLINE", raising=False)
    return folder


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    """A small wheel that the real pip finds in a folder, without a network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "potmeter_fake-1.0-py3-none-any.whl"
    info = "potmeter_fake-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("fake/data/a.txt", "real data")
        file.writestr("fake/code.py", "raise SystemExit")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: potmeter-fake\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def fake_package(archive: Path | None = None, **changes) -> packages.Package:
    """A catalogue entry for the wheel above, or for another registry."""
    facts = {
        "tag": "fake",
        "registry": "pypi",
        "name": "potmeter-fake",
        "version": "1.0",
        "sha256": file_digest(archive) if archive else "0" * 64,
        "size": 1000,
        "members": ("fake/data/*.txt",),
        "what": "a fake",
        "licence": "a licence of its own",
    }
    return packages.Package(**facts | changes)


def write_pictures(folder: Path, names: list[str], colour=(255, 0, 0), size=(12, 8)) -> None:
    """Write pictures of nearly one colour, each a little different, under these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        pixels = np.full((size[1], size[0], 3), colour, np.uint8)
        pixels[0, :4, 1] = list(hashlib.sha256(f"{folder} {name}".encode()).digest()[:4])
        PIL.Image.fromarray(pixels).save(folder / name)
