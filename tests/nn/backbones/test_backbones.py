"""Every backbone's feature maps: their sizes, and that they are timm's."""

import pytest
import timm
import torch
from torch import nn

from potmeter.core.capabilities import Backbone
from potmeter.errors import UserError
from potmeter.nn.backbones import EfficientNetLite0, MobileNetV2

NETWORKS = {MobileNetV2: "mobilenetv2_100", EfficientNetLite0: "tf_efficientnet_lite0"}
both = pytest.mark.parametrize("network_class", NETWORKS)


@both
@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("size", [(64, 96), (224, 224), (75, 50)])
def test_feature_maps_have_the_promised_channels_and_sizes(network_class, classes, size):
    network = network_class(classes).eval()
    assert isinstance(network, Backbone)
    with torch.no_grad():
        maps = network.feature_maps(torch.rand(2, 3, *size))
    assert list(maps) == list(network.feature_channels) == [2, 4, 8, 16, 32]
    for stride, x in maps.items():
        assert x.shape == (2, network.feature_channels[stride], *(-(-side // stride) for side in size))


@both
def test_feature_maps_are_timms(network_class):
    theirs = timm.create_model(NETWORKS[network_class], pretrained=False, features_only=True).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    ours = network_class(None).eval()
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))  # the same order, other names
    images = torch.rand(1, 3, 96, 64)
    with torch.no_grad():
        maps, expected = ours.feature_maps(images), theirs(ours.normalise(images))
    for mine, other in zip(maps.values(), expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


@both
def test_a_backbone_without_classes_has_no_parameter_that_its_feature_maps_do_not_use(network_class):
    network = network_class(None).eval()
    sum(x.sum() for x in network.feature_maps(torch.rand(2, 3, 64, 64)).values()).backward()
    assert all(p.grad is not None for p in network.parameters())
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 320)


@both
def test_later_layers_leave_the_feature_maps_as_they_are(network_class):
    network = network_class(3).train()
    images, kept = torch.rand(2, 3, 64, 64), {}
    blocks = network.features if network_class is MobileNetV2 else network._blocks
    for stride, block in zip(network.strides, blocks, strict=False):
        block.register_forward_hook(lambda module, inputs, output, stride=stride: kept.update({stride: output.clone()}))
    for stride, x in network.feature_maps(images).items():
        assert torch.equal(x, kept[stride])


@both
def test_no_class_is_refused(network_class):
    with pytest.raises(UserError, match="at least one class. Received: 0"):
        network_class(0)
