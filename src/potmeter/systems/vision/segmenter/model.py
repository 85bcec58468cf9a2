"""U-Net (Ronneberger et al. 2015, arXiv:1505.04597): down to see what it is, up again to see where, across to stay sharp.

Two encoders: the paper's own, learned from scratch, and MobileNetV2 (arXiv:1801.04381), which knows ImageNet. Pixels in, a
logit for every class at every pixel out. The first has the names and numbers of the PyTorch port by A. Milesi
("Pytorch-UNet"), which pads its convolutions and normalises after each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.backbones import MobileNetV2
from potmeter.nn.image_network import ImageNetwork


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Which pixels are told apart, by which network, learned how; the defaults find hair, skin and clothes."""

    dataset: str = "avatars"
    """What it is trained on where no --data is given: avatars or shapes."""
    architecture: Literal["unet", "mobilenet"] = "mobilenet"
    """unet: the paper's, from scratch; mobilenet: MobileNetV2 as the encoder."""
    image_size: Annotated[int, Range(16, 4096)] = 128
    """Height and width in pixels of what is trained on."""
    view: Literal["whole", "crop"] = "whole"
    """Training sees a picture whole, scaled to image_size; or, of large ones, pieces of image_size in their own resolution."""
    channels: Literal[1, 3] = 3
    """Colour channels: 1 is grey, 3 is RGB."""
    classes: tuple[str, ...] = ()
    """Names of the classes, in the order of the mask's values: the background first; filled from the data."""
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Mean of each channel, which the network subtracts."""
    std: Annotated[tuple[float, ...], Range(0, open="low")] = (0.229, 0.224, 0.225)
    """Standard deviation of each channel, by which it then divides."""
    widths: Annotated[tuple[int, ...], Range(1)] = (16, 32, 48, 64)
    """Feature channels from full resolution down, each level half as large; of mobilenet, of the decoder's four levels."""
    upsampling: Literal["transposed", "bilinear"] = "transposed"
    """unet: by a learned transposed convolution, or by interpolation."""
    conv_bias: bool = False
    """unet: whether convolutions before a normalisation have a bias, as the port's had before 2021."""
    pretrained: bool = True
    """mobilenet: start from the public ImageNet weights."""
    dice_weight: Annotated[float, Range(0, 100)] = 1.0
    """Weight of the Dice loss, beside the cross-entropy's 1."""
    augment: Literal["none", "flip", "people"] = "flip"
    """Augmentation of training pictures. people: mirror; of half of them turn, scale, and change colour, light and
    sharpness."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(self.mean) == len(self.std) == self.channels or reject(
            f"mean and std need {self.channels} values, one per channel.", (self.mean, self.std)
        )
        len(self.classes) != 1 or reject("Telling pixels apart takes two classes.", self.classes)
        len(self.classes) <= 255 or reject("A mask has at most 255 classes.", len(self.classes))
        mobile = self.architecture == "mobilenet"
        not mobile or self.channels == 3 or reject("mobilenet takes 3 channels.", self.channels)
        not mobile or len(self.widths) == 4 or reject("mobilenet's decoder has 4 levels.", self.widths)
        2 <= len(self.widths) <= 8 or reject("A U-Net has 2 to 8 levels.", self.widths)
        self.image_size >= 2 ** (len(self.widths) - 1) or reject(
            f"image_size must be at least {2 ** (len(self.widths) - 1)}.", self.image_size
        )


class DoubleConv(nn.Module):
    """(3×3 convolution, batch normalisation, ReLU) twice: (B, inputs, H, W) → (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, between: int | None = None, *, bias: bool = False) -> None:
        super().__init__()
        between = between or outputs
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, between, 3, padding=1, bias=bias),
            nn.BatchNorm2d(between),
            nn.ReLU(inplace=True),
            nn.Conv2d(between, outputs, 3, padding=1, bias=bias),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.double_conv(x)
        return y


class Down(nn.Module):
    """Half the resolution, then two convolutions: (B, inputs, H, W) → (B, outputs, ⌊H / 2⌋, ⌊W / 2⌋)."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.maxpool_conv(x)
        return y


class Up(nn.Module):
    """Twice the resolution, beside it what the encoder saw there, then two convolutions.

    Args:
        inputs: Channels from below; halved by the transposed convolution, or by the convolutions after an interpolation.
        outputs: Channels that come out.
    """

    def __init__(self, inputs: int, outputs: int, *, transposed: bool = True, bias: bool = False) -> None:
        super().__init__()
        if transposed:
            self.up: nn.Module = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2)
            self.conv = DoubleConv(inputs, outputs, bias=bias)
        else:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = DoubleConv(inputs, outputs, inputs // 2, bias=bias)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        height, width = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]  # 1 where a side was odd
        x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        y: Tensor = self.conv(torch.cat([skip, x], 1))
        return y


class OutConv(nn.Module):
    """A 1×1 convolution: features → logits."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y


