"""The convolutions of VGG16 (Simonyan and Zisserman 2014, arXiv:1409.1556), whose features tell how alike pictures look.

Thirteen 3×3 convolutions in five blocks, each block at half the resolution of the one before. Modules are named as in
torchvision, so that its checkpoint loads as it is; layers are named as in the papers: ``relu3_2`` is the second in block 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from potmeter.errors import reject
from potmeter.nn.image_network import ImageNetwork

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""The paper's configuration D: channels of the convolutions of each block."""
LAYERS = tuple(f"relu{b}_{c}" for b, block in enumerate(BLOCKS, 1) for c in range(1, len(block) + 1))
"""The layers from the first to the last."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's images, as torchvision's weights expect them."""


class VGG16(ImageNetwork):
    """VGG16 without its fully connected layers, as far as a layer.

    Args:
        last: The last layer that is there, one of ``LAYERS``.
        mean, std: Of each colour, in [0, 1].
        width: Multiplies all numbers of channels.

    Example:
        >>> maps = VGG16("relu2_2").feature_maps(torch.rand(1, 3, 64, 48), ("relu1_2", "relu2_2"))
        >>> {layer: tuple(x.shape[1:]) for layer, x in maps.items()}
        {'relu1_2': (64, 64, 48), 'relu2_2': (128, 32, 24)}
    """

    def __init__(
        self, last: str = LAYERS[-1], mean: Sequence[float] = MEAN, std: Sequence[float] = STD, width: float = 1.0
    ) -> None:
        super().__init__(mean, std)
        last in LAYERS or reject(f"VGG16 has the layers {', '.join(LAYERS)}.", last)
        width > 0 or reject("width must be positive.", width)
        modules: list[nn.Module] = []
        self.names: list[str] = []
        inputs = 3
        for number, block in enumerate(BLOCKS, 1):
            if f"relu{number}_1" > last:
                break
            if number > 1:
                modules.append(nn.MaxPool2d(2))
                self.names.append(f"pool{number - 1}")
            for place, channels in enumerate(block, 1):
                outputs = max(1, round(channels * width))
                modules += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                self.names += [f"conv{number}_{place}", f"relu{number}_{place}"]
                inputs = outputs
        end = self.names.index(last) + 1
        self.features, self.names = nn.Sequential(*modules[:end]), self.names[:end]
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in")
                assert module.bias is not None  # as Conv2d is made by default
                nn.init.zeros_(module.bias)

    def feature_maps(self, images: Float[Tensor, "b 3 h w"], layers: Sequence[str]) -> dict[str, Tensor]:
        """The layers so named of images in [0, 1]: (B, C, ⌊H / s⌋, ⌊W / s⌋), s = 1 in block 1, 2 in block 2, 4 …"""
        maps, x = {}, self.normalise(images)
        for name, module in zip(self.names, self.features, strict=True):
            x = module(x)
            if name in layers:
                maps[name] = x
            if len(maps) == len(layers):
                break
        return maps
