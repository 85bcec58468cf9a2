"""The loss network together with what of a painting it is to compare: loads once, and is never trained or saved."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.data.fingerprint import digest
from potmeter.data.vgg_weights import load_loss_network
from potmeter.errors import reject
from potmeter.media import Image

from .loss import Style, content_loss, style_loss, total_variation
from .model import Config


class Criterion:
    """Johnson's losses for one painting.

    Args:
        config: Layers, weights, and which network.
        painting: Whose style.
        device: Where the pictures are.

    Raises:
        UserError: When nothing of so small a painting is left in the last layer.
    """

    def __init__(self, config: Config, painting: Image, device: torch.device | str = "cpu") -> None:
        if min(painting.size) < config.last_stride:
            width, height = painting.size
            reject(
                f"A painting's shorter side is at least {config.last_stride} pixels for {config.last_layer}.",
                f"{width} × {height}",
            )
        self.config = config
        self.network = load_loss_network(config.loss_network, config.last_layer).to(device)
        self.painting = painting.tensor().to(device)
        maps = self.network.feature_maps
        self.style = Style.from_painting(self.painting, maps, config.style_layers, config.content_layer)

    def fingerprint(self) -> str:
        """A digest of all that the losses hang on."""
        c = self.config
        weights = c.style_weight, c.content_weight, c.tv_weight
        return digest([c.loss_network, c.style_layers, c.content_layer, weights, self.painting])

    def content_features(self, photographs: Float[Tensor, "b 3 h w"]) -> Tensor:
        """The features of the content layer, which are to stay."""
        layer = self.config.content_layer
        with torch.no_grad():
            return self.network.feature_maps(photographs, (layer,))[layer]

    def losses(self, paintings: Float[Tensor, "b 3 h w"], content: Tensor) -> dict[str, Tensor]:
        """Of each picture ``style``, ``content`` and ``tv``, without weights; (B,) each.

        Args:
            paintings: What is judged.
            content: The features of their photographs, from ``content_features``.
        """
        config = self.config
        maps = self.network.feature_maps(paintings, (*config.style_layers, config.content_layer))
        return {
            "style": style_loss(maps, self.style),
            "content": content_loss(maps[config.content_layer], content, self.style),
            "tv": total_variation(paintings.float()),
        }

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The weighted sum of such losses, (B,)."""
        config = self.config
        weights = {"style": config.style_weight, "content": config.content_weight, "tv": config.tv_weight}
        return torch.stack([weight * losses[name] for name, weight in weights.items()]).sum(0)
