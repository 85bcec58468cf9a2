"""The package from Python: what it offers, what an editor knows of it, what ``load`` takes."""

import ast
import io
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import potmeter
from potmeter import registry
from potmeter.core.conversion import to_medium
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.generative.vae.system import VAE

from .helpers import trainer

ROOT = Path(__file__).parents[2]


def test_the_package_offers_what_it_says_without_torch():
    code = "import sys, potmeter; print(dir(potmeter), potmeter.list_systems()); assert 'torch' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert shown.returncode == 0 and "'load'" in shown.stdout and "'vae'" in shown.stdout
    assert all(hasattr(potmeter, name) for name in potmeter.__all__)
    assert set(potmeter.list_systems("system")) | set(potmeter.list_systems("probe")) == set(potmeter.list_systems())


def test_an_editor_knows_every_system_and_tag():
    written = runpy.run_path(str(ROOT / "tools" / "overloads.py"))["write_stub"]()
    stub = (ROOT / "src" / "potmeter" / "__init__.pyi").read_text(encoding="utf-8")
    assert ast.dump(ast.parse(stub)) == ast.dump(ast.parse(written)), "run python tools/overloads.py"


def test_a_folder_alone_says_whose_weights_it_holds(tmp_path, monkeypatch):
    ready = trainer(VAE, VAE.presets["tiny"], tmp_path / "run", steps=1)
    folder = ready.fit()
    for name in (
        tmp_path / "run",
        str(tmp_path / "run"),
        folder,
        VAE(ready.system.config).save_pretrained(tmp_path / "w"),
    ):
        assert type(potmeter.load(name)) is VAE
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").rename("gan")
    assert potmeter.load("./gan").name == "vae" and potmeter.load("gan").name == "gan", (
        "what lies about hides no system"
    )


def test_a_folder_of_anything_else_is_told(tmp_path):
    (tmp_path / "config.json").write_text('{"system": "vea"}', encoding="utf-8")
    with pytest.raises(UserError, match="There is no system of that name. Did you mean vae"):
        potmeter.load(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="There is no system of that name"):
        potmeter.load(tmp_path / "empty")


def test_a_picture_is_whatever_holds_one():
    grey = np.arange(0, 240, 10, np.uint8).reshape(4, 6)
    file = io.BytesIO()
    PIL.Image.fromarray(grey).save(file, "png")
    data = file.getvalue()
    for value in (PIL.Image.fromarray(grey), grey, data, bytearray(data), io.BytesIO(data), torch.from_numpy(grey)):
        picture = to_medium("image", Image, value)
        assert picture.pixels.shape[:2] == (4, 6) and np.array_equal(picture.pixels[..., 0], grey)
    with pytest.raises(UserError, match="image takes Image or a path to one, or a Pillow image"):
        to_medium("image", Image, 3)
    with pytest.raises(UserError, match=r"Received: "):
        to_medium("image", Image, b"no picture")


def test_registry_names_are_those_of_load():
    assert potmeter.list_systems() == list(registry.entries())
