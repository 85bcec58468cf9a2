"""Cross-entropy and Dice (Milletari et al. 2016, arXiv:1606.04797, equation 4, over classes), and how masks are judged."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from potmeter.data.mask_data import VOID

SMOOTH = 1.0
"""Pixels added above and below, so that a class which is neither there nor found has Dice 1 and a gradient."""


def cross_entropy(logits: Float[Tensor, "b c h w"], mask: Int[Tensor, "b h w"]) -> Float[Tensor, " b"]:
    """The mean of −log p over the pixels of each picture whose class is said; 0 where none is."""
    nats = F.cross_entropy(logits, mask, ignore_index=VOID, reduction="none")  # (B, H, W)
    return nats.sum((1, 2)) / (mask != VOID).sum((1, 2)).clamp(min=1)


def dice_loss(probs: Float[Tensor, "b c h w"], mask: Int[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """1 − 2 Σ p·t / (Σ p + Σ t), averaged over the classes after the background; the sums run over all pixels of the minibatch.

    Args:
        probs: Probabilities, which sum to 1 over the classes.
        mask: The true classes, or ``VOID``.
    """
    classes = probs.shape[1]
    p, t = probs.permute(0, 2, 3, 1)[mask != VOID], mask[mask != VOID]  # (N, C), (N,)
    both = p.new_zeros(classes).index_add(0, t, p.gather(1, t[:, None])[:, 0])  # Σ p·t of each class
    dice = (2 * both + SMOOTH) / (p.sum(0) + torch.bincount(t, minlength=classes) + SMOOTH)
    return 1 - dice[1:].mean()


# Judging ------------------------------------------------------------------------------------------------------------


def overlap(
    predicted: Int[Tensor, "b h w"], mask: Int[Tensor, "b h w"], classes: int
) -> tuple[Int[Tensor, " classes"], Int[Tensor, " classes"]]:
    """|A ∩ B| and |A ∪ B| of every class, in pixels whose class is said: their quotient is the intersection over union."""
    a, b = predicted[mask != VOID], mask[mask != VOID]
    both = torch.bincount(a[a == b], minlength=classes)
    return both, torch.bincount(a, minlength=classes) + torch.bincount(b, minlength=classes) - both


def boundary_f(
    predicted: Bool[Tensor, "b h w"], truth: Bool[Tensor, "b h w"], said: Bool[Tensor, "b h w"], tolerance: int
) -> Float[Tensor, " b"]:
    """F-measure of two outlines (Csurka et al. 2013; Perazzi et al. 2016): their parts within ``tolerance`` of the other.

    NaN where neither has an outline.

    Args:
        predicted, truth: The pixels of a class.
        said: Where the truth is known; elsewhere no outline counts.
        tolerance: In pixels, to all sides (Chebyshev).
    """
    one, other = outline(predicted) & said, outline(truth) & said
    wide = 2 * tolerance + 1
    near = [F.max_pool2d(edge[:, None].float(), wide, 1, tolerance)[:, 0].bool() for edge in (one, other)]
    counts = [edge.sum((1, 2)).float() for edge in (one, other)]
    precision = (one & near[1]).sum((1, 2)) / counts[0]
    recall = (other & near[0]).sum((1, 2)) / counts[1]
    f = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
    missed = (counts[0] == 0) != (counts[1] == 0)
    return torch.where(missed, torch.zeros_like(f), f)


def outline(region: Bool[Tensor, "b h w"]) -> Bool[Tensor, "b h w"]:
    """The pixels of a region that have a neighbour (of four) outside of it; the picture's edge is none."""
    padded = F.pad(region[:, None].float(), (1, 1, 1, 1), mode="replicate")[:, 0].bool()
    inside = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return region & ~inside
