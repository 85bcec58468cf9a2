"""What a painting's style and a photograph's content are, in the features of a network that is not trained (section 3).

All losses are relative: of each layer the squared difference is divided by a constant that the painting gives, so that the
weights mean the same whatever the network and its layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

FeatureMaps = Callable[[Tensor, Sequence[str]], dict[str, Tensor]]
"""From pictures in [0, 1] and names of layers to the layers."""


def gram_matrix(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c c"]:
    """How much any two channels are active together, whatever the place (equation 3): Σ_hw F F ᵀ / (C H W).

    Example:
        >>> gram_matrix(torch.ones(1, 2, 3, 4))
        tensor([[[0.5000, 0.5000],
                 [0.5000, 0.5000]]])
    """
    flat = features.float().flatten(2)  # (B, C, H W)
    return flat @ flat.mT / flat[0].numel()


def total_variation(images: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """The mean squared difference of neighbouring pixels, in both directions together."""
    across = (images[..., :, 1:] - images[..., :, :-1]).square().mean((1, 2, 3))
    return across + (images[..., 1:, :] - images[..., :-1, :]).square().mean((1, 2, 3))


@dataclass(frozen=True)
class Style:
    """What of a painting is looked at."""

    grams: dict[str, Tensor]
    """The Gram matrix (C, C) of each style layer."""
    content_scale: Tensor
    """The mean square of the content layer, which content losses are divided by."""

    @classmethod
    def from_painting(
        cls, painting: Float[Tensor, "3 h w"], network: FeatureMaps, layers: Sequence[str], content: str
    ) -> Style:
        """The style of a painting in [0, 1]."""
        with torch.no_grad():
            maps = network(painting[None], [*layers, content])
            grams = {layer: gram_matrix(maps[layer])[0] for layer in layers}
            return cls(grams, maps[content].float().square().mean())


def style_loss(maps: dict[str, Tensor], style: Style) -> Float[Tensor, " b"]:
    """The squared Frobenius distance of the Gram matrices to the painting's, relative to its own, summed over layers."""
    losses = []
    for layer, target in style.grams.items():
        off = (gram_matrix(maps[layer]) - target).square().sum((1, 2))
        losses.append(off / target.square().sum())
    return torch.stack(losses).sum(0)


def content_loss(
    features: Float[Tensor, "b c h w"], photograph: Float[Tensor, "b c h w"], style: Style
) -> Float[Tensor, " b"]:
    """The mean squared distance of the features to the photograph's (equation 2), relative to the painting's mean square."""
    return (features.float() - photograph.float()).square().mean((1, 2, 3)) / style.content_scale
