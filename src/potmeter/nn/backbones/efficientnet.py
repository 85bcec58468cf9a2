"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946): without squeeze-and-excitation, and with ReLU6, for telephones.

4.7 million parameters, 0.4 billion multiply-adds for a 224² image. Modules are named as in the public checkpoint, so that
it loads as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.errors import reject
from potmeter.nn.image_network import ImageNetwork

STAGES = (
    *((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3)),
    *((6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)),
)
"""The paper's table 1: expansion, channels, blocks, stride of the first block, kernel."""

MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
"""What the public weights expect to be subtracted, and divided by."""


class SameConv2d(nn.Conv2d):
    """A convolution padded as in TensorFlow: what is odd is added to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, across = (max(0, (-(-side // stride) - 1) * stride + kernel - side) for side in x.shape[-2:])
        return super().forward(F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2)))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with TensorFlow's constants."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, kernel: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.has_expansion, self.has_shortcut = expansion != 1, stride == 1 and inputs == outputs
        if self.has_expansion:
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, hidden, 1, bias=False), batch_norm(hidden)
        self._depthwise_conv = SameConv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = batch_norm(hidden)
        self._project_conv, self._bn2 = nn.Conv2d(hidden, outputs, 1, bias=False), batch_norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.has_expansion else x  # (B, hidden, H, W)
        y = F.relu6(self._bn1(self._depthwise_conv(y)))  # (B, hidden, H / stride, W / stride)
        y = self._bn2(self._project_conv(y))  # (B, outputs, H / stride, W / stride)
        return x + y if self.has_shortcut else y


class EfficientNetLite0(ImageNetwork):
    """A convolution, 16 inverted residuals, a 1×1 convolution, global average pooling, one linear layer.

    Args:
        classes: Number of logits; None = a backbone only, without the 1×1 convolution and the linear layer.
        mean, std: Of each colour over the training images, in [0, 1].

    Example:
        >>> EfficientNetLite0(4)(torch.rand(2, 3, 96, 96)).shape
        torch.Size([2, 4])
        >>> EfficientNetLite0(None).feature_channels
        {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
    """

    def __init__(self, classes: int | None, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__(mean, std)
        classes is None or classes >= 1 or reject("EfficientNet-Lite0 needs at least one class.", classes)
        inputs, total_stride = 32, 2
        self._conv_stem, self._bn0 = SameConv2d(3, inputs, 3, 2, bias=False), batch_norm(inputs)
        blocks: list[nn.Module] = []
        self.strides = list[int]()  # of each block's output
        self.feature_channels = {total_stride: inputs}  # of the last block at each stride
        for expansion, outputs, count, stride, kernel in STAGES:
            total_stride *= stride
            for number in range(count):
                blocks.append(InvertedResidual(inputs, outputs, 1 if number else stride, kernel, expansion))
                self.strides.append(total_stride)
                inputs = self.feature_channels[total_stride] = outputs
        self._blocks = nn.Sequential(*blocks)
        self.has_head = classes is not None
        if classes is not None:
            self._conv_head, self._bn1 = nn.Conv2d(inputs, 1280, 1, bias=False), batch_norm(1280)
        self._fc = nn.Linear(1280, classes) if classes is not None else nn.Identity()

    def feature_maps(self, images: Float[Tensor, "b 3 h w"]) -> dict[int, Tensor]:
        """What the last block at each stride gives: (B, feature_channels[stride], ⌈H / stride⌉, ⌈W / stride⌉)."""
        x, maps = F.relu6(self._bn0(self._conv_stem(self.normalise(images)))), dict[int, Tensor]()
        for stride, block in zip(self.strides, self._blocks, strict=True):
            x = maps[stride] = block(x)
        return maps

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b features"]:
        """The last layer of features, averaged over all places: (B, 1280), or (B, 320) of a backbone only."""
        x = self.feature_maps(images)[32]
        if self.has_head:
            x = F.relu6(self._bn1(self._conv_head(x)))  # (B, 1280, H / 32, W / 32)
        return x.mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes"]:
        """Logits of images in [0, 1]; of a backbone only, its embedding."""
        logits: Tensor = self._fc(self.embed(images))
        return logits
