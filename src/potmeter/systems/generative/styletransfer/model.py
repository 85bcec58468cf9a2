"""The image transformation network of Johnson et al. (2016, arXiv:1603.08155), with instance normalisation (arXiv:1607.08022).

Down to a quarter of the resolution, residual blocks, up again by nearest neighbours and a convolution. Modules have the
names of the network in pytorch/examples ("fast_neural_style"), whose checkpoints load (``checkpoints.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from jaxtyping import Float
from torch import Tensor

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.data.sets.paintings import PAINTINGS
from potmeter.errors import reject
from potmeter.nn.backbones.vgg import LAYERS
from potmeter.nn.image_network import ImageNetwork
from potmeter.nn.image_transformation import ConvLayer, InstanceNorm, ResidualBlock, UpsampleConvLayer

OWN_PAINTING = "own painting"
"""The name of a painting that is a user's own."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """How large the network is, what its loss looks at, and how it is trained."""

    dataset: str = "photographs"
    """The photographs it is trained on where no --data is given: photographs, or, without network, wheel-photos."""
    painting: str = "starry-night"
    """The painting it is trained to paint like where no --style is given: starry-night, great-wave, composition, waves."""
    photo_size: Annotated[int, Range(32, 4096)] = 384
    """Height and width in pixels to which photographs are brought."""
    image_size: Annotated[int, Range(32, 4096)] = 128
    """Height and width in pixels of the pieces of them that are trained on."""
    style_size: Annotated[int, Range(32, 4096)] = 384
    """Pixels of the painting's longer side: the smaller, the finer the strokes."""
    width: Annotated[int, Range(1, 1024)] = 32
    """Feature channels at full resolution; twice as many at half, four times at a quarter."""
    residual_blocks: Annotated[int, Range(0, 100)] = 5
    """Residual blocks at a quarter of the resolution."""
    loss_network: Literal["vgg16", "torchvision", "random"] = "vgg16"
    """What the loss looks through: VGG16 as a package carries it, tuned to find edges; with torchvision's own weights, from
    its hub; or, without network, a narrow one with random filters (arXiv:1606.00021)."""
    style_layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
    """Layers whose Gram matrices are to be the painting's."""
    content_layer: str = "relu2_2"
    """Layer whose features are to stay the photograph's."""
    content_weight: Annotated[float, Range(0)] = 1.0
    """Weight of the content loss."""
    style_weight: Annotated[float, Range(0)] = 1.2
    """Weight of the style loss."""
    tv_weight: Annotated[float, Range(0)] = 1.0
    """Weight of the total variation, the mean squared difference of neighbouring pixels."""
    noise_weight: Annotated[float, Range(0)] = 0.0
    """Weight of the stability loss: how much the result changes with noise, and with a move by some pixels, in the
    photograph (stability training, arXiv:1604.04326), so that videos flicker less. 0 = none."""
    muon_lr: Annotated[float, Range(0)] = 0.0
    """Learning rate of Muon for all convolutions but the first and the last; 0: AdamW for all."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for layer in (*self.style_layers, self.content_layer):
            layer in LAYERS or reject(f"VGG16 has the layers {', '.join(LAYERS)}.", layer)
        paintings = (*PAINTINGS, OWN_PAINTING)
        self.painting in paintings or reject(f"The paintings are {', '.join(paintings)}.", self.painting)
        self.style_layers or reject("A style is seen in one layer at least.", self.style_layers)
        self.image_size <= self.photo_size or reject("image_size is at most photo_size.", self.image_size)
        least = 2 * self.last_stride
        self.image_size >= least or reject(f"For {self.last_layer}, image_size is at least {least}.", self.image_size)

    @property
    def last_layer(self) -> str:
        """The deepest layer that the loss looks at."""
        return max(*self.style_layers, self.content_layer)

    @property
    def last_stride(self) -> int:
        """Pixels of a picture, in each direction, that become one place of that layer."""
        return 2 ** (int(self.last_layer[len("relu")]) - 1)


class TransformerNet(ImageNetwork):
    """The image transformation network: 1,679,235 parameters at a width of 32 with five blocks.

    Args:
        width: Feature channels at full resolution.
        residual_blocks: How many, at a quarter of it.

    Example:
        >>> TransformerNet(4, 1)(torch.rand(1, 3, 50, 37)).shape
        torch.Size([1, 3, 50, 37])
    """

    MEAN, STD = 0.5, 0.25
    """What colours are normalised by, before the first convolution and, back, after the last."""
    SMALLEST = 5
    """Pixels of the smallest side that can be padded by reflection."""

    def __init__(self, width: int = 32, residual_blocks: int = 5) -> None:
        super().__init__((self.MEAN,) * 3, (self.STD,) * 3)
        self.conv1 = ConvLayer(3, width, 9)
        self.in1 = InstanceNorm(width)
        self.conv2 = ConvLayer(width, 2 * width, 3, stride=2)
        self.in2 = InstanceNorm(2 * width)
        self.conv3 = ConvLayer(2 * width, 4 * width, 3, stride=2)
        self.in3 = InstanceNorm(4 * width)
        self.residual_blocks = residual_blocks
        for number in range(1, residual_blocks + 1):
            self.add_module(f"res{number}", ResidualBlock(4 * width))
        self.deconv1 = UpsampleConvLayer(4 * width, 2 * width, 3)
        self.in4 = InstanceNorm(2 * width)
        self.deconv2 = UpsampleConvLayer(2 * width, width, 3)
        self.in5 = InstanceNorm(width)
        self.deconv3 = ConvLayer(width, 3, 9)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """The paintings of photographs in [0, 1]; their values may lie a little outside. Sides of at least ``SMALLEST``."""
        height, width = images.shape[2:]
        x = self.in1(self.conv1(self.normalise(images))).relu()  # (B, width, H, W)
        x = self.in2(self.conv2(x)).relu()  # (B, 2 width, ⌈H / 2⌉, ⌈W / 2⌉)
        x = self.in3(self.conv3(x)).relu()  # (B, 4 width, ⌈H / 4⌉, ⌈W / 4⌉)
        for number in range(1, self.residual_blocks + 1):
            x = self.get_submodule(f"res{number}")(x)
        x = self.in4(self.deconv1(x)).relu()
        x = self.in5(self.deconv2(x)).relu()
        y: Tensor = self.deconv3(x)[:, :, :height, :width] * self.std + self.mean
        return y
