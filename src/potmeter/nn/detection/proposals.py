"""Region proposal network (Ren et al. 2015, arXiv:1506.01497): where there may be something, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import batched_nms

from .anchors import pyramid_anchors
from .boxes import BoxCoding, clip, has_extent, match, sample, smooth_l1, to_full_precision
from .instances import Instances

CODING = BoxCoding((1.0, 1.0, 1.0, 1.0))
LEAST = 1e-3
"""Pixels that a proposal is wide and high at least."""


@dataclass(frozen=True)
class ProposalRules:
    """How anchors are learnt from, and which become proposals; Faster R-CNN's numbers."""

    low: float = 0.3
    """Overlap below which an anchor is background."""
    high: float = 0.7
    """Overlap from which it is a thing's."""
    sampled: int = 256
    """Anchors of a picture that a step learns from."""
    positives: float = 0.5
    """Largest share of those of things."""
    overlap: float = 0.7
    """Of two proposals that overlap more, the likelier counts."""
    trained: int = 2000
    """Proposals of each level before, and of each picture after, the others are dropped; in training."""
    tested: int = 1000
    """The same in use."""


class ProposalHead(nn.Module):
    """A 3×3 convolution, and of each anchor the logit that there is something, and where exactly."""

    def __init__(self, channels: int, shapes: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)))
        self.cls_logits = nn.Conv2d(channels, shapes, 1)
        self.bbox_pred = nn.Conv2d(channels, 4 * shapes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, h · w · A) and offsets (B, h · w · A, 4) of a level's feature map (B, C, h, w)."""
        x = self.conv(x)
        logits, offsets = self.cls_logits(x), self.bbox_pred(x)  # (B, A, h, w), (B, 4 A, h, w)
        return logits.permute(0, 2, 3, 1).flatten(1), offsets.permute(0, 2, 3, 1).reshape(len(x), -1, 4)


class ProposalNetwork(nn.Module):
    """Proposes regions of a pyramid's feature maps.

    Args:
        channels: Of the feature maps.
        sizes: Of the anchors, one for each level, in pixels.
        ratios: Of height to width.
        rules: See there.
    """

    def __init__(
        self, channels: int, sizes: Sequence[float], ratios: Sequence[float], rules: ProposalRules | None = None
    ) -> None:
        super().__init__()
        self.head = ProposalHead(channels, len(ratios))
        self.sizes, self.ratios, self.rules = tuple(sizes), tuple(ratios), rules or ProposalRules()

    def forward(
        self, maps: Sequence[Tensor], shape: tuple[int, int], sizes: Sequence[tuple[int, int]]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Proposals, and what the loss needs.

        Args:
            maps: Levels (B, C, h, w), from the finest.
            shape: Height and width of the padded pictures.
            sizes: Height and width of each picture without its padding.

        Returns:
            Of each picture the proposals (P, 4); of each level the logits (B, N), the offsets (B, N, 4), the anchors (N, 4).
        """
        logits, offsets = (
            [to_full_precision(x) for x in each] for each in zip(*(self.head(x) for x in maps), strict=True)
        )
        anchors = pyramid_anchors(self.sizes, self.ratios, maps, *shape)
        with torch.no_grad():
            proposals = self.propose(logits, offsets, anchors, sizes)
        return proposals, logits, offsets, anchors

    def propose(
        self, logits: list[Tensor], offsets: list[Tensor], anchors: list[Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[Tensor]:
        """The likeliest boxes (P, 4) of each picture, of any that overlap much the likeliest only."""
        count = self.rules.trained if self.training else self.rules.tested
        boxes, scores, levels = [], [], []
        for level, (score, offset, anchor) in enumerate(zip(logits, offsets, anchors, strict=True)):
            top = score.topk(min(count, score.shape[1]), dim=1)  # (B, K)
            chosen = offset.gather(1, top.indices[..., None].expand(-1, -1, 4))
            near = anchor[top.indices]  # (B, K, 4)
            boxes.append(CODING.decode(chosen.flatten(0, 1), near.flatten(0, 1)).view_as(near))
            scores.append(top.values.sigmoid())
            levels.append(torch.full_like(top.indices, level))
        proposals = []
        for (height, width), box, score, level in zip(
            sizes, torch.cat(boxes, 1), torch.cat(scores, 1), torch.cat(levels, 1), strict=True
        ):
            box = clip(box, height, width)
            fine = has_extent(box, LEAST)
            box, score, level = box[fine], score[fine], level[fine]
            proposals.append(box[batched_nms(box, score, level, self.rules.overlap)[:count]])
        return proposals

    def losses(
        self, logits: list[Tensor], offsets: list[Tensor], anchors: list[Tensor], truths: Sequence[Instances],
        rngs: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Equation 1: cross-entropy of something or nothing, and smooth L1 of where, both as means over the sampled anchors."""
        every, all_logits, all_offsets = torch.cat(anchors), torch.cat(logits, 1), torch.cat(offsets, 1)
        nats, distances, total = [], [], 0
        for truth, rng, logit, offset in zip(truths, rngs, all_logits, all_offsets, strict=True):
            matched = match(truth.boxes, every, self.rules.low, self.rules.high, best_too=True)
            positive, negative = sample(matched, self.rules.sampled, self.rules.positives, rng)
            nats.append(F.softplus(-logit[positive]).sum() + F.softplus(logit[negative]).sum())
            wanted = CODING.encode(truth.boxes[matched[positive]], every[positive])
            distances.append(smooth_l1(offset[positive], wanted))
            total += len(positive) + len(negative)
        return {
            "loss_objectness": torch.stack(nats).sum() / total,
            "loss_rpn_box_reg": torch.stack(distances).sum() / total,
        }
