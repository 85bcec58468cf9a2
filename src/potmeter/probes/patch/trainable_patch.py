"""The patch as what is trained: the parameters from which the inks of its pixels are computed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .expectation import disc
from .inks import mix_inks, separate_inks

COARSEST = 5
"""Pixels along the side of the coarsest grid, or somewhat more."""


class TrainablePatch(nn.Module):
    """A round patch of printable colours, as a sum of grids each of which is twice as fine as the one before.

    One step on a coarse grid moves a whole region, so that large shapes come before small ones: what such a patch shows
    has parts, where single pixels would give noise.

    Args:
        size: Pixels along the side.
        disguise: Colours (3, size, size) in [0, 1] that it begins with and stays near; None = grey.
        eps: Largest change of an ink's coverage from the disguise's, 0 to 1: the constraint ‖p − p_orig‖∞ ≤ ε of Brown et
            al., section 3, in inks. 1 = none.
        initial: Colours (3, size, size) in [0, 1] of a patch to go on from; None = the disguise.
    """

    low: Tensor
    high: Tensor
    initial_logits: Tensor

    def __init__(
        self, size: int, disguise: Tensor | None = None, eps: float = 1.0, initial: Tensor | None = None
    ) -> None:
        super().__init__()
        inks = torch.full((3, size, size), 0.5) if disguise is None else separate_inks(disguise)
        self.register_buffer("low", (inks - eps).clamp(min=0))
        self.register_buffer("high", (inks + eps).clamp(max=1))
        first = inks if initial is None else separate_inks(initial)
        # the grids start at zero, so this is what it begins as, but for inks at the very bounds, where nothing would learn
        place = ((first - self.low) / (self.high - self.low)).clamp(0.02, 0.98)
        self.register_buffer("initial_logits", place.logit())
        sizes = [size]
        while sizes[-1] >= 2 * COARSEST:
            sizes.append((sizes[-1] + 1) // 2)
        self.grids = nn.ParameterList([torch.zeros(1, 3, side, side) for side in sizes])

    def forward(self) -> Tensor:
        """The patch (3, size, size) in [0, 1], white around its disc."""
        size = self.initial_logits.shape[-1]
        fine = [F.interpolate(grid, (size, size), mode="bilinear", align_corners=False)[0] for grid in self.grids]
        inks = self.low + (self.high - self.low) * (self.initial_logits + torch.stack(fine).sum(0)).sigmoid()
        return 1 - disc(size).to(inks) * (1 - mix_inks(inks))


def total_variation(patch: Tensor) -> Tensor:
    """Total variation: mean absolute difference of neighbouring pixels (Mahendran and Vedaldi 2015, equation 5, β = 1)."""
    return (patch[:, 1:] - patch[:, :-1]).abs().mean() + (patch[:, :, 1:] - patch[:, :, :-1]).abs().mean()
