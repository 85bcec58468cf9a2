"""Our EfficientNet-Lite0 is timm's with other names; and the public weights say what they should."""

import pytest
import timm
import torch
from torch import nn

from potmeter.data import imagenet_weights
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.sets.imagenet import foolbox_photos
from potmeter.errors import UserError
from potmeter.nn.backbones import EfficientNetLite0


@pytest.mark.parametrize("side", [224, 96, 75])
def test_outputs_equal_timms(side):
    theirs, ours = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval(), EfficientNetLite0(1000).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))  # the same order, other names
    images = torch.rand(2, 3, side, side)
    with torch.no_grad():
        expected = theirs((images - ours.mean) / ours.std)
        assert expected.std() > 0.01  # else agreement would mean nothing
        torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-4)


def test_has_the_originals_parameters():
    assert sum(p.numel() for p in EfficientNetLite0(1000).parameters()) == 4_652_008


def test_another_networks_weights_are_refused(tmp_path, monkeypatch):
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "other.pth")
    monkeypatch.setattr(imagenet_weights, "imagenet_checkpoint", lambda network: tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"does not hold the weights of EfficientNetLite0.*Received: other\.pth"):
        load_imagenet_weights(EfficientNetLite0(1000))


@pytest.mark.network
def test_the_public_weights_know_the_photos():
    network, photos = load_imagenet_weights(EfficientNetLite0(1000)).eval(), foolbox_photos(224)
    with torch.no_grad():
        right = network(photos.tensors["image"].float() / 255).argmax(1) == photos.tensors["label"]
    assert right.sum() >= 17
