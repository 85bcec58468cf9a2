"""``export``: a file exists only when it gives the same numbers."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from fixtures.line import Config, Line
from potmeter import registry
from potmeter.core import export as exporting
from potmeter.core.export import MethodModule, export
from potmeter.errors import UserError
from potmeter.systems.generative.autoencoder import Autoencoder


class TwoParts(Line):
    """The curve, and its hidden layer, as modules."""

    classes = ("low", "high")

    def height(self, x):
        return self(x)

    def export_modules(self):
        return {
            "hidden": (self.first, (torch.rand(2, 1),)),
            "curve": (MethodModule(self, "height"), (torch.rand(2, 1),)),
        }


@pytest.fixture
def system():
    return TwoParts(Config(width=8)).eval()


def test_every_module_gives_torch_s_numbers_at_any_batch_size(system, tmp_path):
    files = export(system, tmp_path / "line.onnx")
    assert [file.path.name for file in files] == ["line-hidden.onnx", "line-curve.onnx"]
    session = onnxruntime.InferenceSession(files[1].path)
    for size in (1, 3, 17):
        x = torch.rand(size, 1)
        (y,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        np.testing.assert_allclose(y, system(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_an_autoencoder_is_exported_bottleneck_by_bottleneck(tmp_path):
    config = replace(Autoencoder.presets["tiny"], latent_dims=(2,), extra_layers=(0,), widths=(16,))
    (file,) = export(Autoencoder(config).eval(), tmp_path / "squeeze.onnx")
    assert file.name == "z2" and file.path.is_file()


def test_the_file_says_where_it_comes_from(system, tmp_path):
    (file,) = export(system, tmp_path / "line.onnx", ("curve",))
    facts = {entry.key: entry.value for entry in onnx.load(file.path).metadata_props}
    assert facts["system"] == "line"
    assert json.loads(facts["classes"]) == ["low", "high"]
    assert json.loads(facts["config"])["width"] == 8
    assert facts["potmeter"]


@pytest.mark.parametrize("name", ["gan", "vae", "autoencoder", "classifier"])
def test_a_file_holds_no_path_of_this_machine_and_explains_what_goes_in_and_out(name, tmp_path):
    owner = registry.entries()[name].load()
    config = owner.presets["tiny"]
    if "classes" in {field.name for field in fields(config)}:
        config = replace(config, classes=("a", "b", "c"))
    for file in export(owner(config).eval(), tmp_path / "net.onnx"):
        data = file.path.read_bytes()
        for folder in (Path.home(), Path(torch.__file__).parents[1], registry.WEIGHTS.parents[1], tmp_path, Path.cwd()):
            assert str(folder).encode() not in data
        assert b".py" not in data and b"Traceback" not in data
        graph = onnx.load(file.path).graph
        for value in (*graph.input, *graph.output):
            assert value.doc_string and "\n" not in value.doc_string and value.name
        if name == "gan":
            assert [v.name for v in graph.input] == ["z"] and [v.name for v in graph.output] == ["images"]
            assert "standard normal" in graph.input[0].doc_string and "one-hot class" in graph.input[0].doc_string


def test_a_file_that_differs_does_not_stay(system, tmp_path, monkeypatch):
    (tmp_path / "line-curve.onnx").write_text("older")
    monkeypatch.setattr(exporting, "max_difference", lambda *args: (0.5, 1.0))
    with pytest.raises(UserError, match="differs from the original"):
        export(system, tmp_path / "line.onnx", ("curve",))
    assert [path.name for path in tmp_path.iterdir()] == ["line-curve.onnx"]
    assert (tmp_path / "line-curve.onnx").read_text() == "older"


def test_the_comparison_finds_a_difference(system, tmp_path):
    (file,) = export(system, tmp_path / "line.onnx", ("hidden",))
    other = nn.Sequential(nn.Linear(1, 8), nn.Tanh()).eval()
    with torch.no_grad():
        difference, scale = exporting.max_difference(other, (torch.rand(2, 1),), file.path)
    assert difference > exporting.TOLERANCE * scale


def test_what_cannot_be_exported_is_said_in_one_line(system, tmp_path):
    with pytest.raises(UserError, match="no fixed graph"):
        export(Line(Config()).eval(), tmp_path / "line.onnx")
    with pytest.raises(UserError, match="hidden, curve"):
        export(system, tmp_path / "line.onnx", ("other",))
    assert not list(tmp_path.iterdir())
