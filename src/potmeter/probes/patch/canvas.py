"""The patch as what is trained: numbers behind the inks of its pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .expectation import disc
from .inks import mix_inks, separate_inks

COARSEST = 5
"""Pixels along the side of the coarsest grid, or somewhat more."""


class Canvas(nn.Module):
    """A round patch of printable colours, as a sum of grids each of which is twice as fine as the one before.

    One step on a coarse grid moves a whole region, so that large shapes come before small ones: what such a patch shows
    has parts, where single pixels would give noise.

    Args:
        size: Pixels along the side.
        look: Colours (3, size, size) in [0, 1] to begin with; None = grey.
        strength: How far an ink may go from the look's, so that a disguised patch stays in disguise: the constraint
            ‖p − p_orig‖∞ ≤ ε of Brown et al., section 3, in inks. 1 = anywhere.
        begin: Colours (3, size, size) of a patch to go on from; None = the look.
    """

    low: Tensor
    high: Tensor
    start: Tensor

    def __init__(
        self, size: int, look: Tensor | None = None, strength: float = 1.0, begin: Tensor | None = None
    ) -> None:
        super().__init__()
        inks = torch.full((3, size, size), 0.5) if look is None else separate_inks(look)
        self.register_buffer("low", (inks - strength).clamp(min=0))
        self.register_buffer("high", (inks + strength).clamp(max=1))
        first = inks if begin is None else separate_inks(begin)
        # the grids start at zero, so this is what it begins as, but for inks at the very bounds, where nothing would learn
        place = ((first - self.low) / (self.high - self.low)).clamp(0.02, 0.98)
        self.register_buffer("start", place.logit())
        sizes = [size]
        while sizes[-1] >= 2 * COARSEST:
            sizes.append((sizes[-1] + 1) // 2)
        self.grids = nn.ParameterList([torch.zeros(1, 3, side, side) for side in sizes])

    def forward(self) -> Tensor:
        """The patch (3, size, size) in [0, 1], white around its disc."""
        size = self.start.shape[-1]
        fine = [F.interpolate(grid, (size, size), mode="bilinear", align_corners=False)[0] for grid in self.grids]
        inks = self.low + (self.high - self.low) * (self.start + torch.stack(fine).sum(0)).sigmoid()
        return 1 - disc(size).to(inks) * (1 - mix_inks(inks))


def total_variation(patch: Tensor) -> Tensor:
    """Total variation: mean absolute difference of neighbouring pixels (Mahendran and Vedaldi 2015, equation 5, β = 1)."""
    return (patch[:, 1:] - patch[:, :-1]).abs().mean() + (patch[:, :, 1:] - patch[:, :, :-1]).abs().mean()