class UNet(ImageNetwork):
    """The paper's figure 1 with padded convolutions: contracting path, expanding path, and the copies between them.

    Args:
        classes: Number of logits.
        channels: Of the pictures.
        widths: Feature channels of the levels, from full resolution down; each twice the one before.
        mean, std: Of each channel, in [0, 1].
        transposed: Upsample by a transposed convolution (default), or bilinearly.
        bias: Whether convolutions have a bias besides their normalisation's.

    Example:
        >>> UNet(2, widths=(8, 16, 32))(torch.rand(1, 3, 50, 37)).shape
        torch.Size([1, 2, 50, 37])
    """

    def __init__(
        self, classes: int, channels: int = 3, widths: Sequence[int] = (64, 128, 256, 512, 1024),
        mean: Sequence[float] = (0.0, 0.0, 0.0), std: Sequence[float] = (1.0, 1.0, 1.0),
        *, transposed: bool = True, bias: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(mean, std)
        self.levels = len(widths) - 1
        all(b == 2 * a for a, b in pairwise(widths)) or reject("Each of widths must be twice the one before.", widths)
        self.inc = DoubleConv(channels, widths[0], bias=bias)
        factor = 1 if transposed else 2  # an interpolation keeps the channels, so fewer come from below
        for level, (above, below) in enumerate(pairwise(widths), 1):
            last = level == self.levels
            self.add_module(f"down{level}", Down(above, below // factor if last else below, bias=bias))
        for level, (below, above) in enumerate(pairwise(widths[::-1]), 1):
            outputs = above if level == self.levels else above // factor
            self.add_module(f"up{level}", Up(below, outputs, transposed=transposed, bias=bias))
        self.outc = OutConv(widths[0], classes)

    @property
    def stride(self) -> int:
        """Of the coarsest level: pieces that begin at its multiples are seen as parts of the whole picture."""
        return 2**self.levels

    @property
    def reach(self) -> int:
        """How many pixels to each side a logit can depend on, at most: a 3×3 convolution of level l sees 2ˡ, a pool 2ˡ."""
        levels = sum(5 * 2**level for level in range(self.levels))  # four convolutions and one pool on each
        return levels + 2 * 2**self.levels

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes h w"]:
        """Logits of pictures in [0, 1]; both sides at least ``stride``."""
        skips = [self.inc(self.normalise(images))]
        for level in range(1, self.levels + 1):
            skips.append(self.get_submodule(f"down{level}")(skips[-1]))  # (B, widths[l], H / 2ˡ, W / 2ˡ)
        x = skips.pop()
        for level in range(1, self.levels + 1):
            x = self.get_submodule(f"up{level}")(x, skips.pop())
        logits: Tensor = self.outc(x)
        return logits


class MobileUNet(ImageNetwork):
    """A U-Net whose contracting path is MobileNetV2 down to a sixteenth of the resolution, where half of its blocks end.

    Args:
        classes: Number of logits.
        widths: Feature channels of the decoder at strides 1, 2, 4 and 8.
        mean, std: Of each channel, in [0, 1].

    Example:
        >>> MobileUNet(4)(torch.rand(1, 3, 50, 37)).shape
        torch.Size([1, 4, 50, 37])
    """

    stride = 16
    reach = 192
    """A bound: 133 pixels of the encoder's convolutions, 29 of the decoder's and 30 of its interpolations."""

    def __init__(
        self, classes: int, widths: Sequence[int] = (16, 32, 48, 64),
        mean: Sequence[float] = (0.485, 0.456, 0.406), std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:  # fmt: skip
        super().__init__(mean, std)
        self.encoder = MobileNetV2(None, mean, std)
        kept = sum(stride <= self.stride for stride in self.encoder.strides)
        self.encoder.features = self.encoder.features[:kept]
        channels = self.encoder.feature_channels
        skips = {1: 3, 2: channels[2], 4: channels[4], 8: channels[8]}
        below = channels[16]
        self.decoder = nn.ModuleDict()
        for stride, width in zip((8, 4, 2, 1), reversed(widths), strict=True):
            self.decoder[str(stride)] = DoubleConv(below + skips[stride], width)
            below = width
        self.classifier = nn.Conv2d(below, classes, 1)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b classes h w"]:
        """Logits of pictures in [0, 1]."""
        height, width = images.shape[2:]
        x = self.normalise(F.pad(images, (0, -width % self.stride, 0, -height % self.stride), mode="replicate"))
        maps = {1: x}
        for stride, block in zip(self.encoder.strides, self.encoder.features, strict=False):
            x = maps[stride] = block(x)  # (B, channels[stride], H / stride, W / stride)
        for stride in (8, 4, 2, 1):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = self.decoder[str(stride)](
                torch.cat([x, maps[stride]], 1)
            )  # (B, widths[stride], H / stride, W / stride)
        logits: Tensor = self.classifier(x)
        return logits[:, :, :height, :width]


def build_network(config: Config) -> UNet | MobileUNet:
    """The network that a Config describes."""
    count = len(config.classes)
    if config.architecture == "mobilenet":
        return MobileUNet(count, config.widths, config.mean, config.std)
    return UNet(
        count, config.channels, config.widths, config.mean, config.std,
        transposed=config.upsampling == "transposed", bias=config.conv_bias,
    )  # fmt: skip
