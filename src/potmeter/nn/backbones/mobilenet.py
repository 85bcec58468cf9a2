"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): 3.5 million parameters, 0.3 billion multiply-adds for a 224² image.

An inverted residual expands its few channels sixfold, filters each by itself (depthwise), and projects them back; the
projection stays linear. Modules are named as in torchvision, so that its checkpoint loads as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from potmeter.errors import reject
from potmeter.nn.image_network import ImageNetwork

STAGES = (
    *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)
"""The paper's table 2: expansion, channels, blocks, stride of the first block."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's images, which the public weights were trained on."""


def round_channels(channels: float, by: int = 8) -> int:
    """The nearest multiple of ``by``, but not less than 90 % of ``channels``."""
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest + by if nearest < 0.9 * channels else nearest


class ConvNormActivation(nn.Sequential):
    """Convolution, batch normalisation, ReLU6."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.conv = nn.Sequential(
            *([ConvNormActivation(inputs, hidden, kernel=1)] if expansion != 1 else []),
            ConvNormActivation(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)  # (B, outputs, H / stride, W / stride)
        return x + y if self.has_shortcut else y


class MobileNetV2(ImageNetwork):
    """A convolution, 17 inverted residuals, a 1×1 convolution, global average pooling, one linear layer.

    Args:
        classes: Number of logits; None = a backbone only, without the 1×1 convolution and the linear layer, which holds
            half of the parameters.
        mean, std: Of each colour over the training images, in [0, 1].
        width: The width multiplier α (section 4.1 of Howard et al., arXiv:1704.04861), of all numbers of channels.

    Example:
        >>> MobileNetV2(4)(torch.rand(2, 3, 96, 96)).shape
        torch.Size([2, 4])
        >>> maps = MobileNetV2(None).feature_maps(torch.rand(1, 3, 224, 224))
        >>> {stride: tuple(x.shape[1:]) for stride, x in maps.items()}
        {2: (16, 112, 112), 4: (24, 56, 56), 8: (32, 28, 28), 16: (96, 14, 14), 32: (320, 7, 7)}
    """

    def __init__(
        self, classes: int | None, mean: Sequence[float] = MEAN, std: Sequence[float] = STD, width: float = 1.0
    ) -> None:
        super().__init__(mean, std)
        classes is None or classes >= 1 or reject("MobileNetV2 needs at least one class.", classes)
        width > 0 or reject("width must be positive.", width)
        inputs, last, total_stride = round_channels(32 * width), round_channels(1280 * max(1.0, width)), 2
        layers: list[nn.Module] = [ConvNormActivation(3, inputs, stride=2)]
        self.strides = [total_stride]  # of each layer's output
        self.feature_channels = {total_stride: inputs}  # of the last layer at each stride
        for expansion, channels, blocks, stride in STAGES:
            total_stride, outputs = total_stride * stride, round_channels(channels * width)
            for block in range(blocks):
                layers.append(InvertedResidual(inputs, outputs, 1 if block else stride, expansion))
                self.strides.append(total_stride)
                inputs = self.feature_channels[total_stride] = outputs
        if classes is not None:
            layers.append(ConvNormActivation(inputs, last, kernel=1))
        self.features = nn.Sequential(*layers)
        self.classifier = (
            nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes)) if classes is not None else nn.Identity()
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def feature_maps(self, images: Float[Tensor, "b 3 h w"]) -> dict[int, Tensor]:
        """What the last block at each stride gives: (B, feature_channels[stride], ⌈H / stride⌉, ⌈W / stride⌉)."""
        x, maps = self.normalise(images), dict[int, Tensor]()
        for stride, block in zip(self.strides, self.features, strict=False):  # not the 1×1 convolution after them
            x = maps[stride] = block(x)
        return maps

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b features"]:
        """The last layer of features, averaged over all places: (B, 1280) at width 1, (B, 320) of a backbone only."""
        x: Tensor = self.features(self.normalise(images))
        return x.mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes"]:
        """Logits of images in [0, 1]; of a backbone only, its embedding."""
        logits: Tensor = self.classifier(self.embed(images))
        return logits
