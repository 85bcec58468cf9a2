"""A probe works on any model with the capability it needs, however that is named, and says so where it cannot."""

import json
import textwrap
from dataclasses import replace

import pytest
import torch
import torchvision
from torch import nn

from fixtures.line import Line
from fixtures.probe import Occlusion
from potmeter import registry
from potmeter.cli import execute
from potmeter.cli.run import prepare
from potmeter.core.capabilities import PROTOCOLS, Attackable, Classifier
from potmeter.core.loading import load, load_model
from potmeter.core.networks import ClassifierAdapter
from potmeter.core.probe import Probe
from potmeter.core.signature import parameters
from potmeter.data.samples import sample
from potmeter.errors import UserError
from potmeter.media import Image

from .conftest import for_systems

PICTURE = sample("digit-3")


class Small(nn.Module):
    """A network that looks at the upper left corner only, and returns what it is told to."""

    def __init__(self, form=lambda logits: logits):
        super().__init__()
        self.form, self.scale = form, nn.Parameter(torch.tensor(5.0))

    def forward(self, x):
        corner = x[:, :, :8, :8].mean((1, 2, 3))
        return self.form(torch.stack([corner, -corner, 0 * corner], 1) * self.scale)


@for_systems("Classifier")
def test_it_works_on_every_classifier_of_the_catalogue(trained):
    probe = Occlusion(trained.system)
    assert isinstance(probe.run(PICTURE), Image)
    assert probe.sensitivity(PICTURE, 7).max() > 0.05, "something in the picture matters"
    by_folder = Occlusion(trained.folder)
    torch.testing.assert_close(by_folder.sensitivity(PICTURE, 7), probe.sensitivity(PICTURE, 7))
    assert probe.evaluate().keys() == {"largest_fall"}


def test_its_finding_is_right():
    network = Small()
    fall = Occlusion(ClassifierAdapter(network, input_shape=(3, 32, 32))).sensitivity(
        Image.from_tensor(torch.ones(3, 32, 32)), 4
    )
    assert fall.argmax() == 0 and fall[0, 0] > 0.1 and fall.flatten()[1:].max() == 0


FORMS = {
    "tensor": lambda logits: logits,
    "tuple": lambda logits: (logits, "auxiliary"),
    "list": lambda logits: [logits],
    "dict": lambda logits: {"features": None, "logits": logits},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_works_on_plain_networks_whatever_they_return(form):
    model = ClassifierAdapter(Small(form), input_shape=(3, 16, 16))
    assert isinstance(model, Classifier) and isinstance(model, Attackable)
    assert model.classes == ("0", "1", "2") and isinstance(Occlusion(model).run(PICTURE), Image)


@pytest.mark.parametrize("form", [lambda x: {"out": x}, lambda x: x[0], lambda x: "cat", lambda x: None, lambda x: ()])
def test_a_network_that_gives_no_logits_is_told(form):
    with pytest.raises(UserError, match=r"Small must return logits of shape \(B, classes\)\. Received: "):
        ClassifierAdapter(Small(form), input_shape=(3, 16, 16))


def test_it_works_on_a_network_of_torchvision():
    network = torchvision.models.squeezenet1_1(weights=None, num_classes=7)
    model = ClassifierAdapter(network, tuple("abcdefg"), (3, 64, 64))
    assert Occlusion(model).sensitivity(PICTURE, 3).shape == (3, 3) and not network.training


def test_wrapping_normalises_and_lets_gradients_through():
    model = ClassifierAdapter(
        nn.Sequential(nn.Flatten(), nn.Identity()), None, (3, 1, 1), mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 1.0)
    )
    assert torch.allclose(model.logits(torch.ones(1, 3, 1, 1)), torch.tensor([[1.0, 2.0, 0.5]]))
    x = torch.rand(4, 3, 1, 1).requires_grad_()
    losses = model.input_loss(x, torch.zeros(4, dtype=torch.long))
    assert losses.shape == (4,) and torch.autograd.grad(losses.sum(), x)[0].abs().min() > 0


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        textwrap.dedent("""
        import torch
        def network():
            return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 5))
        def number():
            return 3
        text = "no function"
        def grey():
            from potmeter.core.networks import ClassifierAdapter
            net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
            return ClassifierAdapter(net, ("a", "b"), (1, 8, 8), mean=(0.0,), std=(1.0,))
    """)
    )
    return path


