"""How differently two pictures look: the distance of their features in a network for images, after LPIPS.

Zhang et al. 2018 (arXiv:1801.03924), section 3. Every place of every layer is a vector of features; vectors of length 1 are
compared, so that the distance does not hang on contrast. Layers count alike and channels too: LPIPS' own weights, which were
learned from people's judgements, are not in any package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LAYERS = "relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"
"""Of VGG16, that the paper compares."""
BATCH = 32
"""Pictures compared at once."""

FeatureMaps = Callable[[Tensor, Sequence[str]], dict[str, Tensor]]
"""From pictures in [0, 1] and names of layers to the layers."""


@torch.no_grad()
def perceptual_distance(
    feature_maps: FeatureMaps, x: Float[Tensor, "b 3 h w"], y: Float[Tensor, "b 3 h w"], layers: Sequence[str] = LAYERS
) -> Float[Tensor, " b"]:
    """The squared distance of normalised features, averaged over places and summed over layers: 0 for equal pictures.

    Args:
        feature_maps: Of a network for images: ``VGG16.feature_maps``.
        x, y: Pictures in [0, 1], compared one by one.
        layers: What is compared.
    """
    parts = []
    for one, other in zip(x.split(BATCH), y.split(BATCH), strict=True):
        maps, others = feature_maps(one, layers), feature_maps(other, layers)
        off = [F.normalize(maps[layer], dim=1) - F.normalize(others[layer], dim=1) for layer in layers]
        parts.append(torch.stack([layer.square().sum(1).mean((1, 2)) for layer in off]).sum(0))
    return torch.cat(parts)
