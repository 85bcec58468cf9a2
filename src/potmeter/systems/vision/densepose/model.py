"""DensePose-RCNN (Güler et al. 2018, arXiv:1802.00434): dense correspondences between a picture and the surface of the body.

The trunk is Mask R-CNN's: backbone, feature pyramid and region proposals. From each region with a person RoIAlign pools 14×14
features; eight convolutions and four transposed ones classify each cell, as the background or a segment of the body and as
one of 24 parts, and regress the coordinates U and V of every part (section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.detection.boxes import choose, to_full_precision
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import initialise
from potmeter.nn.detection.proposals import ProposalNetwork, ProposalRules
from potmeter.nn.detection.regions import Positives, RegionHeads, RegionRules, pool_regions
from potmeter.nn.detection.trunk import PyramidBackbone, RegionNetwork

REGION_SIDE = 14
"""Bins of RoIAlign in each direction; the predicted maps have twice as many cells."""
HEATMAP_SIDE = 4 * REGION_SIDE
"""Cells in each direction at which the maps, interpolated to twice their resolution, are compared with the truth."""
SEGMENT_CHANNELS, PART_CHANNELS = 15, 25
"""Classes: 14 segments of the body, and 24 parts, each with the background as 0."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Which network finds people and their surfaces, and how it is trained."""

    dataset: str = "bodies"
    """What it is trained on where no --data is given: bodies or mannequins."""
    backbone: Literal["mobilenet", "resnet50", "convolutions"] = "mobilenet"
    """MobileNetV2, ResNet-50, or a small network of five convolutions."""
    pretrained: bool = True
    """mobilenet: start from the public ImageNet weights."""
    norm: Literal["batch", "frozen", "folded"] = "folded"
    """The backbone's normalisations: learnt; as they are; or, of mobilenet, as they are, within the convolutions."""
    frozen: Annotated[int, Range(0, 18)] = 0
    """How many of the backbone's first blocks are not trained; of resnet50, the stem and its stages."""
    image_size: Annotated[int, Range(32, 4096)] = 192
    """The shorter side of a picture is scaled to so many pixels …"""
    max_size: Annotated[int, Range(32, 8192)] = 320
    """… unless the longer one would be more than this."""
    finest: Literal[4, 8] = 4
    """Stride of the feature pyramid's finest level."""
    channels: Annotated[int, Range(8, 1024)] = 64
    """Of every level of the feature pyramid."""
    anchor_sizes: Annotated[tuple[float, ...], Range(1)] = (32.0, 64.0, 128.0, 256.0, 512.0)
    """Sides in pixels of the square anchors, one for each level, from the finest."""
    anchor_ratios: Annotated[tuple[float, ...], Range(0.05, 20)] = (0.5, 1.0, 2.0)
    """Height to width of the anchors."""
    anchors: Annotated[int, Range(2)] = 256
    """Anchors of a picture that a step learns from."""
    proposals: Annotated[int, Range(1)] = 100
    """Proposals of a picture that are looked at in use; twice as many in training."""
    regions: Annotated[int, Range(4)] = 32
    """Proposals of a picture that a step learns from, a quarter of them of people."""
    box_features: Annotated[int, Range(8)] = 128
    """Of the vector that each region becomes."""
    surfaces: Annotated[int, Range(1)] = 3
    """Proposals of a picture, all of people, from which a step learns the surface."""
    surface_channels: Annotated[int, Range(8, 2048)] = 112
    """Of the convolutions of the DensePose head."""
    surface_layers: Annotated[int, Range(1, 32)] = 8
    """3×3 convolutions of the DensePose head."""
    residual: bool = False
    """Residual connections around the convolutions of the head, but for the first (He et al. 2016): it learns sooner."""
    muon_lr: Annotated[float, Range(0)] = 0.0
    """Learning rate of Muon for the convolutions of the pyramid and of the DensePose head; 0: AdamW for all."""
    segment_weight: Annotated[float, Range(0, 1000)] = 2.0
    """Weight of the segments' cross-entropy."""
    part_weight: Annotated[float, Range(0, 1000)] = 0.3
    """Weight of the parts' cross-entropy."""
    point_weight: Annotated[float, Range(0, 1000)] = 0.1
    """Weight of the smooth L1 loss of U, and of V, summed over a hundred points of a person."""
    augment: Literal["none", "flip"] = "flip"
    """Augmentation of training pictures: half of them mirrored, left parts become right ones."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = {4: 5, 8: 4}[self.finest]
        len(self.anchor_sizes) == levels or reject(
            f"There is one size of anchors for each of {levels} levels.", self.anchor_sizes
        )
        self.anchor_ratios or reject("Anchors have at least one ratio.", self.anchor_ratios)
        self.norm != "folded" or self.backbone == "mobilenet" or reject(
            "Only mobilenet's norm can be folded.", self.backbone
        )
        self.max_size >= self.image_size or reject("max_size is at least image_size.", (self.image_size, self.max_size))


class SurfaceMaps(NamedTuple):
    """Predictions for N regions in S×S cells; between the cells' middles they are interpolated."""

    segments: Float[Tensor, "n 15 s s"]
    """Logits of the segments; of 0, the background."""
    parts: Float[Tensor, "n 25 s s"]
    """Logits of the parts."""
    u: Float[Tensor, "n 25 s s"]
    """U of every part; of channel 0 nothing is learnt."""
    v: Float[Tensor, "n 25 s s"]
    """V of every part."""


