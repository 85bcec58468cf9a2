"""Two networks for small pictures: a residual one (He et al. 2015, arXiv:1512.03385), and a plain one without normalisation.

Pixels in, one logit per class out. The network for photographs is ``nn.backbones.MobileNetV2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.image_network import ImageNetwork


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """What is classified, by which network, learned how; the defaults fine-tune MobileNetV2 on photographs."""

    dataset: str = "photos4"
    """What it is trained on where no --data is given: photos4, mnist, fashion, digits, cifar10 or faces."""
    architecture: Literal["resnet", "plain", "mobilenet"] = "mobilenet"
    """resnet: small, for pictures of some 30 pixels; plain: a few convolutions; mobilenet: MobileNetV2, for photographs."""
    image_size: Annotated[int, Range(1)] = 224
    """Height and width of a picture in pixels."""
    channels: Literal[1, 3] = 3
    """Colour channels: 1 is grey, 3 is RGB."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the logits; filled from the data."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Mean of each channel, which the network subtracts."""
    std: Annotated[tuple[float, ...], Range(0, open="low")] = (0.229, 0.224, 0.225)
    """Standard deviation of each channel, by which it then divides."""
    stem: Annotated[int, Range(1)] = 32
    """resnet: feature channels at full resolution; the stem then halves height and width."""
    widths: Annotated[tuple[int, ...], Range(1)] = (32, 64, 128)
    """resnet, plain: feature channels of the stages; each (of a resnet, after the first) halves height and width."""
    blocks: Annotated[tuple[int, ...], Range(1)] = (1, 2, 1)
    """resnet: residual blocks in each stage."""
    hidden: Annotated[int, Range(1)] = 200
    """plain: units of the layer before the last."""
    pretrained: bool = True
    """mobilenet: start from the public ImageNet weights."""
    feature_lr: Annotated[float, Range(0, 1)] = 0.0
    """Learning rate of pretrained layers as a share of lr; 0 leaves them as they are and trains the last layer only."""
    augment: Literal["none", "digits", "clothes", "photos"] = "photos"
    """Augmentation of training pictures. digits: slant, turn and shift; clothes: mirror and shift; photos: crop and mirror."""
    label_smoothing: Annotated[float, Range(0, 1, open="high")] = 0.0
    """Probability that the target spreads over all classes."""
    test_time_flip: bool = False
    """Test-time augmentation: average the prediction with that for the mirror image."""
    adversarial_training: Literal["none", "fgsm", "pgd"] = "none"
    """Train on adversarial examples: by one gradient step from a random start (fgsm), or by several (pgd)."""
    adversarial_eps: Annotated[float, Range(0, 1)] = 0.3
    """ε, largest perturbation of a pixel's value, which lies in [0, 1]."""
    adversarial_steps: Annotated[int, Range(1)] = 7
    """pgd: gradient steps, each of 2.5 / adversarial_steps times adversarial_eps."""
    adversarial_warmup: Annotated[float, Range(0, 1)] = 0.25
    """Share of the training, from its start, in which ε grows from 0: against all of it a new network learns nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        least = 32 if self.architecture == "mobilenet" else 2 ** len(self.widths)
        self.image_size >= least or reject(f"image_size must be at least {least}.", self.image_size)
        len(self.mean) == len(self.std) == self.channels or reject(
            f"mean and std need {self.channels} values, one per channel.", (self.mean, self.std)
        )
        len(self.widths) == len(self.blocks) > 0 or reject("blocks needs a number for each of widths.", self.blocks)
        len(self.classes) != 1 or reject("Telling classes apart takes two.", self.classes)
        self.architecture != "mobilenet" or self.channels == 3 or reject("mobilenet takes 3 channels.", self.channels)


class ConvNorm(nn.Sequential):
    """A convolution, and the batch normalisation that makes its bias superfluous."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Stem(nn.Sequential):
    """Edges at full resolution, then half of it: (B, C, H, W) → (B, outputs, H / 2, W / 2)."""

    def __init__(self, channels: int, hidden: int, outputs: int) -> None:
        super().__init__(
            ConvNorm(channels, hidden),
            nn.ReLU(inplace=True),
            ConvNorm(hidden, outputs, stride=2),
            nn.ReLU(inplace=True),
        )


