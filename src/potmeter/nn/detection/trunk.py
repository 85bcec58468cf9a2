"""The trunk of detectors: a backbone with a feature pyramid, and the proposal of regions (Mask R-CNN's first stage)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.nn.backbones import MobileNetV2, ResNet50
from potmeter.nn.backbones.mobilenet import MEAN, STD
from potmeter.nn.frozen_norm import fold_norms, freeze_norms
from potmeter.nn.image_network import ImageNetwork

from .proposals import ProposalNetwork
from .pyramid import FeaturePyramid
from .regions import RegionHeads

COARSEST = 32
"""Stride of the backbone's last feature map; pictures are padded to its multiples."""
PLAIN = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
"""Mean and standard deviation of a backbone whose input is normalised already."""
BackboneName = Literal["mobilenet", "resnet50", "convolutions"]
Norm = Literal["batch", "frozen", "folded"]


class Convolutions(nn.Module):
    """A small backbone: five strided convolutions, each normalised; feature maps at strides 4, 8, 16 and 32."""

    feature_channels = {4: 32, 8: 48, 16: 64, 32: 64}

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, *self.feature_channels.values())
        self.features = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
                for a, b in pairwise(widths)
            )
        )

    def feature_maps(self, x: Tensor) -> dict[int, Tensor]:
        """(B, feature_channels[stride], H / stride, W / stride) of normalised pictures."""
        x, maps = self.features[0](x), dict[int, Tensor]()
        for stride, block in zip(self.feature_channels, self.features[1:], strict=True):
            x = maps[stride] = block(x)
        return maps


class PyramidBackbone(nn.Module):
    """A network's feature maps, from a finest stride to 32, as the levels of a pyramid.

    Args:
        name: MobileNetV2, ResNet-50, or ``Convolutions``.
        channels: Of every level.
        norm, eps: As ``set_norms`` takes them.
        frozen: How many of its first blocks are not trained; of ResNet-50, the stem and its stages.
        finest: Stride of the finest level, a power of 2.
    """

    def __init__(
        self, name: BackboneName, channels: int, norm: Norm, eps: float = 1e-5, frozen: int = 0, finest: int = 4
    ) -> None:
        super().__init__()
        builders: dict[str, Callable[[], MobileNetV2 | ResNet50 | Convolutions]] = {
            "mobilenet": lambda: MobileNetV2(None, *PLAIN),
            "resnet50": lambda: ResNet50(None, *PLAIN),
            "convolutions": Convolutions,
        }
        self.body = builders[name]()
        set_norms(self.body, norm, eps)
        blocks = self.body.stages if isinstance(self.body, ResNet50) else [*self.body.features]
        for block in blocks[:frozen]:
            block.requires_grad_(False)
        self.strides = [stride for stride in self.body.feature_channels if stride >= finest]
        self.fpn = FeaturePyramid([self.body.feature_channels[stride] for stride in self.strides], channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Levels (B, channels, h, w) of normalised pictures (B, 3, H, W), each of half the resolution of the one before."""
        maps = self.body.feature_maps(x)
        levels: list[Tensor] = self.fpn([maps[stride] for stride in self.strides])
        return levels


def set_norms(body: nn.Module, norm: Norm, eps: float) -> nn.Module:
    """A backbone, which is changed, with its normalisations learnt ("batch"), as they are, or within the convolutions."""
    if norm == "frozen":
        return freeze_norms(body, eps)
    return fold_norms(body) if norm == "folded" else body


class RegionNetwork(ImageNetwork):
    """A detector's trunk, with heads on regions. Pictures are float (B, 3, H, W) in [0, 1], padded below and to the right.

    Args:
        backbone: Returns the levels of a pyramid.
        rpn: Proposes regions.
        roi_heads: Classify regions, and whatever else a system predicts of them.
    """

    def __init__(self, backbone: PyramidBackbone, rpn: ProposalNetwork, roi_heads: RegionHeads) -> None:
        super().__init__(MEAN, STD)
        self.backbone, self.rpn, self.roi_heads = backbone, rpn, roi_heads

    def prepare(self, images: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
        """Normalised pictures whose padding, up to multiples of 32, is 0."""
        height, width = images.shape[2:]
        x = self.normalise(images)
        if any(size != (height, width) for size in sizes):
            rows, columns = (torch.arange(side, device=x.device) for side in (height, width))
            x = x * torch.stack([(rows < h)[:, None] & (columns < w) for h, w in sizes])[:, None]
        x = F.pad(x, (0, -width % COARSEST, 0, -height % COARSEST))
        return x.contiguous(memory_format=torch.channels_last)

    def region_logits(self, images: Tensor) -> list[Tensor]:
        """Of pictures without padding the logits (P, classes) of each proposal, the background first."""
        sizes = [(images.shape[2], images.shape[3])] * len(images)
        x = self.prepare(images, sizes)
        shape = (x.shape[2], x.shape[3])
        maps = self.backbone(x)
        proposals = self.rpn(maps, shape, sizes)[0]
        logits, _ = self.roi_heads(maps[:-1], proposals, shape)
        return [*logits.split([len(boxes) for boxes in proposals])]

    def region_cross_entropy(self, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy (B,) of pictures without padding, the mean over all proposals of each, for labels (B,).

        An attack that lowers it has all proposals take the label, as in dense adversary generation (Xie et al. 2017,
        arXiv:1703.08603).
        """
        logits = self.region_logits(images)
        return torch.stack(
            [F.cross_entropy(own, wanted.expand(len(own))) for own, wanted in zip(logits, labels, strict=True)]
        )