class DensePoseHead(nn.Sequential):
    """3×3 convolutions with ReLU, which keep the resolution; modules are named as in detectron2.

    Args:
        inputs: Channels of the pooled features.
        channels: Of every convolution.
        layers: Number of convolutions.
        residual: Whether there is a residual connection around each but the first.
    """

    def __init__(self, inputs: int, channels: int, layers: int, *, residual: bool = False) -> None:
        super().__init__()
        for number in range(1, layers + 1):
            convolution = nn.Conv2d(inputs if number == 1 else channels, channels, 3, padding=1)
            self.add_module(f"body_conv_fcn{number}", convolution)
        self.residual = residual
        initialise(self)
        if residual:  # so that the variance of their sum is that of one
            for layer in [*self][1:]:
                layer.weight.detach().div_(layers**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, channels, s, s) of pooled ones (N, inputs, s, s)."""
        for number, layer in enumerate(self):
            y = layer(x)
            x = F.relu(x + y if self.residual and number else y)
        return x


class DensePosePredictor(nn.Module):
    """Four transposed convolutions to twice the resolution, named as in detectron2.

    The original interpolates their outputs to twice that again; here the maps are interpolated where they are needed, at
    points or at a picture's pixels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

        def deconvolution(outputs: int) -> nn.ConvTranspose2d:
            return nn.ConvTranspose2d(channels, outputs, 4, stride=2, padding=1)

        self.ann_index_lowres, self.index_uv_lowres = deconvolution(SEGMENT_CHANNELS), deconvolution(PART_CHANNELS)
        self.u_lowres, self.v_lowres = deconvolution(PART_CHANNELS), deconvolution(PART_CHANNELS)
        initialise(self)

    def forward(self, x: Tensor) -> SurfaceMaps:
        """The maps, with 2 s cells to a side, of features (N, channels, s, s)."""
        layers = (self.ann_index_lowres, self.index_uv_lowres, self.u_lowres, self.v_lowres)
        weight = torch.cat([layer.weight for layer in layers], 1)
        bias = torch.cat([bias for layer in layers if (bias := layer.bias) is not None])
        x = F.conv_transpose2d(x, weight, bias, stride=2, padding=1)  # one large convolution is faster than four
        return SurfaceMaps(*to_full_precision(x).split([layer.out_channels for layer in layers], 1))