class Shortcut(nn.Sequential):
    """The way past a block that changes shape: average away the resolution, then mix the channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(nn.AvgPool2d(stride, ceil_mode=True), ConvNorm(inputs, outputs, kernel=1))


class Block(nn.Module):
    """y = relu(shortcut(x) + residual(x)); the last scale starts at 0, so that a new block passes on its shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.expand = ConvNorm(inputs, outputs, stride=stride)
        self.refine = ConvNorm(outputs, outputs)
        nn.init.zeros_(self.refine[1].weight)  # type: ignore[arg-type]
        self.shortcut = Shortcut(inputs, outputs, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        residual = self.refine(F.relu(self.expand(x), inplace=True))  # (B, outputs, H / stride, W / stride)
        return F.relu(residual + self.shortcut(x), inplace=True)


class ResNet(ImageNetwork):
    """Stem, stages of residual blocks, the mean over all places, one linear layer.

    Example:
        >>> config = Config(architecture="resnet", classes=("cat", "dog"), image_size=32)
        >>> ResNet(config)(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 2])
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config.mean, config.std)
        self.stem = Stem(config.channels, config.stem, config.widths[0])
        stages, inputs = [], config.widths[0]
        for stage, (width, count) in enumerate(zip(config.widths, config.blocks, strict=True)):
            layers = [Block(inputs, width, 2 if stage else 1), *(Block(width, width, 1) for _ in range(count - 1))]
            stages.append(nn.Sequential(*layers))
            inputs = width
        self.stages = nn.Sequential(*stages)
        self.feature_channels = {2 ** (stage + 1): width for stage, width in enumerate(config.widths)}
        self.classifier = nn.Linear(inputs, len(config.classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def feature_maps(self, images: Float[Tensor, "b c h w"]) -> dict[int, Tensor]:
        """Each stage's feature map by its stride: (B, widths[s], ⌈H / 2^(s + 1)⌉, ⌈W / 2^(s + 1)⌉) of stage s."""
        x, maps = self.stem(self.normalise(images)), dict[int, Tensor]()
        for stride, stage in zip(self.feature_channels, self.stages, strict=True):
            x = maps[stride] = stage(x)
        return maps

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b features"]:
        """The last stage's feature map, averaged over all places."""
        return self.feature_maps(images)[max(self.feature_channels)].mean(dim=(2, 3))  # (B, widths[-1])

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        """Logits of pictures in [0, 1]."""
        logits: Tensor = self.classifier(self.embed(images))
        return logits


class PlainNet(ImageNetwork):
    """Convolutions that each halve height and width, two dense layers, no normalisation (as in Wong et al. 2020).

    Example:
        >>> config = Config(architecture="plain", classes=("cat", "dog"), image_size=32)
        >>> PlainNet(config)(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 2])
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config.mean, config.std)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((config.channels, *config.widths)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
        self.convolutions = nn.Sequential(*layers)
        self.feature_channels = {2 ** (stage + 1): width for stage, width in enumerate(config.widths)}
        side = config.image_size // 2 ** len(config.widths)
        self.hidden = nn.Linear(config.widths[-1] * side**2, config.hidden)
        self.classifier = nn.Linear(config.hidden, len(config.classes))

    def feature_maps(self, images: Float[Tensor, "b c h w"]) -> dict[int, Tensor]:
        """Each convolution's feature map by its stride: (B, widths[s], ⌊H / 2^(s + 1)⌋, ⌊W / 2^(s + 1)⌋) of number s."""
        x, maps = self.normalise(images), dict[int, Tensor]()
        for number, stride in enumerate(self.feature_channels):
            x = maps[stride] = self.convolutions[2 * number : 2 * number + 2](x)
        return maps

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b features"]:
        """The hidden layer's activations."""
        x = self.feature_maps(images)[max(self.feature_channels)]
        return F.relu(self.hidden(x.flatten(1)))  # (B, hidden)

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        """Logits of pictures in [0, 1]."""
        logits: Tensor = self.classifier(self.embed(images))
        return logits
