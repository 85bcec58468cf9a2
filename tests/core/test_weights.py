"""A weights folder comes back as it was saved; one that is damaged or another's is told in one line."""

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file

from fixtures.gan import Ring
from fixtures.line import Config, Line
from potmeter import registry
from potmeter.core import weights
from potmeter.core.config import build_config
from potmeter.core.devices import resolve_device
from potmeter.core.loading import load
from potmeter.errors import UserError
from potmeter.systems.vision.classifier import ImageClassifier

from .helpers import same, trainer


@pytest.fixture
def line():
    return Line(Config(width=8)).eval()


@pytest.fixture
def folder(line, tmp_path):
    return line.save_pretrained(tmp_path / "weights")


def change(folder, **values):
    """Rewrite parts of config.json."""
    description = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(description | values))


@pytest.mark.parametrize("where", ["digits", "vae.digits"])
def test_shipped_weights_are_found_by_their_tag_and_by_their_whole_name(where):
    assert weights.locate_weights("vae", where) == registry.WEIGHTS / "vae.digits"


@pytest.mark.parametrize("where", ["../weights/vae.digits", "autoencoder.digits", "vae."])
def test_no_other_name_finds_them(where):
    with pytest.raises(UserError, match="no weights of vae there"):
        weights.locate_weights("vae", where)


@pytest.mark.parametrize("where", ["imagenet", "classifier.imagenet"])
def test_fetched_weights_are_found_by_both_names_too(where, monkeypatch):
    monkeypatch.setattr(
        ImageClassifier, "fetch_pretrained", lambda tag: torch.nn.Identity() if tag == "imagenet" else None
    )
    assert isinstance(ImageClassifier.from_pretrained(where), torch.nn.Identity)


@pytest.mark.parametrize("where", ["digits", "classifier.digits"])
def test_a_file_of_a_tags_name_does_not_stand_for_it(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / where).write_bytes(b"not weights")
    assert ImageClassifier.from_pretrained(where).config.dataset == "mnist"
    with pytest.raises(UserError, match="There are no weights of classifier there"):
        ImageClassifier.from_pretrained("./" + where)


def test_everything_comes_back(line, tmp_path):
    line.card = {"training": {"seed": 1}, "note": "Käse"}
    back = Line.from_pretrained(line.save_pretrained(tmp_path / "deep" / "er"))
    assert same(back.state_dict(), line.state_dict()) and back.config == line.config and back.card == line.card
    assert not back.training and torch.equal(back(torch.ones(1, 1)), line(torch.ones(1, 1)))


def test_half_keeps_float16_of_matrices_and_all_of_the_rest(line, tmp_path):
    whole = Line.from_pretrained(line.save_pretrained(tmp_path / "whole", dtype="float32")).state_dict()
    assert all(torch.equal(value, whole[key]) for key, value in line.state_dict().items())
    folder = line.save_pretrained(tmp_path / "half", dtype="float16")
    stored, back = load_file(folder / "model.safetensors"), Line.from_pretrained(folder).state_dict()
    for key, value in line.state_dict().items():
        assert stored[key].dtype == (torch.float16 if value.ndim >= 2 else torch.float32)
        assert back[key].dtype == torch.float32
        torch.testing.assert_close(back[key], value, rtol=2**-11, atol=2**-24) if value.ndim >= 2 else None
        assert value.ndim >= 2 or torch.equal(back[key], value)


def test_int8_keeps_every_number_to_half_a_step_of_its_row(tmp_path):
    line = Line(Config(width=100)).eval()
    with torch.no_grad():
        line.last[2].weight *= 1e-6  # a row far smaller than the others
    back = Line.from_pretrained(line.save_pretrained(tmp_path / "small", dtype="int8")).state_dict()
    stored = load_file(tmp_path / "small" / "model.safetensors")
    in_int8 = {key for key, value in stored.items() if value.dtype == torch.int8}
    assert in_int8 == {key for key, value in line.state_dict().items() if value.ndim >= 2 and value[0].numel() >= 64}
    for key, value in line.state_dict().items():
        if key in in_int8:
            step = value.abs().amax(1, keepdim=True) / 127
            assert ((back[key] - value).abs() <= 1.01 * step).all() and back[key].dtype == torch.float32
            assert ((back[key] - value).abs() <= 0.51 * step).float().mean() > 0.95  # the rest: a row's largest number
        else:
            torch.testing.assert_close(back[key], value, rtol=2**-11, atol=2**-24)


