"""Our MobileNetV2 is torchvision's: keys, numbers, gradients; and the public weights say what they should."""

import hashlib

import pytest
import torch
import torchvision
from torch import nn

from potmeter.data import imagenet_weights
from potmeter.data.imagenet_weights import imagenet_checkpoint, load_imagenet_weights
from potmeter.errors import UserError
from potmeter.nn.backbones.mobilenet import MEAN, STD, MobileNetV2, round_channels


def pair(classes=10, width=1.0, seed=0):
    """torchvision's network with random weights *and* statistics, and ours with the same."""
    torch.manual_seed(seed)
    theirs = torchvision.models.mobilenet_v2(num_classes=classes, width_mult=width)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    ours = MobileNetV2(classes, width=width)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def normalised(images):
    return (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


@pytest.mark.parametrize("width", [0.35, 1.0, 1.4])
def test_keys_and_shapes_are_torchvisions(width):
    theirs = torchvision.models.mobilenet_v2(width_mult=width).state_dict()
    ours = MobileNetV2(1000, width=width).state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]


def test_has_the_papers_parameters():
    assert sum(p.numel() for p in MobileNetV2(1000).parameters()) == 3_504_872


@pytest.mark.parametrize("shape", [(224, 224), (128, 128), (97, 65), (32, 32), (160, 213)])
def test_outputs_equal_torchvisions(shape):
    ours, theirs = pair()
    images = torch.rand(2, 3, *shape)
    with torch.no_grad():
        expected, given = theirs.eval()(normalised(images)), ours.eval()(images)
    assert expected.abs().max() > 0.01  # else agreement would mean nothing
    torch.testing.assert_close(given, expected, rtol=1e-6, atol=1e-6)


def test_training_is_torchvisions():
    ours, theirs = pair()
    images, labels = torch.rand(4, 3, 96, 64, dtype=torch.float64), torch.tensor([0, 3, 3, 9])
    for network, x in ((ours, images), (theirs, normalised(images))):
        network.double().train()
        torch.manual_seed(1)  # the same units are dropped
        nn.functional.cross_entropy(network(x), labels).backward()
    for (key, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-6, atol=1e-9, msg=key)
    for (key, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-9, msg=key)  # running statistics among them


def test_embedding_is_what_the_classifier_sees():
    network = MobileNetV2(7).eval()
    images = torch.rand(3, 3, 64, 64)
    assert network.embed(images).shape == (3, 1280)
    torch.testing.assert_close(network.classifier(network.embed(images)), network(images))


def test_normalisation_is_not_saved_but_moves_along():
    network = MobileNetV2(3, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)).double()
    assert "mean" not in network.state_dict()
    assert network.mean.dtype == torch.float64


def test_gradients_reach_the_picture():
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    MobileNetV2(3).eval()(images).sum().backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("channels", "expected"), [(3.0, 8), (11.2, 16), (32.0, 32), (33.6, 32), (44.8, 48), (1280.0, 1280)]
)
def test_channels_are_divisible_by_eight(channels, expected):
    assert round_channels(channels) == expected


@pytest.mark.parametrize("arguments", [{"classes": 0}, {"classes": 3, "width": 0.0}])
def test_nonsense_is_refused(arguments):
    with pytest.raises(UserError, match="Received"):
        MobileNetV2(**arguments)


def test_a_file_with_other_weights_is_refused(tmp_path, monkeypatch):
    torch.save(MobileNetV2(10).state_dict(), tmp_path / "other.pth")
    monkeypatch.setattr(imagenet_weights, "imagenet_checkpoint", lambda network: tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"weights of MobileNetV2: classifier\.1\.weight.*Received: other\.pth"):
        load_imagenet_weights(MobileNetV2(10))


def test_public_weights_of_another_width_are_refused(tmp_path, monkeypatch):
    torch.save(MobileNetV2(1000).state_dict(), tmp_path / "public.pth")
    monkeypatch.setattr(imagenet_weights, "imagenet_checkpoint", lambda network: tmp_path / "public.pth")
    with pytest.raises(UserError, match="width 1. Received"):
        load_imagenet_weights(MobileNetV2(1000, width=0.5))


@pytest.mark.parametrize("classes", [None, 5, 1000])
def test_public_weights_fill_all_but_a_last_layer_for_other_classes(classes, tmp_path, monkeypatch):
    public = MobileNetV2(1000)
    torch.save(public.state_dict(), tmp_path / "public.pth")
    monkeypatch.setattr(imagenet_weights, "imagenet_checkpoint", lambda network: tmp_path / "public.pth")
    network = MobileNetV2(classes)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    load_imagenet_weights(network)
    for key, value in network.state_dict().items():
        kept = key.startswith("classifier.") and classes == 5
        assert torch.equal(value, before[key] if kept else public.state_dict()[key]), key


@pytest.mark.network
def test_public_weights_recognise_foolboxs_photos():
    from potmeter.data.sets.imagenet import foolbox_photos

    network = load_imagenet_weights(MobileNetV2(1000)).eval()
    photos = foolbox_photos(224)
    batch = photos.__getitems__(range(len(photos)))
    with torch.no_grad():
        right = (network(batch["image"]).argmax(1) == batch["label"]).sum()
    assert right >= 18


@pytest.mark.network
def test_public_weights_are_those_torchvision_names():
    content = imagenet_checkpoint(MobileNetV2).read_bytes()
    assert torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1.url.endswith(
        f"-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    )
