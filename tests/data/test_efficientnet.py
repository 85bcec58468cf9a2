"""Our EfficientNet-Lite0 is timm's with other names; and the public weights say what they should."""

import pytest
import timm
import torch
from torch import nn

from potmeter.core.networks import ClassifierAdapter
from potmeter.data.sets import efficientnet
from potmeter.data.sets.efficientnet import MEAN, STD, EfficientNetLite0, efficientnet_lite0
from potmeter.data.sets.photos import foolbox_photos, imagenet_classes
from potmeter.errors import UserError


@pytest.mark.parametrize("side", [224, 96, 75])
def test_outputs_equal_timms(side):
    theirs, ours = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval(), EfficientNetLite0().eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))  # the same order, other names
    x = torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_has_the_originals_parameters():
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 4_652_008


def test_another_networks_weights_are_refused(tmp_path, monkeypatch):
    torch.save(nn.Linear(1, 1).state_dict(), tmp_path / "other.pth")
    monkeypatch.setattr(efficientnet, "efficientnet_weights", lambda: tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"does not hold EfficientNet-Lite0's weights.*Received: other\.pth"):
        efficientnet_lite0()


@pytest.mark.network
def test_the_public_weights_know_the_photos():
    model, photos = ClassifierAdapter(efficientnet_lite0(), imagenet_classes(), mean=MEAN, std=STD), foolbox_photos(224)
    with torch.no_grad():
        right = model.logits(photos.tensors["image"].float() / 255).argmax(1) == photos.tensors["label"]
    assert right.sum() >= 17