def test_it_works_on_a_function_in_a_users_file(program):
    probe = Occlusion(f"{program}:network")
    assert len(probe.model.classes) == 5 and isinstance(probe.run(PICTURE, patches=2), Image)


def test_it_works_on_the_device_that_is_asked_for(monkeypatch, program):
    monkeypatch.setattr("potmeter.core.loading.resolve_device", lambda name: torch.device({"there": "meta"}[name]))
    values = {"model": f"{program}:network", "device": "there"}
    assert prepare(registry.resolve("attack"), values).device == torch.device("meta")
    assert load("attack", values["model"], device="there").device == torch.device("meta")


def test_a_function_may_wrap_its_network_itself_for_pictures_of_another_shape(program):
    model = load_model(f"{program}:grey")
    assert model.input_shape == (1, 8, 8) and model.classes == ("a", "b")
    assert not isinstance(model.network, ClassifierAdapter)


@pytest.fixture
def listed(monkeypatch):
    """The occlusion as a probe of the catalogue."""
    entry = replace(registry.entries()["attack"], name="occlusion", target="probe:Occlusion", package="fixtures")
    known = registry.entries() | {"occlusion": entry}
    monkeypatch.setattr(registry, "entries", lambda: known)


def test_it_measures_the_model_that_is_named(listed, program, capsys):
    falls = {}
    for model in (None, "classifier.digits", f"{program}:grey"):
        assert execute(["eval", "occlusion", "--json", *(["--model", model] if model else [])]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["weights"] == (model or "classifier.digits")
        falls[model] = report["metrics"]["largest_fall"]
    assert falls[None] == falls["classifier.digits"] != falls[f"{program}:grey"]


def test_a_probe_that_measures_networks_of_its_own_takes_no_model(capsys):
    assert execute(["eval", "attack", "--model", "classifier.digits"]) == 2
    assert "--model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("number", "must return a torch module"),
        ("text", "has no function text"),
        ("missing", "has no function missing"),
    ],
)
def test_a_function_that_gives_no_network_is_told(program, function, message):
    with pytest.raises(UserError, match=f"{message}.*Received: "):
        load_model(f"{program}:{function}")


@pytest.mark.parametrize(
    "name",
    [
        "missing.py:network",
        "nonsense",
        "",
        "torchvision:no_such_net",
        "torchvision:",
        ":",
        "x" * 300,
        "x" * 300 + ".py:f",
    ],
)
def test_a_model_that_is_not_there_is_told(name):
    with pytest.raises(UserError, match="Received: "):
        load_model(name)


def test_a_model_without_the_capability_is_told():
    with pytest.raises(UserError, match="occlusion works on a Classifier; line is none. Received: line"):
        Occlusion(Line(Line.Config()))
    with pytest.raises(UserError, match="Linear is none"):
        Occlusion(nn.Linear(1, 1))


@for_systems("Generator")
def test_a_system_of_the_catalogue_without_the_capability_is_told(trained):
    with pytest.raises(UserError, match=f"works on a Classifier; {trained.name} is none"):
        Occlusion(trained.system)


def test_its_inputs_are_validated_like_a_systems():
    probe = Occlusion(ClassifierAdapter(Small(), input_shape=(3, 16, 16)))
    with pytest.raises(UserError, match="patches must lie between 1 and 64. Received: 0"):
        probe.run(PICTURE, patches=0)
    assert [p.name for p in parameters(Occlusion.run)] == ["image", "patches"]


def test_a_probe_needs_known_capabilities():
    assert all(need in PROTOCOLS for probe in Probe.__subclasses__() for need in probe.needs)
