"""A plain network of torch is taken as it is: in any precision, of any channels and size that it says; or it is told why not."""

import PIL.Image
import pytest
import torch
from torch import nn

from potmeter.cli import execute
from potmeter.core.loading import load_model
from potmeter.core.networks import ClassifierAdapter
from potmeter.errors import UserError


def network(channels=3, classes=4, pooled=True):
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes)]
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3), *(head if pooled else [nn.Flatten(), nn.Linear(8 * 26 * 26, classes)])
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_network_is_given_pictures_in_its_own_precision(kind):
    adapter = ClassifierAdapter(network().to(kind))
    x = torch.rand(2, 3, 224, 224, requires_grad=True)
    loss = adapter.input_loss(x, torch.tensor([0, 1]))
    assert adapter.logits(x).dtype == torch.float32 and adapter.classes == ("0", "1", "2", "3")
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    assert gradient.dtype == torch.float32 and gradient.isfinite().all() and gradient.abs().max() > 0


def test_one_channel_is_found_and_not_normalised_as_colour():
    adapter = ClassifierAdapter(network(channels=1))
    x = torch.rand(2, 1, 224, 224)
    assert adapter.input_shape == (1, 224, 224) and torch.equal(adapter.logits(x), adapter.network(x))


def test_a_network_of_a_fixed_size_says_it_or_is_told():
    fixed = network(pooled=False)
    with pytest.raises(UserError, match=r"does not take pictures of 3 × 224 × 224: mat1.*input_shape says.*Received"):
        ClassifierAdapter(fixed)
    fixed.input_shape = (3, 28, 28)
    assert ClassifierAdapter(fixed).logits(torch.rand(1, 3, 28, 28)).shape == (1, 4)
    fixed.input_shape = (28, 28)
    with pytest.raises(UserError, match=r"is \(C, H, W\). Received: \(28, 28\)"):
        ClassifierAdapter(fixed)


def test_names_are_as_many_as_logits():
    with pytest.raises(UserError, match="returns 4 logits; each needs a name. Received: 2"):
        ClassifierAdapter(network(), ("a", "b"))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def net():\n    return undefined\n", "line 2: NameError: name 'undefined'"),
        ("import nothing_of_that_name\n", "line 1: ModuleNotFoundError"),
        ("def net(:\n", "line 1: SyntaxError"),
        ("from torch import nn\nclass Net(nn.Module):\n    def forward(self, x):\n        return x.oops\ndef net():\n    return Net()\n",
         "line 4: AttributeError"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_users_file_shows_the_users_line(tmp_path, capsys, source, says):
    file = tmp_path / "net.py"
    file.write_text(source, encoding="utf-8")
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    assert execute(["run", "attack", str(tmp_path / "x.png"), "--model", f"{file}:net"]) == 2
    errors = capsys.readouterr().err
    assert f"net.py, {says}" in errors.splitlines()[-1] and "Received: " in errors.splitlines()[-1]
    assert "bug in potmeter" not in errors and "core/networks.py" not in errors


def test_the_networks_own_traceback_is_shown(tmp_path, capsys):
    (tmp_path / "net.py").write_text("def net():\n    return 1 / 0\n", encoding="utf-8")
    with pytest.raises(UserError, match="net.py, line 2: ZeroDivisionError: division by zero"):
        load_model(f"{tmp_path / 'net.py'}:net")
    assert "return 1 / 0" in capsys.readouterr().err
