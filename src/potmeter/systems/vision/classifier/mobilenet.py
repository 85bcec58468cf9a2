"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): 3.5 million parameters, 0.3 billion products for a 224² picture.

A block widens its few channels six times, filters each by itself, and narrows them again; what is narrow stays linear.
Modules are named as in torchvision, so that its checkpoint loads as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.data.sets.photos import mobilenet_weights
from potmeter.errors import UserError, reject

STAGES = (
    *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
    *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)
"""The paper's table 2: expansion, channels, blocks, stride of the first block."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, which the public weights were trained on."""


def divisible(channels: float, by: int = 8) -> int:
    """The nearest multiple of ``by``, but not less than 90 % of ``channels``."""
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest + by if nearest < 0.9 * channels else nearest


class ConvNormActivation(nn.Sequential):
    """Convolution, batch normalisation, ReLU cut off at 6."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.conv = nn.Sequential(
            *([ConvNormActivation(inputs, hidden, kernel=1)] if expansion != 1 else []),
            ConvNormActivation(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)  # (B, outputs, H / stride, W / stride)
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    """Nineteen stages of convolutions, the mean over all places, one linear layer.

    Args:
        classes: Number of logits.
        mean, std: Of each colour over the training pictures, in [0, 1].
        width: Multiplies all numbers of channels.

    Example:
        >>> MobileNetV2(4)(torch.rand(2, 3, 96, 96)).shape
        torch.Size([2, 4])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, classes: int, mean: Sequence[float] = MEAN, std: Sequence[float] = STD, width: float = 1.0
    ) -> None:
        super().__init__()
        classes >= 1 or reject("MobileNetV2 needs at least one class.", classes)
        width > 0 or reject("width must be positive.", width)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        inputs, last = divisible(32 * width), divisible(1280 * max(1.0, width))
        layers: list[nn.Module] = [ConvNormActivation(3, inputs, stride=2)]
        for expansion, channels, blocks, stride in STAGES:
            for block in range(blocks):
                outputs = divisible(channels * width)
                layers.append(InvertedResidual(inputs, outputs, 1 if block else stride, expansion))
                inputs = outputs
        self.features = nn.Sequential(*layers, ConvNormActivation(inputs, last, kernel=1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b features"]:
        """What the last convolution sees, averaged over all places: (B, 1280) at width 1."""
        x: Tensor = self.features((images - self.mean) / self.std)  # (B, 1280, ⌈H / 32⌉, ⌈W / 32⌉)
        return x.mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes"]:
        """Logits of pictures in [0, 1]."""
        logits: Tensor = self.classifier(self.embed(images))
        return logits


def pretrained_state() -> dict[str, Tensor]:
    """torchvision's ImageNet weights for ``MobileNetV2(1000)``. Raises UserError when the file does not hold them."""
    state = torch.load(path := mobilenet_weights(), map_location="cpu", weights_only=True)
    with torch.device("meta"):
        wanted = {key: value.shape for key, value in MobileNetV2(1000).state_dict().items()}
    found = {key: value.shape for key, value in state.items()}
    if found != wanted:
        odd = next(key for key in [*wanted, *found] if found.get(key) != wanted.get(key))
        raise UserError(f"{path} does not hold MobileNetV2's weights: {odd} is not as it should be.", received=odd)
    return dict(state)