class Heads(RegionHeads):
    """Whether each region holds a person, the person's box, and the surface of the body."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.channels, 2, config.box_features, rules=RegionRules(sampled=config.regions, found=20))
        self.densepose_head = DensePoseHead(
            config.channels, config.surface_channels, config.surface_layers, residual=config.residual
        )
        self.densepose_predictor = DensePosePredictor(config.surface_channels)

    def surface_maps(self, maps: Sequence[Tensor], boxes: Sequence[Tensor], shape: tuple[int, int]) -> SurfaceMaps:
        """The predictions for boxes; arguments as of ``pool_regions``."""
        regions = pool_regions(maps, boxes, REGION_SIDE, shape).contiguous(memory_format=torch.channels_last)
        predicted: SurfaceMaps = self.densepose_predictor(self.densepose_head(regions))
        return predicted


class DensePoseRCNN(RegionNetwork):
    """The whole network. Pictures are float (B, 3, H, W) in [0, 1], padded below and to the right.

    Args:
        config: See there.
    """

    roi_heads: Heads

    def __init__(self, config: Config) -> None:
        backbone = PyramidBackbone(
            config.backbone, config.channels, config.norm, frozen=config.frozen, finest=config.finest
        )
        rules = ProposalRules(sampled=config.anchors, trained=2 * config.proposals, tested=config.proposals)
        rpn = ProposalNetwork(config.channels, config.anchor_sizes, config.anchor_ratios, rules)
        super().__init__(backbone, rpn, Heads(config))
        self.num_surfaces = config.surfaces

    def detection_losses(
        self, images: Tensor, sizes: Sequence[tuple[int, int]], truths: Sequence[Instances],
        rngs: Sequence[torch.Generator],
    ) -> tuple[dict[str, Tensor], SurfaceMaps, list[Positives]]:  # fmt: skip
        """Mask R-CNN's four losses of anchors and regions, and the surface maps of some regions of people.

        Args:
            images: (B, 3, H, W) in [0, 1].
            sizes: Height and width of each without its padding.
            truths: The people in each.
            rngs: One for each picture, on the CPU: which anchors and regions are learnt from.

        Returns:
            The losses by name; predictions for at most ``Config.surfaces`` regions of each picture; these regions.
        """
        x = self.prepare(images, sizes)
        shape = (x.shape[2], x.shape[3])
        maps = self.backbone(x)
        proposals, logits, offsets, anchors = self.rpn(maps, shape, sizes)
        losses = self.rpn.losses(logits, offsets, anchors, truths, rngs)
        fine = maps[:-1]  # regions are not pooled from the coarsest level
        region_losses, positives = self.roi_heads.losses(fine, proposals, shape, truths, rngs)
        sampled = [sample_positives(each, self.num_surfaces, rng) for each, rng in zip(positives, rngs, strict=True)]
        predicted = self.roi_heads.surface_maps(fine, [each.boxes for each in sampled], shape)
        return losses | region_losses, predicted, sampled

    def detect(
        self, images: Tensor, sizes: Sequence[tuple[int, int]], score: float = 0.05
    ) -> list[tuple[Instances, SurfaceMaps]]:
        """The people in each picture, the likeliest first, and the predictions within their boxes.

        Args:
            images: (B, 3, H, W) in [0, 1].
            sizes: Height and width of each without its padding.
            score: Probability from which a person counts.
        """
        x = self.prepare(images, sizes)
        shape = (x.shape[2], x.shape[3])
        maps = self.backbone(x)
        proposals = self.rpn(maps, shape, sizes)[0]
        people = [each.at_least(score) for each in self.roi_heads.find(maps[:-1], proposals, shape, sizes)]
        predicted = self.roi_heads.surface_maps(maps[:-1], [each.boxes for each in people], shape)
        split = zip(*(values.split([len(each) for each in people]) for values in predicted), strict=True)
        return [(each, SurfaceMaps(*values)) for each, values in zip(people, split, strict=True)]


def sample_positives(positives: Positives, count: int, rng: torch.Generator) -> Positives:
    """At most ``count`` of the positive regions of a picture, drawn without replacement."""
    places = torch.arange(len(positives.labels), device=positives.labels.device)
    chosen = choose(places, min(count, len(places)), rng)
    return Positives(positives.boxes[chosen], positives.matched[chosen], positives.labels[chosen])
