"""ResNet-50 (He et al. 2015, arXiv:1512.03385): 25.6 million parameters, 4.1 billion multiply-adds for a 224² image.

Each block learns what is added to its input; the stride is in the 3×3 convolution. Modules are named as in torchvision, so that
its checkpoints load as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.errors import reject
from potmeter.nn.image_network import ImageNetwork

from .mobilenet import MEAN, STD

BLOCKS = (3, 4, 6, 3)
"""Of each stage (table 1 of the paper, 50 layers)."""
EXPANSION = 4


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, each normalised, added to the input."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        fits = stride == 1 and inputs == outputs
        self.downsample = (
            None if fits else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)  # (B, width, H, W)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)  # (B, width, H / stride, W / stride)
        y = self.bn3(self.conv3(y))  # (B, 4 · width, H / stride, W / stride)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet50(ImageNetwork):
    """A 7×7 convolution, a pool, four stages of bottlenecks, global average pooling, one linear layer.

    Args:
        classes: Number of logits; None = a backbone only, without the linear layer.
        mean, std: Of each colour over the training images, in [0, 1].

    Example:
        >>> ResNet50(None).feature_channels
        {4: 256, 8: 512, 16: 1024, 32: 2048}
    """

    def __init__(self, classes: int | None, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__(mean, std)
        classes is None or classes >= 1 or reject("ResNet50 needs at least one class.", classes)
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs, stride = 64, 4
        self.feature_channels = dict[int, int]()
        for stage, count in enumerate(BLOCKS):
            width = 64 * 2**stage
            first = Bottleneck(inputs, width, 2 if stage else 1)
            blocks = [first, *(Bottleneck(EXPANSION * width, width, 1) for _ in range(1, count))]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            inputs = EXPANSION * width
            self.feature_channels[stride * 2**stage] = inputs
        self.fc = nn.Linear(inputs, classes) if classes is not None else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def stages(self) -> list[nn.Module]:
        """The stem and the four stages, from the picture on."""
        return [nn.ModuleList([self.conv1, self.bn1]), *(self.get_submodule(f"layer{n}") for n in range(1, 5))]

    def feature_maps(self, images: Float[Tensor, "b 3 h w"]) -> dict[int, Tensor]:
        """What the last block at each stride gives: (B, feature_channels[stride], ⌈H / stride⌉, ⌈W / stride⌉)."""
        x = F.relu(self.bn1(self.conv1(self.normalise(images))), inplace=True)
        x, maps = F.max_pool2d(x, 3, 2, 1), dict[int, Tensor]()
        for stage, stride in enumerate(self.feature_channels, 1):
            x = maps[stride] = self.get_submodule(f"layer{stage}")(x)
        return maps

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes"]:
        """Logits of images in [0, 1]; of a backbone only, its last feature map averaged over all places."""
        logits: Tensor = self.fc(self.feature_maps(images)[32].mean(dim=(2, 3)))
        return logits
