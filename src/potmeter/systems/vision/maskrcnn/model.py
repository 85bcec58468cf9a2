"""Mask R-CNN (He et al. 2017, arXiv:1703.06870): where there may be something, what it is, and which pixels are its own.

A backbone and a feature pyramid look at the picture once. Anchors that may hold something become proposals; each proposal is
pooled from the pyramid, named, put right, and given a mask. With a ResNet-50 it has the names and numbers of torchvision's
``maskrcnn_resnet50_fpn``, whose checkpoints load; with MobileNetV2 it runs on a laptop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import MaskHead, MaskPredictor, choose_masks, mask_loss
from potmeter.nn.detection.proposals import ProposalNetwork, ProposalRules
from potmeter.nn.detection.regions import RegionHeads, RegionRules, pool_regions
from potmeter.nn.detection.trunk import PyramidBackbone, RegionNetwork

CLASS_LAYERS = tuple(
    f"model.roi_heads.{name}." for name in
    ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits")
)  # fmt: skip
"""What the names of tensors begin with that have as many rows for each class, the background's first."""
MASK_SIDE = 14
"""Bins of a region in each direction from which its mask, twice as fine, is made."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Which things are found, by which network, learned how."""

    dataset: str = "cutouts"
    """What it is trained on where no --data is given: cutouts or drawn-objects."""
    backbone: Literal["mobilenet", "resnet50", "convolutions"] = "mobilenet"
    """MobileNetV2, ResNet-50, or a small network of five convolutions."""
    pretrained: bool = True
    """mobilenet: start from the public ImageNet weights."""
    norm: Literal["batch", "frozen", "folded"] = "folded"
    """The backbone's normalisations: learnt; as they are; or, of mobilenet, as they are, within the convolutions."""
    norm_eps: Annotated[float, Range(0, 1)] = 1e-5
    """frozen: added to the variance; torchvision's own weights for COCO have 0."""
    frozen: Annotated[int, Range(0, 18)] = 0
    """How many of the backbone's first blocks are not trained; of resnet50, the stem and its stages."""
    image_size: Annotated[int, Range(32, 4096)] = 320
    """The shorter side of a picture is scaled to so many pixels …"""
    max_size: Annotated[int, Range(32, 8192)] = 512
    """… unless the longer one would be more than this."""
    classes: tuple[str, ...] = ()
    """Names of the classes; filled from the data."""
    channels: Annotated[int, Range(8, 1024)] = 64
    """Of every level of the feature pyramid."""
    anchor_sizes: Annotated[tuple[float, ...], Range(1)] = (24.0, 48.0, 96.0, 176.0, 288.0)
    """Sides in pixels of the square anchors, one for each level from stride 4 to 64."""
    anchor_ratios: Annotated[tuple[float, ...], Range(0.05, 20)] = (0.5, 1.0, 2.0)
    """Height to width of the anchors."""
    anchors: Annotated[int, Range(2)] = 256
    """Anchors of a picture that a step learns from."""
    proposals: Annotated[int, Range(1)] = 300
    """Proposals of a picture that are looked at in use; twice as many in training."""
    regions: Annotated[int, Range(4)] = 64
    """Proposals of a picture that a step learns from, a quarter of them of things."""
    box_features: Annotated[int, Range(8)] = 256
    """Of the vector that each region becomes."""
    mask_layers: Annotated[int, Range(1, 16)] = 4
    """3×3 convolutions before the masks."""
    augment: Literal["none", "flip"] = "flip"
    """Augmentation of training pictures: half of them mirrored."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(self.anchor_sizes) == 5 or reject(
            "There is one size of anchors for each of five levels.", self.anchor_sizes
        )
        self.anchor_ratios or reject("Anchors have at least one ratio.", self.anchor_ratios)
        self.norm != "folded" or self.backbone == "mobilenet" or reject(
            "Only mobilenet's norm can be folded.", self.backbone
        )
        self.max_size >= self.image_size or reject("max_size is at least image_size.", (self.image_size, self.max_size))


class Heads(RegionHeads):
    """What is in each region, where exactly, and which pixels are its own."""

    def __init__(self, config: Config) -> None:
        classes = len(config.classes) + 1
        super().__init__(config.channels, classes, config.box_features, rules=RegionRules(sampled=config.regions))
        self.mask_head = MaskHead(config.channels, config.mask_layers, config.channels)
        self.mask_predictor = MaskPredictor(config.channels, classes)

    def mask_logits(self, maps: Sequence[Tensor], boxes: Sequence[Tensor], shape: tuple[int, int]) -> Tensor:
        """The logits (N, classes, 28, 28) of the masks within boxes, for each class one."""
        regions = pool_regions(maps, boxes, MASK_SIDE, shape)
        logits: Tensor = self.mask_predictor(self.mask_head(regions.contiguous(memory_format=torch.channels_last)))
        return logits


class MaskRCNN(RegionNetwork):
    """The whole network. Pictures are float (B, 3, H, W) in [0, 1], padded below and to the right.

    Args:
        config: See there.
    """

    roi_heads: Heads

    def __init__(self, config: Config) -> None:
        backbone = PyramidBackbone(config.backbone, config.channels, config.norm, config.norm_eps, config.frozen)
        rules = ProposalRules(sampled=config.anchors, trained=2 * config.proposals, tested=config.proposals)
        rpn = ProposalNetwork(config.channels, config.anchor_sizes, config.anchor_ratios, rules)
        super().__init__(backbone, rpn, Heads(config))

    def losses(
        self, images: Tensor, sizes: Sequence[tuple[int, int]], truths: Sequence[Instances],
        rngs: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """The five losses (section 3): of anchors, of regions, and of masks.

        Args:
            images: (B, 3, H, W) in [0, 1].
            sizes: Height and width of each without its padding.
            truths: What is in each, with masks.
            rngs: One for each picture, on the CPU: which anchors and regions are learnt from.
        """
        x = self.prepare(images, sizes)
        shape = (x.shape[2], x.shape[3])
        maps = self.backbone(x)
        proposals, logits, offsets, anchors = self.rpn(maps, shape, sizes)
        losses = self.rpn.losses(logits, offsets, anchors, truths, rngs)
        fine = maps[:4]  # regions are not pooled from the coarsest level
        heads, positives = self.roi_heads.losses(fine, proposals, shape, truths, rngs)
        masks = self.roi_heads.mask_logits(fine, [each.boxes for each in positives], shape)
        return losses | heads | {"loss_mask": mask_loss(masks, positives, truths)}

    def detect(self, images: Tensor, sizes: Sequence[tuple[int, int]]) -> list[Instances]:
        """What is found in each picture, the likeliest first; masks (n, 28, 28) are probabilities within the boxes."""
        x = self.prepare(images, sizes)
        shape = (x.shape[2], x.shape[3])
        maps = self.backbone(x)
        proposals = self.rpn(maps, shape, sizes)[0]
        found = self.roi_heads.find(maps[:4], proposals, shape, sizes)
        return choose_masks(self.roi_heads.mask_logits(maps[:4], [each.boxes for each in found], shape), found)

    def forward(self, images: Tensor) -> list[Instances]:
        """What is found in pictures without padding."""
        return self.detect(images, [(images.shape[2], images.shape[3])] * len(images))