@given(arrays("float32", (3, 64), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_int8_is_off_by_a_step_at_most(values):
    matrix = torch.from_numpy(values)
    back = weights.expand(weights.shrink({"m": matrix}, "int8"))["m"].double()
    step = matrix.double().abs().amax(1, keepdim=True) / 127
    assert ((back - matrix).abs() <= 1.01 * step + 1e-36).all()


def test_rows_of_zeros_and_numbers_that_are_none_come_back_from_int8():
    matrix = torch.stack([torch.zeros(64), torch.full((64,), torch.nan), torch.arange(64.0)])
    back = weights.expand(weights.shrink({"m": matrix}, "int8"))["m"]
    assert (back[0] == 0).all() and back[1].isnan().all() and torch.equal(back[2].argsort(), matrix[2].argsort())


def test_tied_weights_are_stored_once(tmp_path):
    class Tied(Line):
        def __init__(self, config):
            super().__init__(config)
            self.same = self.last[2].weight

    tied = Tied(Config(width=8))
    folder = tied.save_pretrained(tmp_path / "tied")
    assert len(load_file(folder / "model.safetensors")) == len(tied.state_dict()) - 1
    back = Tied.from_pretrained(folder)
    assert back.same is back.last[2].weight and same(back.state_dict(), tied.state_dict())


def test_a_run_stands_for_its_best_checkpoint(tmp_path):
    run = tmp_path / "run"
    best = trainer(Line, Line.presets["tiny"], run, steps=4).fit()
    assert same(Line.from_pretrained(run).state_dict(), Line.from_pretrained(best).state_dict())


def test_any_config_comes_back_from_json():
    config = Config(width=5, clip=0.5, schedule="linear", warmup=0.25)
    assert build_config(Config, json.loads(json.dumps(asdict(config)))) == config


# Damaged or another's -----------------------------------------------------------------------------------------------


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])


def huge_header(folder):
    (folder / "model.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")


def retensor(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


DAMAGES = {
    "weights cut off": (cut, "model.safetensors is missing or damaged"),
    "weights empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "model.safetensors is missing or damaged"),
    "weights of text": (lambda f: (f / "model.safetensors").write_text("hello world"), "model.safetensors is missing or damaged"),
    "weights with a lying header": (huge_header, "model.safetensors is missing or damaged"),
    "weights missing": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing or damaged"),
    "weights pickled": (lambda f: torch.save({"a": 1}, f / "model.safetensors"), "model.safetensors is missing or damaged"),
    "a tensor missing": (lambda f: retensor(f, lambda t: t.pop("last.2.bias")), "tensor last.2.bias is missing"),
    "a tensor too many": (lambda f: retensor(f, lambda t: t.update(x=torch.ones(1))), "tensor x is unknown"),
    "a tensor of another shape": (lambda f: retensor(f, lambda t: t.update({"last.2.bias": torch.ones(2)})), r"last.2.bias should be \(1,\)"),
    "a scale without its int8": (lambda f: retensor(f, lambda t: t.update({"last.2.weight.scale": torch.ones(1)})), "last.2.weight.scale does not fit"),
    "a scale for no tensor": (lambda f: retensor(f, lambda t: t.update({"x.scale": torch.ones(1)})), "tensor x.scale is unknown"),
    "another system's": (lambda f: change(f, system="vae"), "holds weights of vae, not of line"),
    "no system": (lambda f: change(f, system=None), "not of line"),
    "no config": (lambda f: change(f, config=None), "has no config"),
    "a config that is a list": (lambda f: change(f, config=[1]), "has no config"),
    "an unknown key": (lambda f: change(f, config={"hight": 3}), "hight is no field of this config"),
    "a wrong type": (lambda f: change(f, config={"width": "wide"}), "width takes a whole number"),
    "a boolean": (lambda f: change(f, config={"width": True}), "width takes a whole number"),
    "null": (lambda f: change(f, config={"width": None}), "width takes a whole number"),
    "a negative size": (lambda f: change(f, config={"width": -8}), "width must be at least 1"),
    "not a number": (lambda f: change(f, config={"lr": float("nan")}), "lr must be finite"),
    "another choice": (lambda f: change(f, config={"schedule": "steps"}), "schedule is one of constant, linear, late-linear, cosine"),
    "another width": (lambda f: change(f, config={"width": 9}), "does not fit: .* should be"),
    "config cut off": (lambda f: (f / "config.json").write_text('{"system": "li'), "config.json is not JSON"),
    "config of a list": (lambda f: (f / "config.json").write_text("[]"), "config.json must hold a JSON object"),
    "config of bytes": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "config.json is not JSON"),
    "config too deep": (lambda f: (f / "config.json").write_text("[" * 10**6), "config.json is not JSON"),
    "card cut off": (lambda f: (f / "card.json").write_text("{"), "card.json is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_told(folder, damage, message):
    damage(folder)
    with pytest.raises(UserError, match=f"{message}.*Received: "):
        Line.from_pretrained(folder)


def test_a_config_may_name_millions_of_words_but_has_a_bound(folder, monkeypatch):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"words": "word " * 4_000_000}))
    assert Line.from_pretrained(folder).config.width == 8
    monkeypatch.setattr(weights, "MAX_CONFIG", path.stat().st_size - 1)
    with pytest.raises(UserError, match="config.json is too large.*Received: 20,"):
        Line.from_pretrained(folder)


