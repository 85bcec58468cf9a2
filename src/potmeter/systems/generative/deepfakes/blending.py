"""A drawn face put into the picture: its colours brought to the picture's, its edge faded out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

ERODED, FEATHERED = 0.05, 0.1
"""By how much the mask is drawn in, and the width over which it fades, as shares of the side."""
GAIN = 0.6, 1.6
"""Between these the contrast of a channel is changed at most."""


def soften(mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """A mask drawn in and faded out to both sides of its new edge."""
    side = mask.shape[-1]
    eroded, feathered = (2 * round(share * side / 2) + 1 for share in (ERODED, FEATHERED))
    inner = -F.max_pool2d(-F.pad(mask, (eroded // 2,) * 4), eroded, 1)
    for _ in range(2):  # twice: without corners in the ramp
        for window in ((1, feathered), (feathered, 1)):
            padding = (window[1] // 2,) * 2 + (window[0] // 2,) * 2
            inner = F.avg_pool2d(F.pad(inner, padding), window, 1)
    return inner


def transfer_colours(
    faces: Float[Tensor, "b 3 h w"], like: Float[Tensor, "b 3 h w"], mask: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Faces with each channel's mean and deviation inside the mask as in other pictures (Reinhard et al. 2001, in RGB)."""
    weight = mask / mask.sum((2, 3), keepdim=True).clamp_min(1e-6)

    def moments(x: Tensor) -> tuple[Tensor, Tensor]:
        mean = (weight * x).sum((2, 3), keepdim=True)
        return mean, ((weight * (x - mean).square()).sum((2, 3), keepdim=True) + 1e-6).sqrt()

    (mean, deviation), (wanted_mean, wanted_deviation) = moments(faces), moments(like)
    gain = (wanted_deviation / deviation).clamp(*GAIN)
    return ((faces - mean) * gain + wanted_mean).clamp(0, 1)


def blend(
    drawn: Float[Tensor, "b 3 h w"], pictures: Float[Tensor, "b 3 h w"], mask: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Pictures whose faces are replaced by drawn ones: colours transferred, edges faded."""
    drawn = transfer_colours(drawn, pictures, mask)
    return torch.lerp(pictures, drawn, soften(mask))
