"""Small networks to attack: fixed weights, no training, no network."""

import torch
from torch import nn

from potmeter.core.networks import ClassifierAdapter

PLAIN = {"mean": (0.0,), "std": (1.0,)}


def curved(classes=5, side=8, seed=1):
    """A random convolutional network of grey pictures; its logits are far from linear."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.SiLU(),
        nn.Flatten(), nn.Linear(8 * (side // 2) ** 2, classes),
    )  # fmt: skip
    with torch.no_grad():
        for layer in network[:3:2]:
            nn.init.kaiming_normal_(layer.weight)
        network[-1].weight.mul_(12)
    return centred(ClassifierAdapter(network, None, (1, side, side), **PLAIN).eval())


def linear(classes=4, side=6, seed=2):
    """A linear map of the pixels, whose nearest boundary is known."""
    torch.manual_seed(seed)
    return centred(
        ClassifierAdapter(
            nn.Sequential(nn.Flatten(), nn.Linear(side**2, classes)), None, (1, side, side), **PLAIN
        ).eval()
    )


def centred(model):
    """The model with a bias that makes no class an answer to everything."""
    with torch.no_grad():
        x = 0.3 + 0.4 * torch.rand(500, *model.input_shape)
        model.network[-1].bias.sub_(model.logits(x).mean(0))
    return model


def pictures_of(model, count=16, seed=3):
    """Pictures away from 0 and 1, with the network's own answers as their classes."""
    x = 0.3 + 0.4 * torch.rand(count, *model.input_shape, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return x, model.logits(x).argmax(1)


def errors(model, x, y):
    """Share of pictures not taken for ``y``."""
    with torch.no_grad():
        return float((model.logits(x).argmax(1) != y).float().mean())
