"""VGG16's convolutions: torchvision's features from torchvision's names; the weights that a package carries."""

import pytest
import torch
import torchvision

from potmeter.data.vgg_weights import load_torchvision_vgg, load_vgg_weights
from potmeter.errors import UserError
from potmeter.nn.backbones.vgg import LAYERS, MEAN, STD, VGG16

PLACES = {"relu1_2": 3, "relu2_2": 8, "relu3_3": 15, "relu4_3": 22, "relu5_3": 29}
"""Where the layers are in torchvision's ``features``."""


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    return torchvision.models.vgg16(weights=None).eval().requires_grad_(False)


def test_it_is_torchvisions(theirs, monkeypatch):
    monkeypatch.setattr(
        torchvision.models.VGG16_Weights.IMAGENET1K_V1.__class__,
        "get_state_dict",
        lambda *args, **kwargs: theirs.state_dict(),
    )
    network = load_torchvision_vgg("relu5_3")
    assert network.state_dict().keys() == {key for key in theirs.state_dict() if key.startswith("features.")}
    x = torch.rand(2, 3, 40, 56)
    maps = network.feature_maps(x, tuple(PLACES))
    y = (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    for layer, place in PLACES.items():
        torch.testing.assert_close(maps[layer], theirs.features[: place + 1](y), rtol=1e-4, atol=1e-5)


def test_it_ends_where_it_is_told():
    network = VGG16("relu3_1", width=0.125)
    assert network.names[-1] == "relu3_1" and len(network.features) == len(network.names) == 12
    assert [m.out_channels for m in network.features if hasattr(m, "out_channels")] == [8, 8, 16, 16, 32]
    assert len(LAYERS) == 13
    with pytest.raises(UserError, match="VGG16 has the layers.*Received: relu6_1"):
        VGG16("relu6_1")


def test_without_the_hub_its_weights_are_told_missing(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models.VGG16_Weights.IMAGENET1K_V1.__class__, "get_state_dict", fail)
    with pytest.raises(UserError, match="torchvision's VGG16 cannot be fetched: no route to host"):
        load_torchvision_vgg("relu1_2")


@pytest.mark.network
def test_the_packages_weights_see_photographs_rather_than_noise():
    """Trained filters answer to a photograph's structures: its deep features vary more over places than noise's."""
    from potmeter.data.samples import sample

    network = load_vgg_weights("relu4_3")
    photograph = sample("cat").tensor(128)[None]
    shuffled = photograph.flatten(2)[:, :, torch.randperm(128 * 128)].view_as(photograph)  # the same colours
    spread = [network.feature_maps(x, ("relu4_3",))["relu4_3"].amax((2, 3)).mean() for x in (photograph, shuffled)]
    assert spread[0] > 1.2 * spread[1]
    edge = torch.zeros(1, 3, 32, 32)
    edge[..., 16:] = 1
    first = network.feature_maps(edge, ("relu1_1",))["relu1_1"][0, :, 8, 4:28]
    assert (first.argmax(1) - 12).abs().le(1).sum() > 10  # many of the first filters see the edge where it is