def test_a_required_field_may_not_be_left_out():
    from dataclasses import dataclass

    @dataclass(frozen=True, kw_only=True)
    class Strict:
        size: int

    with pytest.raises(UserError, match="The config lacks size"):
        build_config(Strict, {})


@pytest.mark.parametrize(
    "field",
    [
        {"batch_size": 0},
        {"lr": 0.0},
        {"lr": -1.0},
        {"weight_decay": -0.1},
        {"warmup": 1.5},
        {"clip": 0.0},
        {"ema": 1.0},
        {"ema": -0.1},
    ],
)
def test_every_recipe_refuses_nonsense(field):
    with pytest.raises(UserError, match=f"{next(iter(field))} .*Received: "):
        replace(Config(), **field)


def test_nothing_there_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds neither weights nor checkpoints.*Received"):
        Line.from_pretrained(tmp_path / "empty")
    for where in (tmp_path / "missing", "", "no such tag", "a/b/c", "x" * 5000, "with\0null", "../up"):
        with pytest.raises(UserError, match="Received: "):
            Line.from_pretrained(where)


def test_a_system_without_weights_says_so():
    with pytest.raises(UserError, match="ring has no weights yet.*Received: "):
        Ring.from_pretrained()


def test_a_hub_id_without_a_network_is_told(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        UserError,
        match=r"nobody/nothing is no folder here, and the hub did not give it \(\w+\)\..*Received: nobody/nothing",
    ):
        Line.from_pretrained("nobody/nothing")


def test_a_folder_that_cannot_be_written_is_told(line, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written: Not a directory.*Received"):
        line.save_pretrained(tmp_path / "file" / "deeper")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "cpu:1", "meta", "mps:7", "cuda:-1", "CPU", "auto:0"])
def test_a_device_that_is_not_there_is_told(name):
    with pytest.raises(UserError, match=r"device.*Received: \S"):
        resolve_device(name)


def test_cpu_and_auto_are_always_there():
    assert resolve_device("cpu").type == "cpu" and resolve_device("auto").type in ("cpu", "cuda", "mps")


def test_a_loaded_system_is_ready_for_use(folder, line_folder):
    ready = load(str(line_folder), folder)
    assert not ready.training and not any(p.requires_grad for p in ready.parameters())
    with pytest.raises(UserError, match="device"):
        load(str(line_folder), folder, device="gpu")


def test_the_catalogues_weights_are_all_there():
    missing = [f"{e.name}.{tag}" for e in registry.built_in_entries() for tag, facts in e.weights.items()
               if not facts.fetched and not (registry.WEIGHTS / f"{e.name}.{tag}" / "model.safetensors").is_file()]  # fmt: skip
    assert not missing


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
@example(b"hello")  # an instruction to torch, to take its value number 101
@example(b"")
@example(b"\x80\x00")  # an old pickle, which torch warns of
def test_a_file_of_anything_but_tensors_is_told(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.pth"
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"^[^\n]*is no file of tensors: [^\n]+\. Received: [^\n]*$"):
            weights.read_tensor_file(path)


@pytest.mark.parametrize("error", [OSError(), RuntimeError("\n")])
def test_what_torch_says_nothing_about_is_told_too(error, tmp_path, monkeypatch):
    def load(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(
        UserError, match=r"net\.pth is no file of tensors: it is broken or of another kind\. Received: "
    ):
        weights.read_tensor_file(tmp_path / "net.pth")
