"""What networks for images share: they take values in [0, 1] and normalise them themselves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ImageNetwork(nn.Module):
    """Base of networks that take images (B, C, H, W) in [0, 1].

    Mean and standard deviation are buffers that move along with the network but are not saved: its Config has them.

    Args:
        mean: Of each channel over the training images.
        std: Standard deviation of each channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """(images − mean) / std, channel by channel, of images (B, C, H, W) in [0, 1]."""
        return (images - self.mean) / self.std
